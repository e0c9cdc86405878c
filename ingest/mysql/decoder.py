"""Events of the binlog → change events, many at once.

Only what is rare (statements, descriptions of tables) is read one by one in full; of rows and transactions, each
event is looked at just long enough to know where its values are. Those are decoded by column: `cells`, `values`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ingest.mysql.events import Decoded, Ended, Place, RolledBackError, Taking, Transaction, Truncation
from ingest.mysql.gtid import Gtids
from ingest.mysql.rows import RowEvent, changes_of, read_rows
from ingest.mysql.statements import Effect, Statement, effects, read_statement
from ingest.mysql.tablemap import Catalog, Table, name_of, read_table
from plugins.core.errors import SmeltError

HEADER = 19
QUERY, XID = 2, 16
_ROTATE, _FORMAT, _TABLE_MAP, _XA_PREPARE, _MYSQL_GTID, _MARIADB_GTID = 4, 15, 19, 38, 33, 162
# Written, updated and deleted rows, of both versions of the format.
_OPS = {23: "c", 24: "u", 25: "d", 30: "c", 31: "u", 32: "d"}
_STANDALONE = 1
_REFUSED = {
    **dict.fromkeys((20, 21, 22), "rows in a format of MySQL 5.1"),
    26: "a gap: the server says that it lost events itself",
    34: "transactions without a GTID (gtid_mode)",
    39: "parts of JSON values (binlog_row_value_options)",
    40: "compressed transactions (binlog_transaction_compression)",
    42: "tagged GTIDs",
    **dict.fromkeys(range(165, 172), "compressed events (log_bin_compress)"),
}


@dataclass
class _Run:
    """What was found in a run of events and not handed on yet."""

    rows: list[RowEvent] = field(default_factory=list)
    ended: list[Taking] = field(default_factory=list)


@dataclass
class Decoder:
    """Decodes the events of one stream of the log, in order; a transaction may span several runs.

    captured: database and name of the tables that are of interest. key_of: the columns by which bronze tells rows
    of a table apart, empty: by their content. number: of the last transaction that was read. passed_over: GTID of
    a transaction that was rolled back. place: where the last event ended. until: transactions at whose end nothing
    more is read; seen: those that were read.
    """

    catalog: Catalog
    captured: frozenset[tuple[str, str]]
    key_of: Callable[[Table], Sequence[str]]
    number: int
    passed_over: str | None = None
    place: Place = field(default_factory=Place)
    until: Gtids | None = None
    seen: Gtids | None = None
    _tables: dict[int, Table | None] = field(default_factory=dict)
    _known: dict[bytes, Table | None] = field(default_factory=dict)
    _taking: Taking | None = None

    def decode(self, events: Sequence[bytes]) -> Iterator[Decoded]:
        """Decode the next events, in one part or, where tables were emptied or replaced, in several.

        Raises SmeltError for what can't be read, and RolledBackError.
        """
        run = _Run()
        for event in events:
            if self._is_there:
                break
            kind = event[4]
            if kind in _OPS:
                self._row(event, kind, run)
            elif kind == _TABLE_MAP:
                self._describe(event)
            elif kind in (_MARIADB_GTID, _MYSQL_GTID):
                self._begin(event, kind)
            elif kind == XID:
                self._end(run)
            elif kind == QUERY:
                yield from self._statement(read_statement(event, HEADER), run)
            elif kind in _REFUSED:
                raise _unread(_REFUSED[kind])
            else:
                self._other(event, kind, run)
            self._move(event, kind)
        yield self._decoded(run, is_whole=self._taking is None)

    @property
    def _is_there(self) -> bool:
        if self._taking is not None or self.until is None or self.seen is None:
            return False
        return self.seen.covers(self.until)

    def _decoded(self, run: _Run, *, is_whole: bool) -> Decoded:
        changes = changes_of(run.rows, self.key_of)
        ended = [Ended(taking.transaction, taking.events) for taking in run.ended]
        run.rows, run.ended = [], []
        return Decoded(changes, ended, is_whole=is_whole)

    def _row(self, event: bytes, kind: int, run: _Run) -> None:
        table = self._tables.get(int.from_bytes(event[HEADER : HEADER + 6], "little"))
        if table is not None and self._taking is not None and not self._taking.is_passed_over:
            run.rows.append(read_rows(event, HEADER, kind, _OPS[kind], table, self._taking))

    def _describe(self, event: bytes) -> None:
        body = event[HEADER + 6 :]
        if body not in self._known:
            is_wanted = name_of(event, HEADER) in self.captured
            self._known[body] = read_table(event, HEADER, self.catalog) if is_wanted else None
        self._tables[int.from_bytes(event[HEADER : HEADER + 6], "little")] = self._known[body]

    def _begin(self, event: bytes, kind: int) -> None:
        committed, _, server, size, end = struct.unpack_from("<IBIII", event)
        is_group = False
        if kind == _MARIADB_GTID:
            sequence, domain, flags = struct.unpack_from("<QIB", event, HEADER)
            gtid, is_group = f"{domain}-{server}-{sequence}", not flags & _STANDALONE
        else:
            raw = event[HEADER + 1 : HEADER + 17].hex()
            (sequence,) = struct.unpack_from("<Q", event, HEADER + 17)
            gtid = f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}:{sequence}"
        self.number += 1
        made = Transaction(self.number, gtid, committed, f"{self.place.file}:{end - size}")
        self._taking = Taking(made, is_group=is_group, is_passed_over=gtid == self.passed_over)

    def _end(self, run: _Run) -> None:
        if self._taking is not None:
            run.ended.append(self._taking)
            if self.seen is not None:
                self.seen.add(self._taking.transaction.gtid)
        self._taking = None

    def _statement(self, statement: Statement, run: _Run) -> Iterator[Decoded]:
        """A statement: the frame of a transaction, or one that rows say nothing of."""
        if self._taking is None:
            return
        opening, text = statement.opening, statement.text.strip().upper()
        if opening in ("BEGIN", "SAVEPOINT") or (
            opening == "XA" and not text.startswith(("XA COMMIT", "XA ROLLBACK"))
        ):
            self._taking.is_group = True
        elif opening == "COMMIT":
            self._end(run)
        elif opening == "ROLLBACK":
            self._roll_back(run, is_whole=" TO " not in f" {text} ")
        else:
            yield from self._effects(statement, run)

    def _roll_back(self, run: _Run, *, is_whole: bool) -> None:
        assert self._taking is not None, "it was looked at before"
        has_events = self._taking.events or any(row.taking is self._taking for row in run.rows)
        if has_events and not is_whole:
            raise _unread(
                "a transaction that was rolled back to a savepoint after it had changed other engines' tables"
            )
        if has_events:
            raise RolledBackError(self._taking.transaction.gtid)
        if is_whole:
            self._end(run)

    def _effects(self, statement: Statement, run: _Run) -> Iterator[Decoded]:
        taking = self._taking
        assert taking is not None, "it was looked at before"
        found = effects(statement, self.captured, folds_case=self.catalog.folds_case)
        written = [table for table, effect in found if effect is Effect.WRITTEN]
        if written:
            raise _unread(f"a change of {'.'.join(written[0])} as a statement (binlog_format of a session)")
        emptied = [Truncation(table, taking.transaction) for table, effect in found if effect is Effect.EMPTIED]
        replaced = [table for table, effect in found if effect is Effect.REPLACED]
        if found:
            yield self._decoded(run, is_whole=False)
        if statement.text.rstrip(" ;").upper().endswith("START TRANSACTION"):
            # MySQL writes `create table … as select` as one transaction.
            taking.is_group = True
        taking.events += len(emptied)
        if not taking.is_group:
            self._end(run)
        if found:
            ended = [Ended(done.transaction, done.events) for done in run.ended]
            run.ended = []
            yield Decoded(emptied, ended, replaced, is_whole=self._taking is None)

    def _other(self, event: bytes, kind: int, run: _Run) -> None:
        if kind == _XA_PREPARE and self._taking is not None:
            if self._taking.events or any(row.taking is self._taking for row in run.rows):
                raise _unread("a prepared XA transaction, which may still be rolled back,")
            self._end(run)
        elif kind in (_ROTATE, _FORMAT):
            self._tables.clear()

    def _move(self, event: bytes, kind: int) -> None:
        if kind == _ROTATE:
            self.place.file = event[HEADER + 8 :].decode()
            (self.place.end,) = struct.unpack_from("<Q", event, HEADER)
        elif end := int.from_bytes(event[13:17], "little"):
            self.place.end = end


def _unread(what: str) -> SmeltError:
    return SmeltError(
        f"the binlog has {what}, which can't be followed",
        "mend that at the server, then read the tables again with `smelt ingest SOURCE --reset SOURCE`",
    )
