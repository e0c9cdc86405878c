"""`smelt proposals` and `smelt review-comment`: thin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from plugins.review.forge import Forge
    from plugins.review.proposals.lifecycle import ListedProposal, Proposals

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Id = Annotated[str, typer.Argument(help="Id of the proposal, or how it begins.")]
ProjectDir = Annotated[Path | None, typer.Option("--project-dir", help="Folder of the dbt project.")]
ForgeKind = Annotated[str | None, typer.Option("--forge", help="local, github or gitlab; default: smelt.toml's.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    proposals = typer.Typer(no_args_is_help=True, help="Changes that Smelt proposes: list, show, open, close.")
    proposals.command("list")(_list)
    proposals.command("show")(_show)
    proposals.command("open")(_open)
    proposals.command("close")(_close)
    app.add_typer(proposals, name="proposals")
    app.command("review-comment", hidden=True)(_comment)


def _list(project_dir: ProjectDir = None, as_json: AsJson = False) -> None:
    """All proposals, newest first, with what people have decided about them."""
    from rich.console import Console
    from rich.table import Table

    listed, unreadable = _proposals(project_dir).listed()
    if as_json:
        _print_json([_summary(one) for one in listed])
    elif not listed:
        typer.echo("there is no proposal yet")
    else:
        table = Table(box=None, pad_edge=False)
        table.add_column("id", no_wrap=True, min_width=26)
        has_urls = any(one.state.number for one in listed)
        for heading in ("kind", "title", "confidence", "state", *(["pull request"] if has_urls else [])):
            table.add_column(heading, overflow="fold")
        for one in listed:
            proposal, state = one.proposal, one.state
            row = [proposal.kind, proposal.title, f"{proposal.confidence:.2f}", str(state.decision)]
            row += [state.url or ""] if has_urls else []
            table.add_row(proposal.id, *map(_escaped, row))
        Console(highlight=False).print(table)
    for problem in sorted({f"{one.forge} cannot be asked: {one.problem}" for one in listed if one.problem}):
        typer.echo(f"warning  {problem}; the state shown is the last known", err=True)
    for problem in unreadable:
        typer.echo(f"warning  {problem}", err=True)


def _show(proposal: Id, project_dir: ProjectDir = None, as_json: AsJson = False) -> None:
    """A proposal as its reviewer reads it, and what happened to it."""
    proposals = _proposals(project_dir)
    stored = proposals.find(proposal)
    status = proposals.status(stored.proposal)
    history = [
        {key: value for key, value in event.items() if value is not None and key not in ("event_id", "run_id")}
        for event in proposals.history(stored.proposal)
    ]
    if as_json:
        whole = {**_summary(status), "proposal": stored.proposal.model_dump(mode="json")}
        _print_json({**whole, "body": stored.body, "history": history})
        return
    typer.echo(_plain(stored.body).rstrip())
    typer.echo(f"\n-- {stored.proposal.id}: {status.state.decision}", nl=False)
    typer.echo(f" ({_plain(status.state.detail)})" if status.state.detail else "")
    for event in history:
        what = [event["event"], event.get("outcome"), event.get("forge"), event.get("url") or event.get("tip")]
        typer.echo(f"   {event['at']:%Y-%m-%d %H:%M:%S}  {' '.join(str(one) for one in what if one)}")
    if status.problem:
        typer.echo(f"warning  {status.forge} cannot be asked: {status.problem}", err=True)


def _open(proposal: Id, forge: ForgeKind = None, project_dir: ProjectDir = None, as_json: AsJson = False) -> None:
    """Open a proposal as a pull request, or bring its pull request up to date."""
    opened = _proposals(project_dir).open(proposal, forge)
    if as_json:
        shown = {"url": opened.url, "branch": opened.branch, "number": opened.number, "tip": opened.tip}
        _print_json({**shown, "is_new": opened.is_new, "note": opened.note})
    else:
        typer.echo(f"{'opened' if opened.is_new else 'up to date'}  {opened.branch}\n{opened.url}")
        if opened.note:
            typer.echo(f"note  {_plain(opened.note)}")


def _close(
    proposal: Id,
    reason: Annotated[str, typer.Option(help="Why; it is recorded and calibrates later confidence.")] = "",
    project_dir: ProjectDir = None,
    as_json: AsJson = False,
) -> None:
    """Close a proposal without merging it."""
    closed = _proposals(project_dir).close(proposal, reason)
    if as_json:
        _print_json(_summary(closed))
    else:
        typer.echo(f"{closed.state.decision}  {closed.proposal.id}")


def _comment(
    number: Annotated[int, typer.Option("--pull-request", min=1, help="Number of the pull request.")],
    body: Annotated[Path, typer.Option("--body", help="File with the comment, markdown.")],
    head: Annotated[
        str | None, typer.Option("--head", help="Commit the comment is about; refused if it isn't the newest.")
    ] = None,
    forge: ForgeKind = None,
    project_dir: ProjectDir = None,
    as_json: AsJson = False,
) -> None:
    """Write Smelt's one comment on a pull request, or replace its text; for CI jobs."""
    text = _read(body)
    url = _commenting_forge(project_dir, forge).comment(number, text, head)
    if as_json:
        _print_json({"url": url})
    else:
        typer.echo(url)


def _commenting_forge(project_dir: Path | None, kind: str | None) -> Forge:
    from plugins.core.settings import load_settings
    from plugins.review.forge import open_forge
    from plugins.review.forge.forge import NoTips

    return open_forge(load_settings(project_dir), NoTips(), kind)


def _read(path: Path) -> str:
    """The text of a file that may come from somebody else's job, so a link to a file of ours is refused."""
    from plugins.core.errors import SmeltError

    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise SmeltError(f"{path} is not a plain file", "give a file with markdown")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SmeltError(f"{path} cannot be read: {error}", "give a file with markdown in UTF-8") from error


def _proposals(project_dir: Path | None) -> Proposals:
    from plugins.core.settings import load_settings
    from plugins.review.proposals.lifecycle import Proposals

    return Proposals(load_settings(project_dir))


def _summary(one: ListedProposal) -> dict[str, Any]:
    proposal = one.proposal
    return {
        **proposal.model_dump(mode="json", include={"id", "kind", "title", "confidence", "created_at"}),
        "branch": proposal.branch,
        "forge": one.forge,
        "state": str(one.state.decision),
        "url": one.state.url,
        "number": one.state.number,
        "detail": one.state.detail,
        "problem": one.problem,
    }


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, default=str))


def _plain(text: str) -> str:
    """`text` without characters that could steer a terminal."""
    return "".join(char for char in text if char in "\n\t" or char.isprintable())


def _escaped(text: str) -> str:
    return _plain(text).replace("\n", " ").replace("[", "\\[")
