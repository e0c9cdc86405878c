"""`smelt demo up|down|status|traffic|drift`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
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


@app.command()
def traffic(
    rate: Annotated[float, typer.Option("--rate", min=0.01, help="Orders a second.")] = 5.0,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="For how long; default: until Ctrl-C.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same orders each time.")] = None,
) -> None:
    """Let customers order: baskets of the data set once more, some of them changed or cancelled later.

    smelt watch            in another terminal: orders are in silver a second later, in gold with the next build
    smelt demo traffic     the shop's clock goes on, second by second, where the data set ends
    """
    from rich.console import Console

    from demo.traffic import Placed
    from demo.traffic import traffic as place
    from plugins.core.settings.model import find_project_dir

    console = Console(highlight=False, soft_wrap=True)
    done = Placed()

    def line() -> str:
        placed = f"{done.orders:,} orders · {done.lines:,} lines"
        return f"{placed} · {done.changed:,} changed · {done.cancelled:,} cancelled"

    with console.status("customers are coming") as live:

        def show(placed: Placed) -> None:
            nonlocal done
            done = placed
            live.update(line())

        # Ctrl-C is how it is meant to end.
        with contextlib.suppress(KeyboardInterrupt):
            place(find_project_dir(), rate, seconds, seed=seed, on_event=show)
    console.print(f"Placed      {line()}")


@app.command()
def drift(
    undo: Annotated[bool, typer.Option("--undo", help="The shop takes its changes back.")] = False,
    second: Annotated[bool, typer.Option("--second", help="The shop changes another table meanwhile.")] = False,
    no_run: Annotated[bool, typer.Option("--no-run", help="Only change the database.")] = False,
) -> None:
    """Let the shop's columns be renamed, split and in another unit, then run the pipeline over it.

    smelt demo drift            the next run proposes a pull request, and holds back what would break
    smelt demo drift --second   before it is merged: the same pull request is brought up to date
    smelt demo drift --undo     what can go on goes on; order lines came meanwhile that only the patch reads
                                right, so their part of the pull request waits to be merged
    """
    from demo import drift as changes
    from plugins.core.settings.model import find_project_dir

    if undo and second:
        raise typer.BadParameter("--undo takes back both: give one of them")
    folder = find_project_dir()
    _require_commit(folder)
    apply = changes.undo if undo else changes.drift_again if second else changes.drift
    if apply(folder):
        told = "takes its changes back" if undo else "renames another column" if second else _CHANGES
        typer.echo(f"Upstream    the shop's team {told}\n")
    else:
        typer.echo("Upstream    as the last time: nothing was changed\n")
    if no_run:
        return
    code = _run_pipeline(folder)
    _say_next(folder)
    raise typer.Exit(code)


_CHANGES = (
    "renames order_lines.unit_price to price_gbp, splits stock_code into department and article,\n"
    "            writes products.list_price in pence from now on, and takes orders for another day"
)


def _require_commit(folder: Path) -> None:
    """A pull request needs a repository with a commit: said before the database is changed."""
    from plugins.core.errors import SmeltError
    from plugins.review.git import Repository

    try:
        Repository.find(folder).resolve("HEAD")
    except SmeltError as error:
        raise SmeltError(
            f"{folder} is no git repository with a commit, so there is nowhere to propose a change",
            "git init && git add -A && git commit -m 'start', then again",
        ) from error


def _run_pipeline(folder: Path) -> int:
    """`smelt run`, as a person would call it next; its exit code."""
    command = [str(Path(sys.executable).with_name("smelt")), "run"]
    environment = {**os.environ, "SMELT_PROJECT_DIR": str(folder)}
    sys.stdout.flush()
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def _say_next(folder: Path) -> None:
    """How what waits is read and merged."""
    from plugins.core.ledger import Ledger, open_holds
    from plugins.core.settings import load_settings
    from plugins.review import Proposals

    settings = load_settings(folder)
    holds = [held for held in open_holds(Ledger(settings)) if held.proposal_id]
    opened = {held.proposal_id for held in holds if held.detail.get("url")}
    for proposal_id in sorted({held.proposal_id or "" for held in holds}):
        proposal = Proposals(settings).find(proposal_id).proposal
        typer.echo(f"\nRead it     smelt proposals show {proposal_id}")
        if proposal_id not in opened:
            continue
        typer.echo(f"            git diff HEAD...{proposal.branch}")
        typer.echo(f"Merge it    git merge {proposal.branch}")
        typer.echo("Heal        smelt run")


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
