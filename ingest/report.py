"""What a person sees of an ingest: progress bars on a terminal, and a summary table at the end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType

import duckdb
from rich import progress as bars
from rich.console import Console
from rich.table import Table

from ingest.load import Job, StreamResult
from ingest.retry import Transient


@dataclass
class _Task:
    bar: bars.TaskID
    con: duckdb.DuckDBPyConnection | None = None
    estimate: int | None = None
    rows: int = 0
    waits: int = 0
    waited: float = 0.0


class Progress:
    """A bar for each stream; silent when there is no console, or when it is not a terminal."""

    def __init__(self, console: Console | None) -> None:
        self._shown = bars.Progress(
            bars.TextColumn("  {task.description:<24}"),
            bars.BarColumn(bar_width=28),
            bars.TaskProgressColumn(),
            bars.TextColumn("{task.fields[rows]:>12}"),
            bars.TextColumn("{task.fields[note]}"),
            console=console,
            disable=console is None or not console.is_terminal,
            transient=True,
        )
        self._tasks: dict[str, _Task] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        self._shown.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.__exit__(kind, error, trace)

    def attached(self, job: Job) -> Job:
        """`job`, reporting here."""
        task = _Task(self._shown.add_task(job.name, total=1.0, rows="", note=""))
        self._tasks[job.name] = task

        def count(rows: int) -> None:
            task.rows += rows

        def watch(con: duckdb.DuckDBPyConnection, estimate: int | None) -> None:
            task.con, task.estimate = con, estimate

        def waited(_error: Transient, seconds: float) -> None:
            task.waits += 1
            task.waited += seconds

        return replace(job, progress=count, watch=watch, waited=waited)

    def refresh(self) -> None:
        """Show how far each stream is."""
        for task in self._tasks.values():
            share = _share(task)
            rows = task.rows or int(share * (task.estimate or 0))
            note = f"waited {task.waited:.1f} s" if task.waits else ""
            self._shown.update(task.bar, completed=min(share, 0.99), rows=f"{rows:,}" if rows else "", note=note)

    def finish(self, result: StreamResult) -> None:
        """The stream is done."""
        task = self._tasks[result.name]
        task.con = None
        note = f"[red]{result.outcome}" if result.error else result.outcome
        self._shown.update(task.bar, completed=1.0, rows=f"{result.rows_read:,}", note=note)


def _share(task: _Task) -> float:
    """How much of the stream is read, 0..1: by its rows where they are counted, else by what its query did."""
    if task.rows and task.estimate:
        return min(1.0, task.rows / task.estimate)
    try:
        return max(0.0, task.con.query_progress() / 100) if task.con else 0.0
    except duckdb.ConnectionException:
        return 0.0  # closed by its worker between the look and the call


def summary(results: Sequence[StreamResult]) -> Table:
    """Rows, speed, schema and outcome of each stream."""
    table = Table(title="Ingest → bronze", title_justify="left", box=None, pad_edge=False, header_style="dim")
    for name, justify in (
        ("stream", "left"), ("read", "right"), ("loaded", "right"), ("gone", "right"), ("rows/s", "right"),
        ("schema", "right"), ("outcome", "left"),
    ):  # fmt: skip
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for r in results:
        speed = f"{r.rows_read / r.seconds:,.0f}" if r.seconds and r.rows_read else ""
        schema = f"v{r.schema_version}" if r.schema_version else ""
        outcome = f"[red]{r.outcome}[/]" if r.error else r.outcome
        if r.dead_letters:
            outcome += f", {r.dead_letters:,} dead letters"
        gone = f"{r.tombstones:,}" if r.tombstones else ""
        table.add_row(r.name, f"{r.rows_read:,}", f"{r.rows_loaded:,}", gone, speed, schema, outcome)
    return table
