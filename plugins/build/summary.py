"""What a person sees of a build: one line for each thing that matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plugins.build.result import BuildResult, Failure, HeldStream, RowAccount
from plugins.build.status import Status
from plugins.core.warehouse.published import PublishedRun, StaleTable

_LABEL = 12


def print_build(console: Console, result: BuildResult) -> None:
    """The summary of a build; failures come last, where the eye ends."""
    if result.layers:
        _line(console, "Build", _built(result))
    if result.gates:
        _line(console, "Gates", _gates(result))
    if result.quarantined_rows:
        rules = " · ".join(f"{found.entity}.{found.rule} {found.rows:,}" for found in result.quarantined)
        _line(console, "Quarantined", f"{result.quarantined_rows:,} rows   {rules}")
    if result.accounts:
        print_accounts(console, result.accounts, result.unaccounted)
    print_held(console, result.held)
    if result.published:
        print_published(console, result.published)
    elif result.as_of:
        _line(console, "As of", f"{result.as_of:%Y-%m-%d %H:%M:%S} UTC, in {result.warehouse} (never published)")
    elif result.failures:
        for failure in result.failures:
            print_failure(console, failure)
        _line(console, "Kept", "what was published before stays as it is")
    for node in (node for layer in result.layers.values() for node in layer.warned):
        found = f"{node.name} found {node.failures:,} rows" if node.failures else node.name
        _line(console, "[yellow]Warning[/]     ", escape(f"{found}   {node.path}"))
    for warning in result.warnings:
        _line(console, "[yellow]Warning[/]     ", escape(warning))


def _built(result: BuildResult) -> str:
    layers = list(result.layers.values())
    counts = [
        (sum(layer.count("model") for layer in layers), "models"),
        (sum(layer.count("unit_test") for layer in layers), "unit tests"),
        (sum(layer.count("test") for layer in layers), "data tests"),
    ]
    told = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    broken = sum(len(layer.broken) for layer in layers)
    warned = sum(len(layer.warned) for layer in layers)
    verdict = f"[red]{broken} failed[/]" if broken else f"[yellow]{warned} warned[/]" if warned else "all passed"
    return f"{' → '.join(result.layers)}   {told}   {verdict}   {result.seconds:.1f} s"


def _gates(result: BuildResult) -> str:
    checks = [check for gate in result.gates for check in gate.checks]
    contracts = sum(gate.contracts for gate in result.gates)
    outcomes = [
        f"{count} {outcome.replace('_', ' ')}"
        for outcome in ("passed", "warned", "failed", "not_evaluated")
        if (count := sum(check.outcome == outcome for check in checks))
    ]
    return f"{contracts} contracts, {len(checks)} checks: {', '.join(outcomes) or 'none'}"


def print_accounts(console: Console, accounts: Sequence[RowAccount], others: Sequence[str]) -> None:
    """Whether each stream's rows add up; the streams that do not, with their figures; those that nobody counts."""
    balanced = sum(account.is_balanced for account in accounts)
    claim = "every bronze row is in silver, quarantined, superseded or a tombstone"
    verdict = f"balanced in {balanced} of {len(accounts)} streams"
    _line(console, "Rows", f"{claim}   {verdict}" if balanced == len(accounts) else f"[red]{verdict}[/]")
    if others:
        _line(console, "", f"not accounted for, as no entity is made of them alone: {_some(others)}")
    for account in accounts:
        if not account.is_balanced:
            _line(
                console,
                "",
                f"{account.stream}: {account.bronze:,} bronze ≠ {account.silver:,} silver "
                f"+ {account.quarantined:,} quarantined + {account.superseded:,} superseded "
                f"+ {account.tombstones:,} tombstones",
            )


def print_held(console: Console, streams: Sequence[HeldStream]) -> None:
    """Which rows wait in bronze, for what, and until when."""
    for n, held in enumerate(streams):
        until = (
            f"until proposal {held.proposal_id} is merged" if held.proposal_id else "until somebody releases it"
        )
        since = f"{held.since:%Y-%m-%d %H:%M:%S} UTC"
        text = f"{held.rows:,} rows of {held.stream} {until}   [dim]{escape(held.reason)}, since {since}[/]"
        _line(console, "[yellow]Held back[/]   " if n == 0 else "", text)


def print_stale(console: Console, tables: Sequence[StaleTable]) -> None:
    """Tables that readers get as an earlier run published them, and those that no run ever did."""
    kept = [table for table in tables if table.published_by]
    if kept:
        streams = ", ".join(sorted({stream for table in kept for stream in table.streams}))
        names = _some([table.dataset for table in kept])
        since = min(table.since for table in kept)
        _line(
            console,
            "[yellow]Stale[/]       ",
            f"{len(kept)} tables as they were before {streams} changed ({since:%Y-%m-%d %H:%M:%S} UTC): {names}",
        )
    never = [table.dataset for table in tables if not table.published_by]
    if never:
        _line(console, "[yellow]Missing[/]     ", f"never published, and held back now: {_some(never)}")


def _some(names: Sequence[str], shown: int = 6) -> str:
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def print_published(console: Console, run: PublishedRun) -> None:
    """What readers see now."""
    layers = Counter(table.dataset.split(".")[0] for table in run.tables)
    told = " and ".join(f"{layers[name]} {name}" for name in ("silver", "gold") if layers[name]) or "no"
    fresh = sum(table.is_rewritten for table in run.tables)
    _line(
        console,
        "Published",
        f"{told} tables ({fresh} changed), {run.at:%Y-%m-%dT%H:%M:%SZ} (run {run.id}, target {run.target})",
    )
    print_stale(console, run.stale)


def print_failure(console: Console, failure: Failure) -> None:
    """What failed and where, with the rows to blame."""
    console.print(f"\n[bold red]failed[/]      {escape(failure.what)}   [dim]{escape(failure.where)}[/]")
    for line in failure.message.splitlines():
        console.print(f"{'':{_LABEL}}{escape(line)}", soft_wrap=True)
    if failure.rows:
        console.print(rows_table(failure.columns, failure.rows))


def rows_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Rows as a table, each cell on one line."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(escape(column), overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*(escape(str(value)) if value is not None else "[dim]null[/]" for value in row))
    return table


def print_status(console: Console, found: Status) -> None:
    """Runs, streams, rows and what is published."""
    runs = rows_table(
        ("run", "last", "at (UTC)", "seconds", "id"),
        [
            (r.kind, r.event, r.at, f"{r.seconds:.1f}" if r.seconds is not None else "", r.run_id)
            for r in found.runs
        ],
    )
    streams = rows_table(
        ("stream", "loaded (UTC)", "age", "promised", ""),
        [
            (
                stream.stream,
                f"{stream.loaded_at:%Y-%m-%d %H:%M:%S}" if stream.loaded_at else "never",
                _duration(stream.age_seconds),
                _duration(stream.sla_seconds),
                f"{'late' if stream.is_late else 'in time'}{', federated' if stream.is_in_place else ''}",
            )
            for stream in found.streams
        ],
    )
    for table in (runs, streams):
        console.print(table)
        console.print()
    if found.accounts:
        counted = {account.stream for account in found.accounts}
        others = [one.stream for one in found.streams if one.loaded_at and one.stream not in counted]
        print_accounts(console, found.accounts, others)
    print_held(console, found.held)
    if found.published:
        print_published(console, found.published)
    else:
        _line(console, "Published", "nothing yet")


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _line(console: Console, label: str, text: str) -> None:
    console.print(f"[bold]{label:{_LABEL}}[/]{text}", highlight=False, soft_wrap=True)
