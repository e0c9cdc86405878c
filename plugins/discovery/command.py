"""`smelt discover`: thin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("discover")(discover)


def discover(
    place: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE|FILE|FOLDER|BUCKET|TOPIC|TABLE|DSN",
            help="A source of the project; a file, folder, bucket or topic; a published or bronze table; a DSN.",
            show_default=False,
        ),
    ],
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows of each stream that are looked at.")] = 10_000,
    stream: Annotated[str | None, typer.Option("--stream", help="Only this stream.", show_default="all")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_mermaid: Annotated[bool, typer.Option("--mermaid", help="Print an ER diagram in mermaid.")] = False,
    project_dir: Annotated[
        Path, typer.Option("--project-dir", help="Folder of smelt.toml.", show_default="this folder")
    ] = Path(),
) -> None:
    """Say what is in a place: types, meanings, personal data, keys and references, each with its evidence.

    smelt discover shop                                 a source, as it is in bronze
    smelt discover exports/                             a folder of CSV, JSON or Parquet files
    smelt discover s3://bucket/exports                  a sample of a bucket's objects
    smelt discover kafka://broker:9092/topic            its newest messages
    smelt discover orders.csv.gz --json                 one file, as JSON
    smelt discover gold.fct_order_items                 a published table
    smelt discover postgresql://me@host/db --mermaid    a database, as a diagram
    """
    from rich.console import Console

    from plugins.core.discovery import document
    from plugins.discovery import discover_place, read_place
    from plugins.discovery.report import mermaid, plain, show

    progress = Console(stderr=True)
    with (
        progress.status("reading") as status,
        read_place(
            place,
            rows=rows,
            stream=stream,
            project_dir=project_dir,
            on_progress=lambda text: status.update(plain(text, 100).replace("[", "\\[")),
        ) as opened,
    ):
        status.update("looking at the values")
        found = discover_place(opened)
    for note in opened.notes:
        typer.echo(f"note  {plain(note, 1000)}", err=True)
    if as_json:
        typer.echo(json.dumps(document(found, opened.name), indent=2, ensure_ascii=True, default=str))
    elif as_mermaid:
        typer.echo(mermaid(found))
    else:
        show(Console(highlight=False), found)
