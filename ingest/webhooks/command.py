"""`smelt webhooks`: receive signed requests, and sign one to try it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Receive webhooks into bronze.")


def register(parent: typer.Typer) -> None:
    """Add the commands to `parent`."""
    parent.add_typer(app, name="webhooks")


@app.command()
def serve(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]…", help="Default: all with `kind: webhooks`.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen at; default: smelt.toml, 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: smelt.toml, 8400.")] = None,
    fills_bronze: Annotated[
        bool, typer.Option("--bronze/--spool-only", help="Move what is accepted to bronze here, too.")
    ] = True,
) -> None:
    """Receive webhooks: each is on disk before it is answered, and in bronze moments later."""
    from rich.console import Console
    from rich.markup import escape

    from ingest.webhooks.server import Listening, serve
    from plugins.core.settings import load_settings

    settings = load_settings()
    given = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
    settings = settings.model_copy(update={"webhooks": settings.webhooks.model_copy(update=given)})
    console = Console(highlight=False, soft_wrap=True)

    def tell(listening: Listening) -> None:
        for name, path in listening.paths.items():
            console.print(f"{escape(name)}  POST {escape(listening.url + path)}")
        console.print("Ctrl-C stops; what was accepted stays.", style="dim")

    serve(settings, sources or (), fills_bronze=fills_bronze, on_start=tell)


@app.command()
def sign(
    stream: Annotated[str, typer.Argument(metavar="SOURCE.STREAM", help="Stream whose signature to make.")],
    file: Annotated[Path, typer.Argument(help="The body; - reads standard input.", allow_dash=True)],
    identifier: Annotated[str | None, typer.Option("--id", help="Message id; default: a new one.")] = None,
) -> None:
    """Print the headers that a sender of FILE would set, as arguments of curl."""
    import shlex
    import sys
    import time

    from ingest.runner import select
    from ingest.spec import load_sources
    from ingest.webhooks.receiver import webhook_of
    from ingest.webhooks.secrets import SecretRing
    from ingest.webhooks.signatures import scheme_of, sign
    from plugins.core.errors import SmeltError
    from plugins.core.ledger import new_id
    from plugins.core.settings import load_settings

    settings = load_settings()
    source, found = select(load_sources(settings.project_dir), [stream])[0]
    if source.kind != "webhooks":
        raise SmeltError(f"{stream} is no stream of webhooks")
    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise SmeltError(f"{file} cannot be read: {error.strerror}") from error
    webhook = webhook_of(found)
    secret = SecretRing(settings, source, webhook).secrets()[0]
    headers = sign(scheme_of(webhook.signature), identifier or f"msg_{new_id()}", int(time.time()), body, secret)
    typer.echo(" ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()))
