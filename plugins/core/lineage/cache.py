"""Lineage of models that were read before, by a hash of all that it depends on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from plugins.core.lineage.kinds import Kind
from plugins.core.lineage.model import ModelLineage

# Raised whenever the reading of SQL changes, so that nothing read by an older version is used.
_READER = "3"
_ROWS_KEPT = 200_000


def content_key(*parts: str) -> str:
    """A key for a model: its dialect, its SQL, and the columns of all that it may read."""
    digest = hashlib.sha256(_READER.encode())
    for part in parts:
        digest.update(b"\0")
        digest.update(part.encode())
    return digest.hexdigest()


@dataclass
class LineageCache:
    """A SQLite file, safe for several processes. Without a path: for this process only.

    A damaged file is made anew: the cache holds nothing that can't be read again.
    `reads` and `hits` count what was asked for and found.
    """

    path: Path | None = None
    hits: int = 0
    misses: int = 0
    _new: dict[str, ModelLineage] = field(default_factory=dict)
    _connection: sqlite3.Connection | None = None

    def get(self, key: str) -> ModelLineage | None:
        """What is stored under `key`."""
        found = self._new.get(key)
        if found is None:
            with contextlib.suppress(sqlite3.DatabaseError):
                row = self._open().execute("select value from lineage where key = ?", [key]).fetchone()
                found = _decode(row[0]) if row is not None else None
        self.hits += found is not None
        self.misses += found is None
        return found

    def put(self, key: str, lineage: ModelLineage) -> None:
        """Keep it until `save`."""
        self._new[key] = lineage

    def save(self) -> None:
        """Write what is new; another process that holds the file for long only costs the cache."""
        if not self._new:
            return
        rows = [(key, _encode(lineage)) for key, lineage in self._new.items()]
        with contextlib.suppress(sqlite3.OperationalError):
            connection = self._open()
            with connection:
                connection.executemany("insert or replace into lineage values (?, ?)", rows)
                connection.execute(
                    "delete from lineage where rowid <= (select max(rowid) from lineage) - ?", [_ROWS_KEPT]
                )
            self._new = {} if self.path is not None else self._new

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self._connect()
            except sqlite3.DatabaseError:
                if self.path is not None:
                    self.path.unlink(missing_ok=True)
                self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(str(self.path or ":memory:"), timeout=5)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = off")
        connection.execute("create table if not exists lineage (key text primary key, value text not null)")
        return connection


def _encode(lineage: ModelLineage) -> str:
    return json.dumps(
        [
            lineage.columns,
            lineage.rows,
            lineage.opens,
            lineage.anything,
            lineage.missing,
            lineage.unparsed,
        ],
        separators=(",", ":"),
    )


def _decode(text: str) -> ModelLineage:
    columns, rows, opens, anything, missing, unparsed = json.loads(text)
    return ModelLineage(
        columns=tuple((name, _uses(uses)) for name, uses in columns),
        rows=_uses(rows),
        opens=tuple(opens),
        anything=None if anything is None else _uses(anything),
        missing=tuple(missing),
        unparsed=unparsed,
    )


def _uses(stored: list[list]) -> tuple[tuple[str, str, Kind], ...]:
    return tuple((node, column, _KINDS[kind]) for node, column, kind in stored)


_KINDS = {int(kind): kind for kind in Kind}
