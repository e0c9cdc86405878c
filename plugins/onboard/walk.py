"""The walk: each step does its work, says what came of it, and hands on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, load_settings, mask
from plugins.onboard.drafted import Drafted, secret_path
from plugins.onboard.drafting import draft, title

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Choices:
    """What was said on the command line. values: inputs of an API, by name; a reference (`env:NAME`) stays one."""

    place: str
    name: str | None
    owner: str
    streams: list[str]
    to: str | None
    domain: str | None
    values: dict[str, str] = field(default_factory=dict)
    is_interactive: bool = True
    commits: bool = True
    force: bool = False


@dataclass
class _Kept:
    """What stays if the walk is stopped now: nothing yet, or what has been done with the source."""

    source: str = ""

    def told(self) -> str:
        """What is kept, and how to go on."""
        if not self.source:
            return "nothing was written; run the same command again to begin anew"
        files = (
            f"what was written of sources/{self.source}/, its connection and each stream that was loaded are kept"
        )
        return f"{files}; run the same command again to go on: nothing is loaded twice"


def walk(settings: Settings, choices: Choices, console: Console) -> dict[str, Any]:
    """All five steps. Returns what came of them, for --json. Raises SmeltError where a step can't go on."""
    kept = _Kept()
    try:
        return _steps(settings, choices, console, kept)
    except (KeyboardInterrupt, typer.Abort):
        console.print(f"\n[bold]Stopped[/]  {escape(kept.told())}", soft_wrap=True)
        raise


def _steps(settings: Settings, choices: Choices, console: Console, kept: _Kept) -> dict[str, Any]:
    drafted = draft(choices, console, settings)
    secrets, drafted = _asked(drafted, choices)
    _confirm(choices, f"Write sources/{drafted.name}/ and its connection?")
    kept.source = drafted.name
    paths = _write(settings, drafted, secrets, choices, console)
    loaded = _load(load_settings(settings.project_dir), drafted.name, console)
    if all(one["error"] for one in loaded):
        raise SmeltError(
            f"nothing of {drafted.name} was loaded", f"smelt ingest {drafted.name} says why; then smelt map"
        )
    mapped = _map(load_settings(settings.project_dir), drafted.name, choices, console)
    return {
        "source": drafted.name,
        "kind": drafted.kind,
        "files": paths,
        "streams": loaded,
        "proposal": mapped.proposal.id if mapped.proposal else None,
        "url": mapped.url,
        "questions": list(mapped.proposal.questions) if mapped.proposal else [],
        "not_opened": mapped.has_failed,
        "failed": mapped.has_failed or any(one["error"] for one in loaded),
    }


def _asked(drafted: Drafted, choices: Choices) -> tuple[dict[str, str], Drafted]:
    """Secrets by path, and the source with what was given. Raises SmeltError for what nobody gave."""
    from plugins.onboard.apis import with_base_url

    secrets = dict(drafted.secrets)
    for name, told in drafted.asked.items():
        value = choices.values.get(name)
        if value is None:
            if not choices.is_interactive:
                raise SmeltError(f"{name} is needed: {told}", f"--set {name}=…, or --set {name}=env:NAME")
            value = typer.prompt(f"{name} ({told})", hide_input=name in drafted.hidden)
        if name == "base_url":
            drafted = replace(drafted, connection=with_base_url(drafted, value))
        elif value.startswith(("env:", "file:")):
            reference = f"file:{secret_path(drafted.name, name)}"
            drafted = replace(drafted, connection=drafted.connection.replace(reference, value))
        else:
            secrets[secret_path(drafted.name, name)] = value
    return secrets, drafted


def _write(
    settings: Settings, drafted: Drafted, secrets: dict[str, str], choices: Choices, console: Console
) -> list[str]:
    from plugins.onboard.writing import write_source

    title(console, 2, "connect", "writes source.yml and the connection")
    paths = write_source(settings.project_dir, drafted, secrets, force=choices.force)
    for path in paths:
        console.print(f"  {escape(path)}")
    for note in drafted.notes:
        console.print(f"  [yellow]note[/]  {escape(mask(note))}", soft_wrap=True)
    if choices.commits and paths:
        _commit(settings.project_dir, drafted, paths, choices, console)
    return paths


def _commit(folder: Path, drafted: Drafted, paths: list[str], choices: Choices, console: Console) -> None:
    """A pull request is made against a commit: models of a source that no commit has would stand alone."""
    from plugins.onboard.committing import commit_source, uncommitted

    paths = uncommitted(folder, paths)
    if not paths:
        return
    if choices.is_interactive and not typer.confirm(f"  Commit these files ({', '.join(paths)})?", default=True):
        return
    note = commit_source(folder, drafted, paths)
    console.print("  committed")
    if note:
        console.print(f"  [yellow]note[/]  {escape(note)}", soft_wrap=True)


def _confirm(choices: Choices, question: str) -> None:
    if choices.is_interactive and not typer.confirm(question, default=True):
        raise SmeltError("nothing was written", "run it again when you are ready; --yes asks nothing")


def _load(settings: Settings, name: str, console: Console) -> list[dict[str, Any]]:
    from ingest.command import print_notes
    from ingest.report import summary
    from ingest.runner import run

    title(console, 3, "load", f"smelt ingest {name}")
    results = run(settings, (name,), console=console)
    console.print(summary(results))
    print_notes(results, console)
    return [{"stream": one.name, "rows": one.as_dict().get("rows_loaded"), "error": one.error} for one in results]


def _map(settings: Settings, name: str, choices: Choices, console: Console) -> Any:
    from plugins.core.project import Project
    from plugins.source_mapping import map_source, show

    title(console, 4, "map", f"smelt map {name}")
    with console.status("reading the project") as status:
        mapped = map_source(
            Project(settings.project_dir),
            settings,
            name,
            to=choices.to,
            domain=choices.domain,
            on_progress=status.update,
        )
    show(console, mapped)
    return mapped
