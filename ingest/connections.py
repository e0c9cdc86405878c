"""Connections to source systems: credentials by reference, pooled, never more than a source allows."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from ingest.spec import SourceSpec
from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, resolve

# Each stream streams: this much is enough at any row count, and DuckDB spills to disk beyond it.
_MEMORY = "1GB"
_MOST_THREADS = 4


def dsn_of(settings: Settings, name: str) -> str:
    """The resolved connection string of a connection; raises SmeltError if it has none."""
    reference = settings.connection(name).dsn
    if not reference:
        raise SmeltError(
            f"connections.{name} has no dsn", f'add dsn = "env:…" to [connections.{name}] in smelt.toml'
        )
    return resolve(reference, settings.project_dir, f"connections.{name}.dsn")


@dataclass
class ConnectionPool:
    """DuckDB connections of one run, by source connection; an idle one stays attached for the next stream.

    at_once: how many are in use at a time, about, which share the machine's cores.
    """

    settings: Settings
    at_once: int = 1
    _idle: dict[str, list[duckdb.DuckDBPyConnection]] = field(default_factory=lambda: defaultdict(list))
    _slots: dict[str, threading.BoundedSemaphore] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _leased: set[duckdb.DuckDBPyConnection] = field(default_factory=set)

    @property
    def _threads(self) -> int:
        """Of one connection; each reads PostgreSQL over a connection of its own."""
        return min(_MOST_THREADS, max(1, (os.cpu_count() or 1) // self.at_once))

    @contextmanager
    def lease(self, source: SourceSpec) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one pull of `source`; waits while all of the source's connections are out."""
        with self._slot(source.connection):
            con = self._take(source.connection)
            duck.renew(con)
            try:
                yield con
            except BaseException:
                self._leased.discard(con)
                con.close()
                raise
            self._leased.discard(con)
            self._give_back(source, con)

    def interrupt(self) -> None:
        """Stop whatever the leased connections are doing."""
        for con in list(self._leased):
            con.interrupt()

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            for idle in self._idle.values():
                for con in idle:
                    con.close()
                idle.clear()

    def _slot(self, name: str) -> threading.BoundedSemaphore:
        with self._lock:
            limit = self.settings.connection(name).max_connections
            return self._slots.setdefault(name, threading.BoundedSemaphore(limit))

    def _take(self, name: str) -> duckdb.DuckDBPyConnection:
        with self._lock:
            con = self._idle[name].pop() if self._idle[name] else None
        if con is None:
            con = duck.connect_one_of_many()
            con.execute(f"set memory_limit = '{_MEMORY}'")
            con.execute(f"set threads = {self._threads}")
            con.execute("set preserve_insertion_order = false")
            con.execute("set enable_progress_bar = true")
            con.execute("set enable_progress_bar_print = false")
        self._leased.add(con)
        return con

    def _give_back(self, source: SourceSpec, con: duckdb.DuckDBPyConnection) -> None:
        if source.kind != "postgres":
            con.close()
            return
        con.rollback()  # ends the snapshot and forgets the pull's temporary tables
        with self._lock:
            self._idle[source.connection].append(con)
