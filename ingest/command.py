"""`smelt ingest`, `smelt sources`, `smelt doctor`, `smelt release`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from ingest.load import StreamResult

_NAMED = 3
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("ingest")(ingest)
    app.command("sources")(sources)
    app.command("doctor")(doctor)
    app.command("release")(release)


def ingest(
    selectors: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE[.STREAM]]…", help="What to load; default: all streams.")
    ] = None,
    reset: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE.STREAM", help="Read it again from the start; what is there isn't doubled."),
    ] = None,
    from_position: Annotated[
        str | None,
        typer.Option("--from", metavar="POSITION|TIME", help="Read from this cursor value, or JSON position."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Load source data into bronze, exactly once."""
    from rich.console import Console

    from ingest.report import summary
    from ingest.runner import run
    from plugins.core.settings import load_settings

    console = Console(highlight=False)
    results = run(
        load_settings(), selectors or (), reset or (), from_position, console=None if as_json else console
    )
    if as_json:
        typer.echo(json.dumps([result.as_dict() for result in results], default=str))
    else:
        console.print(summary(results))
        print_notes(results, console)
    if any(result.error for result in results):
        raise typer.Exit(1)


def print_notes(results: list[StreamResult], console: Console) -> None:
    """Schemas that changed, notes and errors of the streams, each error with its fix."""
    from rich.markup import escape

    for result in results:
        if result.schema_change:
            told = f"{result.name}: schema version {result.schema_version}: {escape(result.schema_change)}"
            console.print(f"[yellow]schema[/] {told}; `smelt drift check` shows what it means", soft_wrap=True)
        for note in result.notes:
            console.print(f"[yellow]note[/]   {result.name}: {escape(note)}", soft_wrap=True)
    for error, hint in _told_once(results):
        console.print(f"[bold red]error[/]  {escape(error)}", soft_wrap=True)
        if hint:
            console.print(f"[bold]fix[/]    {escape(hint)}", soft_wrap=True)


def _told_once(results: list[StreamResult]) -> Iterator[tuple[str, str | None]]:
    """Errors with their fix; one that several streams share, such as a wrong key, is told once."""
    alike: dict[tuple[str, str | None], list[StreamResult]] = {}
    for result in results:
        if result.error:
            alike.setdefault((result.error.removeprefix(f"{result.name}: "), result.hint), []).append(result)
    for (error, hint), failed in alike.items():
        names = ", ".join(one.name for one in failed[:_NAMED])
        more = len(failed) - _NAMED
        if len(failed) == 1:
            yield str(failed[0].error), hint
        else:
            yield f"{names}{f' and {more} more' if more > 0 else ''}: {error}", hint


def sources(as_json: Json = False) -> None:
    """List the sources and their streams."""
    from rich.console import Console
    from rich.table import Table

    from ingest.spec import load_sources
    from plugins.core.settings import load_settings

    rows = [
        {
            "stream": f"{source.name}.{stream.name}",
            "kind": source.kind,
            "sync": stream.sync_mode,
            "key": ", ".join(stream.primary_key),
            "table": source.identifier(stream.name),
            "owner": stream.owner or source.owner,
        }
        for source in load_sources(load_settings().project_dir)
        for stream in source.streams
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table(*rows[0], box=None, pad_edge=False, header_style="dim")
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*row.values())
    Console(highlight=False).print(table)


def doctor(as_json: Json = False) -> None:
    """Check each connection, the lake and the ledger, and say what to fix."""
    from rich.console import Console
    from rich.markup import escape

    from ingest.health import examine
    from plugins.core.settings import load_settings

    findings = examine(load_settings())
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in findings]))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for finding in findings:
            state = "[green]healthy[/]" if finding.is_healthy else "[red]failing[/]"
            console.print(f"{finding.what:<28} {state}  {escape(finding.found)}  ({finding.milliseconds:.0f} ms)")
            if finding.fix:
                console.print(f"  [bold]fix[/]  {escape(finding.fix)}")
    if not all(finding.is_healthy for finding in findings):
        raise typer.Exit(1)


def release(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source whose changes were captured.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Drop the replication slot and the publication of a source that is no longer captured."""
    from rich.console import Console
    from rich.markup import escape

    from ingest.cdc.releasing import Holding, holding, release_source
    from plugins.core.settings import load_settings

    console = Console(highlight=False, soft_wrap=True)
    settings = load_settings()
    found: Holding = holding(settings, source)
    if found.is_nothing:
        console.print(f"{escape(source)}: nothing to release: neither slot nor publication is there")
        return
    for line in found.described():
        console.print(escape(line))
    if not yes:
        typer.confirm("Drop them?", abort=True)
    release_source(settings, found)
    console.print(f"released {escape(source)}; what is in bronze stays")
