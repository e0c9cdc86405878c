"""What a person sees of gates, scores and quarantined rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plugins.quality.gate import GateResult
from plugins.quality.scores import Score

_COLOURS = {"passed": "green", "warned": "yellow", "failed": "red", "not_evaluated": "red"}


def print_gate(console: Console, gate: GateResult) -> None:
    """One line for the gate, then each check that isn't passed, with the rows that break it."""
    told = ", ".join(
        f"{gate.count(outcome)} {outcome.replace('_', ' ')}" for outcome in _COLOURS if gate.count(outcome)
    )
    console.print(
        f"{gate.contracts} contracts, {len(gate.checks)} checks: {told or 'none'}   {gate.seconds:.1f} s",
        highlight=False,
    )
    for check in gate.checks:
        if check.outcome == "passed":
            continue
        where = f"{check.contract}:{check.line}" if check.line else check.contract
        outcome = f"[{_COLOURS[check.outcome]}]{check.outcome.replace('_', ' ')}[/]"
        console.print(
            f"\n{outcome}   {check.dataset}   {escape(check.message)}   [dim]{escape(where)}[/]", soft_wrap=True
        )
        if check.rows:
            print_rows(console, check.columns, check.rows)


def print_scores(console: Console, scores: Sequence[Score], warn_below: float) -> None:
    """A line per dataset; what is below `warn_below` stands out."""

    def shown(value: float | None) -> str:
        if value is None:
            return "[dim]–[/]"
        return f"{value:.3f}" if value >= warn_below else f"[yellow]{value:.3f}[/]"

    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("dataset", "rows", "completeness", "accuracy", "consistency", "timeliness", "score"):
        is_name = name == "dataset"
        table.add_column(
            name, justify="left" if is_name else "right", no_wrap=is_name, min_width=24 if is_name else None
        )
    for score in scores:
        parts = (score.completeness, score.accuracy, score.consistency, score.timeliness, score.score)
        table.add_row(score.dataset, f"{score.rows:,}", *map(shown, parts))
    console.print(table if scores else "no scores yet: run `smelt build` first")


def print_rows(console: Console, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows as a table, each cell on one line."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(escape(column), overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*(escape(str(value)) if value is not None else "[dim]null[/]" for value in row))
    console.print(table)


def print_quarantined(console: Console, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Quarantined rows: the broken rules and the source's columns; `--json` has the audit columns too."""
    kept = [n for n, column in enumerate(columns) if not column.startswith("_smelt_")]
    rules = columns.index("_smelt_broken_rules")
    print_rows(
        console,
        ["broken rules", *(columns[n] for n in kept)],
        [[", ".join(row[rules]), *(row[n] for n in kept)] for row in rows],
    )
