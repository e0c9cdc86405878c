"""`smelt gate`, `quality` and `quarantine`: thin."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Target = Annotated[str | None, typer.Option("--target", "-t", help="dbt target; default: the profile's.")]
Rule = Annotated[str | None, typer.Option("--rule", help="Only rows that break this rule.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("gate")(_gate)
    app.command("quality")(_quality)
    quarantine = typer.Typer(no_args_is_help=True, help="Rows that broke a rule: list, show, judge again.")
    quarantine.command("list")(_list)
    quarantine.command("show")(_show)
    quarantine.command("replay")(_replay)
    app.add_typer(quarantine, name="quarantine")


def _gate(
    names: Annotated[
        list[str] | None, typer.Argument(help="Layers (silver, gold) or datasets; default: all.")
    ] = None,
    target: Target = None,
    as_json: AsJson = False,
) -> None:
    """Hold the warehouse, as the last build left it, to its contracts."""
    from rich.console import Console

    from plugins.core.ledger import Ledger, open_run
    from plugins.core.project import Project
    from plugins.core.settings import load_settings
    from plugins.core.warehouse.reader import open_built
    from plugins.quality.contract import find_contracts
    from plugins.quality.gate import record, run_gate
    from plugins.quality.summary import print_gate

    settings = load_settings()
    contracts = find_contracts(settings.project_dir / "contracts", names or ())
    with (
        open_built(Project(settings.project_dir, target).warehouse) as con,
        open_run(Ledger(settings), "gate") as run,
    ):
        result = run_gate(con, " ".join(names or ["all"]), contracts, settings.project_dir)
        record(run, result)
    if as_json:
        _print_json({**asdict(result), "is_open": result.is_open})
    else:
        print_gate(Console(), result)
    raise typer.Exit(0 if result.is_open else 1)


def _quality(as_json: AsJson = False) -> None:
    """The newest quality scores of each dataset."""
    from rich.console import Console

    from plugins.core.ledger import Ledger
    from plugins.core.settings import load_settings
    from plugins.quality.scores import latest_scores
    from plugins.quality.summary import print_scores

    settings = load_settings()
    scores = latest_scores(Ledger(settings))
    if as_json:
        _print_json([asdict(score) for score in scores])
    else:
        print_scores(Console(), scores, settings.quality.warn_below)


def _list(target: Target = None, as_json: AsJson = False) -> None:
    """How many rows are quarantined, by entity and rule."""
    from rich.console import Console

    from plugins.core.settings import load_settings
    from plugins.quality.quarantine import listed
    from plugins.quality.summary import print_rows

    counts = listed(load_settings(), target)
    if as_json:
        _print_json([asdict(count) for count in counts])
    elif not counts:
        typer.echo("no row is quarantined")
    else:
        rows = [(count.entity, count.rule, f"{count.rows:,}") for count in counts]
        print_rows(Console(), ("entity", "rule", "rows"), rows)


def _show(
    entity: Annotated[str, typer.Argument(help="Silver entity, such as order_lines.")],
    rule: Rule = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 20,
    target: Target = None,
    as_json: AsJson = False,
) -> None:
    """Quarantined rows, with the rules that they break."""
    from rich.console import Console

    from plugins.core.settings import load_settings
    from plugins.quality.quarantine import shown
    from plugins.quality.summary import print_quarantined

    columns, rows = shown(load_settings(), target, entity, rule, limit)
    if as_json:
        _print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_quarantined(Console(), columns, rows)


def _replay(
    entity: Annotated[str, typer.Argument(help="Silver entity, such as order_lines.")],
    rule: Rule = None,
    target: Target = None,
    as_json: AsJson = False,
) -> None:
    """Judge quarantined rows again after rules or data changed."""
    from plugins.core.settings import load_settings
    from plugins.quality.quarantine import replay

    result = replay(load_settings(), target, entity, rule)
    if as_json:
        _print_json({**asdict(result), "left": result.left})
    else:
        typer.echo(
            f"{entity}: {result.before:,} rows were quarantined, {result.after:,} still break a rule, "
            f"{result.left:,} pass now." + (" `smelt build` publishes those." if result.left else "")
        )


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, default=str))
