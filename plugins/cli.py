"""The `smelt` command: a thin face that registers what the capabilities export."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import sys
from importlib import import_module
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from plugins.core.errors import SmeltError
from plugins.core.settings import mask

# Each module has `register(app)`, which adds its commands; what is heavy is imported when a command runs.
_CAPABILITIES = (
    "ingest.command",
    "ingest.webhooks.command",
    "plugins.build.command",
    "plugins.connectors.command",
    "plugins.discovery.command",
    "plugins.lineage.command",
    "plugins.maintenance.command",
    "plugins.nl_models.command",
    "plugins.onboard.command",
    "plugins.quality.command",
    "plugins.query.command",
    "plugins.review.command",
    "plugins.review.proposals.command",
    "plugins.run",
    "plugins.schema_drift.command",
    "plugins.source_mapping.command",
    "plugins.source_mapping.page.command",
    "plugins.watch.command",
)

_DISK_HINTS = {
    errno.ENOSPC: "make room there, or set TMPDIR to another disk",
    errno.EDQUOT: "make room there, or set TMPDIR to another disk",
    errno.EROFS: "let the project, or TMPDIR, be on a disk that can be written to",
}

app = typer.Typer(
    name="smelt",
    help="Bronze goes in, silver and gold come out, and every change a machine proposes is a pull request.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"smelt {version('smelt')}")
        raise typer.Exit


@app.callback()
def _smelt(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Bronze goes in, silver and gold come out, and every change a machine proposes is a pull request."""


def _assemble() -> typer.Typer:
    for name in _CAPABILITIES:
        import_module(name).register(app)
    app.add_typer(import_module("demo.command").app, name="demo")
    return app


def main() -> None:
    """Run the command line; a SmeltError is one clear message and its exit code, never a stack trace."""
    # Imports make a million objects that all stay: a tenth of a command's start went into looking for others.
    gc.set_threshold(50_000, 10, 10)
    # A log that can't be written is no reason for a stack trace.
    logging.raiseExceptions = False
    # What reads a pipe has no width; rich takes 80 columns, and cuts names in tables.
    if not sys.stdout.isatty():
        os.environ.setdefault("COLUMNS", "200")
    # So that what a command has set up is taken down; twice means now.
    signal.signal(signal.SIGTERM, _end)
    try:
        try:
            _assemble()()
        finally:
            _emit_ingests()
    except SmeltError as error:
        _fail(error)
    except OSError as error:
        hint = _DISK_HINTS.get(error.errno or 0)
        if hint is None:
            raise
        _fail(SmeltError(f"{error.strerror}: {error.filename2 or error.filename or 'the disk'}", hint))
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(error: SmeltError) -> NoReturn:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[bold red]error[/]  {_escaped(error.message)}")
    if error.hint:
        console.print(f"[bold]fix[/]    {_escaped(error.hint)}")
    sys.exit(error.exit_code)


def _end(signum: int, _: object) -> None:
    signal.signal(signum, signal.SIG_DFL)
    sys.exit(128 + signum)


def _emit_ingests() -> None:
    """Lineage events of the loads that the command did; `ingest` itself knows nothing of plugins."""
    # Where nothing was recorded, the ledger was not even imported.
    ledger = sys.modules.get("plugins.core.ledger.run")
    runs = ledger.runs_of_this_process("ingest") if ledger else []
    if not runs:
        return
    from plugins.core.settings import load_settings
    from plugins.observability import emit_run

    for run_id in runs:
        if warning := emit_run(load_settings(), run_id):
            Console(stderr=True).print(f"[yellow]warning[/]  {_escaped(warning)}", soft_wrap=True)


def _escaped(text: str) -> str:
    return mask(text).replace("[", "\\[")


if __name__ == "__main__":
    main()
