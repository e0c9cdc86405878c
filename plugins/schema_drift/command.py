"""`smelt drift`: thin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plugins.core.errors import SmeltError
from plugins.core.project.options import ProfilesDir, ProjectDir, Target, open_project

if TYPE_CHECKING:
    from plugins.core.project import Project
    from plugins.core.settings import Settings

_HELP = """Schema drift: what changed at the sources, what it means, and the pull request that answers it.

In any dbt project:

  smelt drift snapshot   after a build that was good
  smelt drift check      later: what changed, and how that is known
  smelt drift propose    patched, built on the same rows, opened as a pull request

In a Smelt project `smelt run` does all of it, and holds back what a change would break:

  smelt drift status     what waits, since when and why
"""
_FAIL_ON = ("never", "any", "informative", "breaking", "dangerous")

Before = Annotated[
    str | None,
    typer.Option(
        "--before",
        help="What to compare with: a snapshot file, or a git ref whose sources are declared in YAML; in a Smelt "
        "project also a time or a run.",
        show_default="the last snapshot; in a Smelt project what was published last",
    ),
]
Select = Annotated[
    list[str] | None, typer.Option("--select", "-s", help="Source, or source.table; again for more.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    drift = typer.Typer(
        no_args_is_help=True,
        help=_HELP,
    )
    for command in (snapshot, check, propose, status, release):
        drift.command()(command)
    app.add_typer(drift, name="drift")


def snapshot(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default="the project's own")
    ] = None,
    select: Select = None,
    as_json: AsJson = False,
    project_dir: ProjectDir = Path(),
    profiles_dir: ProfilesDir = None,
    target: Target = None,
) -> None:
    """Remember the project's sources as they are: columns, types, keys, and a sample of rows.

    One file, which only you can read: it holds values. `smelt drift check` compares with it later.

      smelt drift snapshot                    after a build that was good
      smelt drift snapshot -o before.duckdb   somewhere else
    """
    from dataclasses import asdict

    from rich.console import Console

    from plugins.schema_drift.drifting import make_ready
    from plugins.schema_drift.observing import take_snapshot

    project, settings = _open(project_dir, profiles_dir, target)
    with Console(stderr=True).status("reading the sources") as status:
        taken = take_snapshot(project, settings, output, select or (), on_progress=status.update)
        if output is None:
            status.update("parsing the project, so that a proposal need not")
            make_ready(project, settings)
    if as_json:
        typer.echo(json.dumps(asdict(taken), indent=2, default=str))
    else:
        for note in taken.notes:
            typer.echo(f"note  {note}", err=True)
        tables = "table" if taken.tables == 1 else "tables"
        typer.echo(f"{taken.tables:,} {tables}, {taken.rows:,} rows kept: {taken.path}")


def check(
    before: Before = None,
    select: Select = None,
    as_json: AsJson = False,
    fail_on: Annotated[
        str,
        typer.Option("--fail-on", help="Exit with 1 from this severity on: " + ", ".join(_FAIL_ON) + "."),
    ] = "never",
    project_dir: ProjectDir = Path(),
    profiles_dir: ProfilesDir = None,
    target: Target = None,
) -> None:
    """Say what changed at the sources, how sure that is and how it is known, in any dbt project.

    smelt drift check                          against the last snapshot or published run
    smelt drift check --before before.duckdb   against a snapshot
    smelt drift check --before main --json     against the sources that main declares
    smelt drift check --fail-on breaking       in CI
    """
    from rich.console import Console

    from plugins.schema_drift.drifting import check as run_check
    from plugins.schema_drift.report import document, show

    if fail_on not in _FAIL_ON:
        raise SmeltError(f"--fail-on {fail_on!r} is not known", f"one of {', '.join(_FAIL_ON)}")
    project, settings = _open(project_dir, profiles_dir, target)
    with Console(stderr=True).status("comparing the sources"):
        checked = run_check(project, settings, before, select or ())
    if as_json:
        typer.echo(json.dumps(document(checked, project.folder.name), indent=2, default=str))
    else:
        show(Console(), checked)
    if _fails(fail_on, checked.drift.severity):
        raise typer.Exit(1)


def propose(
    before: Before = None,
    select: Select = None,
    propagate: Annotated[
        bool, typer.Option("--propagate", help="Carry new names through the models instead of absorbing them.")
    ] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Keep the proposal; open no pull request.")] = False,
    forge: Annotated[
        str | None, typer.Option("--forge", help="local, github or gitlab.", show_default="smelt.toml's")
    ] = None,
    as_json: AsJson = False,
    project_dir: ProjectDir = Path(),
    profiles_dir: ProfilesDir = None,
    target: Target = None,
) -> None:
    """Patch everything that names what changed, prove it in the sandbox, and open a pull request for each source.

    smelt drift propose                 what changed, absorbed at the staging models
    smelt drift propose --propagate     with the new names in all models
    smelt drift propose --no-open       look first: smelt proposals show
    """
    from rich.console import Console

    from plugins.review import opened_ahead
    from plugins.schema_drift.drifting import check as run_check
    from plugins.schema_drift.drifting import close_undone
    from plugins.schema_drift.drifting import propose as run_propose
    from plugins.schema_drift.healing.holds import follow
    from plugins.schema_drift.patching import Mode
    from plugins.schema_drift.report import document, proposed_document, show, show_proposed

    project, settings = _open(project_dir, profiles_dir, target)
    mode = Mode.PROPAGATE if propagate else Mode.ABSORB
    console = Console(stderr=as_json)
    # The first proposal finds its sandbox open; it is not worth while to open one more for the rest meanwhile.
    with opened_ahead(project, settings) as ahead, Console(stderr=True).status("comparing the sources") as status:
        checked = run_check(project, settings, before, select or ())
        options = {"mode": mode, "forge": forge, "is_opened": not no_open, "on_progress": status.update}
        proposals, failed = [], {}
        for number, one in enumerate(checked.sources):
            place = ahead if number == 0 else None
            # What keeps one source from being proposed keeps no other.
            try:
                made = run_propose(project, settings, checked, source=one, ahead=place, **options)
            except SmeltError as error:
                failed[one] = error
            else:
                proposals += [made] if made is not None else []
        undone = close_undone(settings, checked)
    for one in proposals:
        if one.url is not None:
            follow(settings, one.proposal.subject, one.proposal.id, one.url)
    if as_json:
        found = document(checked, project.folder.name)
        found |= {"proposals": list(map(proposed_document, proposals)), "closed": [one.id for one in undone]}
        found["failed"] = {
            source: {"message": error.message, "fix": error.hint} for source, error in failed.items()
        }
        typer.echo(json.dumps(found, indent=2, default=str))
    else:
        show(console, checked)
        for one in proposals:
            console.print()
            show_proposed(console, one)
        for closed in undone:
            console.print(f"[green]closed[/]  proposal {closed.id}: {closed.subject} is as it was before")
        if checked.drift.changes and not proposals and not failed:
            console.print(
                "Nothing to propose: nothing that can be patched names what changed, or it was decided about. "
                "`smelt drift snapshot` makes this the state before."
            )
    for source, error in failed.items():
        typer.echo(f"error  {source}: {error}", err=True)
    if failed or any(one.has_failed for one in proposals):
        raise typer.Exit(1)


def status(
    as_json: AsJson = False,
    project_dir: ProjectDir = Path(),
    profiles_dir: ProfilesDir = None,
    target: Target = None,
) -> None:
    """Say what is held back since when and why, and which proposals of drift wait for a person."""
    from rich.console import Console

    from plugins.schema_drift.healing import find_standing
    from plugins.schema_drift.report import show_standing

    _, settings = _open(project_dir, profiles_dir, target)
    standing = find_standing(settings)
    if as_json:
        typer.echo(json.dumps(standing.document(), indent=2, default=str))
    else:
        show_standing(Console(), standing)


def release(
    stream: Annotated[str, typer.Argument(metavar="SOURCE.STREAM", help="What is held back; SOURCE: all of it.")],
    as_json: AsJson = False,
    project_dir: ProjectDir = Path(),
    profiles_dir: ProfilesDir = None,
    target: Target = None,
) -> None:
    """Let builds read a stream that is held back, whatever became of its proposal: the models were corrected.

    smelt drift release shop.order_lines    the same drift is not held back again
    """
    from plugins.schema_drift.healing import release_by_hand

    _, settings = _open(project_dir, profiles_dir, target)
    released = release_by_hand(settings, stream)
    if as_json:
        found = [{"stream": one.name, "proposal": one.proposal_id} for one in released]
        typer.echo(json.dumps({"released": found}, indent=2))
        return
    for one in released:
        typer.echo(f"released  {one.name}: the next `smelt run` builds from all its rows")
    for proposal_id in sorted({one.proposal_id for one in released if one.proposal_id}):
        typer.echo(
            f"          its proposal is open still: `smelt proposals close {proposal_id}`, unless it is merged"
        )


def _open(project_dir: Path, profiles_dir: Path | None, target: str | None) -> tuple[Project, Settings]:
    from plugins.core.settings import load_settings

    project = open_project(project_dir, profiles_dir, target)
    if not (project.folder / "dbt_project.yml").is_file():
        raise SmeltError(
            f"there is no dbt_project.yml in {project.folder}",
            "run smelt in a dbt project's folder, or --project-dir",
        )
    return project, load_settings(project.folder)


def _fails(fail_on: str, severity: object) -> bool:
    from plugins.schema_drift.change import Severity

    if fail_on == "never" or not isinstance(severity, Severity):
        return False
    return severity.rank >= (0 if fail_on == "any" else Severity(fail_on).rank)
