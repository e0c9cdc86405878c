"""How far the reading of a stream is, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from ingest.load import Job
from ingest.retry import Transient


@dataclass
class Meter:
    """What one job told of itself. rows: that it counted; estimate: rows that are expected; None: unknown.

    waits, waited: how often and for how many seconds it waited for its source.
    """

    con: duckdb.DuckDBPyConnection | None = None
    estimate: int | None = None
    counted: int = 0
    waits: int = 0
    waited: float = 0.0

    def attached(self, job: Job) -> Job:
        """`job`, reporting here."""

        def count(rows: int) -> None:
            self.counted += rows

        def watch(con: duckdb.DuckDBPyConnection, estimate: int | None) -> None:
            self.con, self.estimate = con, estimate

        def waited(_error: Transient, seconds: float) -> None:
            self.waits += 1
            self.waited += seconds

        return replace(job, progress=count, watch=watch, waited=waited)

    @property
    def share(self) -> float:
        """How much of the stream is read, 0..1: by its rows where they are counted, else by what its query did."""
        if self.counted and self.estimate:
            return min(1.0, self.counted / self.estimate)
        try:
            return max(0.0, self.con.query_progress() / 100) if self.con else 0.0
        except duckdb.ConnectionException:
            return 0.0  # closed by its worker between the look and the call

    @property
    def rows(self) -> int:
        """Rows that are read, about."""
        return self.counted or int(self.share * (self.estimate or 0))
