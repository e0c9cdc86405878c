"""What a person sees of an ingest: progress bars on a terminal, and a summary table at the end."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich import progress as bars
from rich.console import Console
from rich.table import Table

from ingest.load import Job, StreamResult
from ingest.meter import Meter


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
        self._shows: dict[str, tuple[bars.TaskID, Meter]] = {}

    def __enter__(self) -> Progress:
        self._shown.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.__exit__(kind, error, trace)

    def attached(self, job: Job) -> Job:
        """`job`, reporting here."""
        meter = Meter()
        self._shows[job.name] = (self._shown.add_task(job.name, total=1.0, rows="", note=""), meter)
        return meter.attached(job)

    def refresh(self) -> None:
        """Show how far each stream is."""
        if self._shown.disable:
            return  # to look costs the streams time
        for bar, meter in self._shows.values():
            rows, note = meter.rows, f"waited {meter.waited:.1f} s" if meter.waits else ""
            self._shown.update(bar, completed=min(meter.share, 0.99), rows=f"{rows:,}" if rows else "", note=note)

    def finish(self, result: StreamResult) -> None:
        """The stream is done."""
        bar, meter = self._shows[result.name]
        meter.con = None
        note = f"[red]{result.outcome}" if result.error else result.outcome
        self._shown.update(bar, completed=1.0, rows=f"{result.rows_read:,}", note=note)


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
