"""`smelt connect`: thin."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plugins.core.errors import SmeltError

if TYPE_CHECKING:
    from plugins.connectors.connector import Connector


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="connect")(connect)


def connect(
    spec: Annotated[
        str,
        typer.Argument(metavar="SPEC", help="OpenAPI 2 or 3, or GraphQL introspection: a path or http(s) URL."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write to.", show_default="sources/<name>")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", help="The source's name.", show_default="the folder's of --out, else from the spec's title"
        ),
    ] = None,
    streams: Annotated[
        str | None, typer.Option("--streams", help="Only these, a,b,c; the parents they need come along.")
    ] = None,
    owner: Annotated[str, typer.Option("--owner", help="Who looks after the source.")] = "unassigned",
    allow_external_refs: Annotated[
        bool, typer.Option("--allow-external-refs", help="Read files and URLs that the spec refers to.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that a person has edited.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what was inferred; write nothing.")] = False,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no language model, though one is configured.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a connector from the spec of an API: streams, keys, pages, cursors, parents, credentials.

    Writes connector.yml (an Airbyte declarative manifest) and source.yml, and says how sure each part is.

      smelt connect openapi.yaml                       into sources/<name>
      smelt connect https://api.acme.example/openapi.json --name acme --owner sales-ops
      smelt connect openapi.yaml --streams orders,customers
      smelt connect openapi.yaml --dry-run --json      what was inferred, and why
    """
    from rich.console import Console

    from plugins.connectors.report import show
    from plugins.connectors.writing import write

    if name is None and out is not None and re.fullmatch(r"[a-z][a-z0-9_]*", out.resolve().name):
        # Smelt calls a source by its folder.
        name = out.resolve().name
    wanted = [one.strip() for one in (streams or "").split(",") if one.strip()]
    with Console(stderr=True).status("reading the spec"):
        made = _connector(spec, name, owner, wanted, allow_external_refs, no_model)
    written: tuple[str, ...] = ()
    if made.files and not dry_run:
        written = write(made, out, force)
    if as_json:
        typer.echo(json.dumps(made.document(written), indent=2, default=str))
    else:
        show(Console(), made, written)
    if not made.streams:
        raise SmeltError(f"{spec}: no stream could be made of it", _why_none(made))


def _connector(
    spec: str, name: str | None, owner: str, streams: list[str], allow_external_refs: bool, no_model: bool
) -> Connector:
    from plugins.connectors.connecting import connect as make
    from plugins.core.llm import has_model, open_model
    from plugins.core.settings import load_settings

    options = {"name": name, "owner": owner, "streams": streams, "allow_external_refs": allow_external_refs}
    settings = load_settings()
    if no_model or not has_model(settings):
        return make(spec, **options)
    from plugins.core.ledger import Ledger, open_run

    with open_run(Ledger(settings), "connect") as run:
        return make(spec, **options, model=open_model(settings, run))


def _why_none(made: Connector) -> str:
    if made.defects:
        first = made.defects[0]
        return f"{first.where}: {first.what}; {first.consequence}"
    if made.inference.skipped:
        return "none of its GET endpoints is a list of records: see what was skipped, and why, above"
    return "it describes no GET endpoint"
