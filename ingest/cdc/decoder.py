"""pgoutput messages → change events, many at once.

Only what is rare (Relation, Truncate) passes through Python one by one; transactions and rows are decoded by
column over whole runs of messages. https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.cdc.events import Changes, Decoded, Transactions, Truncation
from ingest.cdc.relations import PgType, Relation, read_relation, unknown_types
from ingest.cdc.rows import Rows, read_rows
from ingest.cdc.tuples import Bytes, Places, integers

# PostgreSQL counts microseconds from 2000-01-01, Arrow from 1970-01-01.
_EPOCH = 946_684_800_000_000
_BEGIN, _COMMIT, _RELATION, _TRUNCATE = b"BCRT"
_DML = np.frombuffer(b"IUD", np.uint8)


@dataclass(frozen=True)
class _Open:
    """The transaction that a run of messages begins in, or that ended last: what its Begin said, its events."""

    lsn: int = 0
    committed: int = 0
    xid: int = 0
    events: int = 0


@dataclass
class Decoder:
    """Decodes runs of messages of one replication stream, in order; a transaction may span several runs.

    load_types: `pg_type` by oid, asked again when an unknown type appears.
    key_of: the columns by which bronze tells rows of a relation apart, empty: by their content; None: the relation
    is of no interest. as_json: values of a composite type, as its name is written, as JSON.
    """

    load_types: Callable[[], Mapping[int, PgType]]
    key_of: Callable[[Relation], Sequence[str] | None]
    as_json: Callable[[str, Sequence[str]], Sequence[str]]
    _types: Mapping[int, PgType] = field(default_factory=dict)
    _relations: dict[int, Relation] = field(default_factory=dict)
    _carried: _Open = field(default_factory=_Open)

    def decode(self, messages: Sequence[bytes]) -> Iterator[Decoded]:
        """Decode the next messages of the stream, in one part or, where tables were emptied, in several."""
        first = 0
        for place, message in enumerate(messages):
            if message[0] == _TRUNCATE:
                yield self._decode(messages[first : place + 1])
                first = place + 1
        if first < len(messages):
            yield self._decode(messages[first:])

    def _decode(self, messages: Sequence[bytes]) -> Decoded:
        sizes = np.fromiter(map(len, messages), np.int64, len(messages))
        starts = np.concatenate([[0], np.cumsum(sizes[:-1])]).astype(np.int64)
        data = np.frombuffer(b"".join(messages), np.uint8)
        kinds = data[starts]
        versions = self._versions(messages, kinds)
        found = list(self._rows(data, starts, kinds, versions))
        emptied = list(_truncated(messages, kinds, versions, self.key_of))
        run = _Run(data, starts, kinds, self._carried)
        numbers, counts = run.number([rows.order for _, rows in found], [[at] for at, _ in emptied])
        changes: list[Changes | Truncation] = [
            run.changes(relation, rows, number) for (relation, rows), number in zip(found, numbers, strict=False)
        ]
        changes += [
            run.truncation(relation, int(at), int(number[0]))
            for (at, relation), number in zip(emptied, numbers[len(found) :], strict=True)
        ]
        self._carried = run.last(counts)
        return Decoded(changes, run.ended(counts), is_whole=bool(kinds[-1] == _COMMIT))

    def _versions(self, messages: Sequence[bytes], kinds: Bytes) -> dict[int, list[tuple[int, Relation]]]:
        """Of each relation, its descriptions and the place in the run from which each holds."""
        versions = {key: [(0, relation)] for key, relation in self._relations.items()}
        for place in np.flatnonzero(kinds == _RELATION).tolist():
            message = messages[place]
            if unknown_types(message, self._types):
                self._types = self.load_types()
            relation = read_relation(message, self._types)
            known = versions.setdefault(relation.id, [])
            if not known or known[-1][1] != relation:
                known.append((place, relation))
            self._relations[relation.id] = relation
        return versions

    def _rows(
        self, data: Bytes, starts: Places, kinds: Bytes, versions: Mapping[int, list[tuple[int, Relation]]]
    ) -> Iterator[tuple[Relation, Rows]]:
        """Rows of each relation that is of interest, by its descriptions."""
        places = np.flatnonzero(np.isin(kinds, _DML))
        if not len(places):
            return
        ids = integers(data, starts[places] + 1, 4)
        for key in np.unique(ids):
            of_relation = places[ids == key]
            holds = versions[int(key)]
            bounds = [*(place for place, _ in holds[1:]), len(kinds)]
            for (since, relation), until in zip(holds, bounds, strict=True):
                chosen = of_relation[(of_relation >= since) & (of_relation < until)]
                keys = self.key_of(relation) if len(chosen) else None
                if keys is not None:
                    rows = read_rows(data, starts, kinds, chosen, relation, keys)
                    yield relation, self._with_json(relation, rows)

    def _with_json(self, relation: Relation, rows: Rows) -> Rows:
        """The rows with their composite values as JSON; each distinct value is asked for once."""
        values = dict(rows.values)
        for alias, written in relation.composites.items():
            coded = values[alias].dictionary_encode()
            texts = self.as_json(written, coded.dictionary.to_pylist())
            values[alias] = pa.array(texts, pa.large_string()).take(coded.indices)
        return replace(rows, values=values) if relation.composites else rows


class _Run:
    """The transactions of a run: which one each message belongs to. Number 0 was open before it."""

    def __init__(self, data: Bytes, starts: Places, kinds: Bytes, carried: _Open) -> None:
        self._data, self._starts, self._carried = data, starts, carried
        self._begins = np.flatnonzero(kinds == _BEGIN)
        self._commits = np.flatnonzero(kinds == _COMMIT)
        at = starts[self._begins]
        self._lsn = np.concatenate([[carried.lsn], integers(data, at + 1, 8)]).astype(np.int64)
        committed = integers(data, at + 9, 8) + _EPOCH
        self._committed = np.concatenate([[carried.committed], committed]).astype(np.int64)
        xid = integers(data, at + 17, 4) & 0xFFFFFFFF
        self._xid = np.concatenate([[carried.xid], xid]).astype(np.int64)

    def number(self, *orders: Sequence[npt.ArrayLike]) -> tuple[list[Places], Places]:
        """Places of events in their transactions, from 1, for each list of order numbers; events by transaction.

        An order number is twice the message's place in the run, plus one for the second event of a message.
        """
        parts = [np.asarray(order, np.int64) for group in orders for order in group]
        if not parts:
            return [], np.array([self._carried.events] + [0] * len(self._begins), np.int64)
        everything = np.concatenate(parts)
        ranks = np.empty(len(everything), np.int64)
        ranks[np.argsort(everything, kind="stable")] = np.arange(len(everything))
        owner = self._owner(everything // 2)
        counts = np.bincount(owner, minlength=len(self._lsn))
        before = np.concatenate([[0], np.cumsum(counts)[:-1]])
        before[0] -= self._carried.events
        numbers = ranks - before[owner] + 1
        counts[0] += self._carried.events
        return np.split(numbers, np.cumsum([len(part) for part in parts])[:-1]), counts

    def changes(self, relation: Relation, rows: Rows, number: Places) -> Changes:
        """The events of `rows` with their transactions."""
        owner = self._owner(rows.order // 2)
        return Changes(
            relation, rows.values, rows.unchanged, rows.op, number,
            self._lsn[owner], self._committed[owner], self._xid[owner],
        )  # fmt: skip

    def truncation(self, relation: Relation, order: int, number: int) -> Truncation:
        """One table of a Truncate message."""
        (owner,) = self._owner(np.array([order // 2]))
        return Truncation(
            relation, int(self._lsn[owner]), number, int(self._committed[owner]), int(self._xid[owner])
        )

    def ended(self, counts: Places) -> Transactions:
        """Transactions whose Commit is in the run."""
        owner = self._owner(self._commits)
        end = integers(self._data, self._starts[self._commits] + 10, 8)
        return Transactions(self._lsn[owner], end, self._committed[owner], self._xid[owner], counts[owner])

    def last(self, counts: Places) -> _Open:
        """The transaction that the next run begins in."""
        return _Open(int(self._lsn[-1]), int(self._committed[-1]), int(self._xid[-1]), int(counts[-1]))

    def _owner(self, places: Places) -> Places:
        return np.searchsorted(self._begins, places, side="right")


def _truncated(
    messages: Sequence[bytes],
    kinds: Bytes,
    versions: Mapping[int, list[tuple[int, Relation]]],
    key_of: Callable[[Relation], Sequence[str] | None],
) -> Iterator[tuple[int, Relation]]:
    """Order numbers and relations of Truncate messages; all tables of one message share its place."""
    for place in np.flatnonzero(kinds == _TRUNCATE).tolist():
        (count,) = struct.unpack_from("!i", messages[place], 1)
        for key in struct.unpack_from(f"!{count}i", messages[place], 6):
            relation = [found for since, found in versions[key] if since <= place][-1]
            if key_of(relation) is not None:
                yield 2 * place, relation
