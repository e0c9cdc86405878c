"""`smelt demo up|down|status`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

app = typer.Typer(
    help="The sample source systems: a shop's PostgreSQL, a file drop, an HTTP API.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def up(as_json: Json = False) -> None:
    """Start the three source systems and fill them; what is there already stays."""
    from demo.manager import up as start
    from plugins.core.settings.model import find_project_dir

    _show(start(find_project_dir()), as_json)


@app.command()
def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Delete their data too.")] = False,
) -> None:
    """Stop the source systems."""
    from demo.manager import down as stop
    from plugins.core.settings.model import find_project_dir

    stop(find_project_dir(), wipe=wipe)


@app.command()
def status(as_json: Json = False) -> None:
    """Say what runs, where, and what it holds."""
    from demo.manager import status as look
    from plugins.core.settings.model import find_project_dir

    found = look(find_project_dir())
    _show(found, as_json)
    if not all(source.healthy for source in found):
        raise typer.Exit(1)


def _show(found: list, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(source) for source in found], indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    for n, source in enumerate(found):
        health = "[green]healthy[/]" if source.healthy else "[red]down[/]"
        table.add_row(
            "Sources" if n == 0 else "", source.name, f"{source.kind} {source.where}", source.contents, health
        )
    Console().print(table)
