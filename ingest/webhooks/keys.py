"""Which messages are repetitions: idempotency keys of a window of time, in a file of their own.

Each key has the sequence number of the message that brought it first, so that the answer is the same however often
the same messages are moved. A file that is lost is filled again from bronze.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ingest.webhooks.frames import Message

_PRUNE_SECONDS = 600.0
_TABLE = """
    create table if not exists keys (
        stream text, key text, sequence integer, received integer, digest blob, primary key (stream, key)
    ) without rowid
"""
_REMEMBER = """
    insert into keys values (?, ?, ?, ?, ?)
    on conflict (stream, key) do update
    set sequence = excluded.sequence, received = excluded.received, digest = excluded.digest
    where excluded.sequence > keys.sequence and excluded.received - keys.received > ?
"""


@dataclass(frozen=True)
class Known:
    """A key as it was first seen. digest: of the message's body, None if that isn't known."""

    sequence: int
    digest: bytes | None


@dataclass
class KeyIndex:
    """The keys of one spool."""

    path: Path
    _pruned: dict[str, float] = field(default_factory=dict)

    def is_filled(self) -> bool:
        """Whether the file is whole; if it was lost, `refill` makes it so."""
        if not self.path.exists():
            return False
        with closing(self._connect()) as con:
            return con.execute("pragma user_version").fetchone() == (1,)

    def refill(self, rows: Iterable[tuple[str, str, int]]) -> None:
        """Take what bronze has: stream, key, time of receipt (µs)."""
        with closing(self._connect()) as con, con:
            con.execute("begin")
            # Before every number of this spool: whatever comes with such a key is a repetition.
            con.executemany("insert or ignore into keys values (?, ?, 0, ?, null)", rows)
            con.execute("pragma user_version = 1")

    def remember(self, stream: str, messages: Sequence[tuple[int, Message]], window: float) -> dict[str, Known]:
        """Take the keys of numbered messages, in order; returns who brought each of them first.

        window: seconds after which a key may come again as something new.
        """
        rows = [
            (stream, message.key, sequence, message.received, digest_of(message.body))
            for sequence, message in messages
            if message.key is not None
        ]
        if not rows:
            return {}
        newest = max(row[3] for row in rows)
        micros = int(window * 1e6)
        with closing(self._connect()) as con, con:
            con.executemany(_REMEMBER, [(*row, micros) for row in rows])
            if time.monotonic() - self._pruned.get(stream, 0.0) > _PRUNE_SECONDS:
                # Seldom: it looks at all keys, and commits come every second.
                con.execute("delete from keys where stream = ? and received < ?", (stream, newest - micros))
                self._pruned[stream] = time.monotonic()
            con.execute("create temp table wanted (key text primary key) without rowid")
            con.executemany("insert or ignore into wanted values (?)", [(row[1],) for row in rows])
            found = con.execute(
                "select key, sequence, digest from keys join wanted using (key) where stream = ?", (stream,)
            )
            return {key: Known(sequence, digest) for key, sequence, digest in found}

    def _connect(self) -> sqlite3.Connection:
        con = sqlite3.connect(self.path, timeout=60)
        con.execute("pragma journal_mode = wal")
        # Bronze is committed after it: what bronze has must be known here after a loss of power, too.
        con.execute("pragma synchronous = full")
        con.execute(_TABLE)
        return con


def digest_of(body: bytes) -> bytes:
    """What tells bodies apart that have the same key."""
    return hashlib.blake2b(body, digest_size=12).digest()
