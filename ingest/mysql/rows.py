"""Rows events of the binlog → change events by table, in log order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.cdc.tuples import Bytes, Places
from ingest.mysql.cells import MARGIN, Images, walk
from ingest.mysql.events import Changes, Taking
from ingest.mysql.tablemap import Table
from ingest.mysql.values import column_values, extra_column, raw_values
from plugins.core.errors import SmeltError

_SECOND_VERSION = 30
_OPS = ("c", "u", "d")


@dataclass(frozen=True)
class RowEvent:
    """A rows event: its bytes, and where in them the row images begin. op: `c u d`."""

    event: bytes
    start: int
    op: str
    table: Table
    taking: Taking


def read_rows(event: bytes, at: int, kind: int, op: str, table: Table, taking: Taking) -> RowEvent:
    """Read a rows event whose body begins at `at`, as far as its images.

    Raises SmeltError if it hasn't all columns of its table.
    """
    at += 8
    if kind >= _SECOND_VERSION:
        at += int.from_bytes(event[at : at + 2], "little")
    count, at = (
        (event[at], at + 1) if event[at] < 252 else (int.from_bytes(event[at + 1 : at + 3], "little"), at + 3)
    )
    size = (count + 7) // 8
    everything = (1 << count) - 1
    bitmaps = [event[at : at + size], event[at + size : at + 2 * size]] if op == "u" else [event[at : at + size]]
    if count != len(table.wires) or any(int.from_bytes(b, "little") & everything != everything for b in bitmaps):
        raise SmeltError(
            f"the binlog has changes of {table.schema}.{table.name} without the values of all columns",
            "set global binlog_row_image = FULL, also for sessions that set it themselves; then read the table "
            "again with `smelt ingest --reset`",
        )
    return RowEvent(event, at + size * len(bitmaps), op, table, taking)


def changes_of(events: Sequence[RowEvent], key_of: Callable[[Table], Sequence[str]]) -> list[Changes]:
    """The change events of all tables; counts them in their transactions.

    An update that changes the key, or any update of a table without one, is two: `d` of the old row and `u` of the
    new.
    """
    by_table: dict[int, list[int]] = {}
    for n, event in enumerate(events):
        by_table.setdefault(id(event.table), []).append(n)
    parts = [_part(events, np.array(places), key_of(events[places[0]].table)) for places in by_table.values()]
    return list(_numbered(events, parts)) if parts else []


@dataclass(frozen=True)
class _Part:
    """Events of one table. event: the number of the rows event of each; place: of its image there."""

    table: Table
    data: Bytes
    images: Images
    op: npt.NDArray[np.int8]
    event: Places


def _part(events: Sequence[RowEvent], places: Places, key: Sequence[str]) -> _Part:
    table = events[places[0]].table
    sizes = np.array([len(events[n].event) for n in places], np.int64)
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    data = np.frombuffer(b"".join([*(events[n].event for n in places), bytes(MARGIN)]), np.uint8)
    starts = begins + np.array([events[n].start for n in places], np.int64)
    images = walk(data, starts, begins + sizes, table)
    op = np.array([_OPS.index(events[n].op) for n in places], np.int8)[images.event]
    # Images of an update come in pairs: before, after.
    is_before = (op == 1) & (images.place % 2 == 0)
    if is_before.any():
        before = np.flatnonzero(is_before)
        moved = _moved(data, images, before, table, key)
        op = op.copy()
        op[before] = 2
        kept = ~is_before
        kept[before[moved]] = True
        chosen = np.flatnonzero(kept)
        images, op = images.at(chosen), op[chosen]
    return _Part(table, data, images, op, places[images.event])


def _moved(data: Bytes, images: Images, before: Places, table: Table, key: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which updates change a value of the key; without one, all of them."""
    if not key:
        return np.ones(len(before), bool)
    moved = np.zeros(len(before), bool)
    for n, wire in enumerate(table.wires):
        if wire.column.name in key:
            cells = images.cells[n]
            old, new = (raw_values(data, cells.at(at)) for at in (before, before + 1))
            same = pc.call_function("equal", [old, new]).fill_null(False).to_numpy(zero_copy_only=False)
            moved |= ~(same | (cells.is_null[before] & cells.is_null[before + 1]))
    return moved


def _numbered(events: Sequence[RowEvent], parts: Sequence[_Part]) -> Iterator[Changes]:
    """The parts' events with their place in their transaction, from 1, over all tables."""
    owners = {id(event.taking): event.taking for event in events}
    takings = list(owners.values())
    index = {key: n for n, key in enumerate(owners)}
    owner_of = np.array([index[id(event.taking)] for event in events], np.int64)
    event = np.concatenate([part.event for part in parts])
    order = np.lexsort((np.concatenate([part.images.place for part in parts]), event))
    ranks = np.empty(len(event), np.int64)
    ranks[order] = np.arange(len(event))
    owner = owner_of[event]
    counts = np.bincount(owner, minlength=len(takings))
    before = np.array([taking.events for taking in takings], np.int64)
    sequence = ranks - (np.cumsum(counts) - counts)[owner] + before[owner] + 1
    for taking, count in zip(takings, counts.tolist(), strict=True):
        taking.events += count
    audit = _Audit(takings)
    bounds = np.cumsum([len(part.event) for part in parts])[:-1]
    for part, number, of in zip(parts, np.split(sequence, bounds), np.split(owner, bounds), strict=True):
        yield _changes(part, number, of, audit)


class _Audit:
    """What bronze says of each transaction, to be taken by their place."""

    def __init__(self, takings: Sequence[Taking]) -> None:
        found = [taking.transaction for taking in takings]
        self.numbers = np.array([t.number for t in found], np.int64)
        self.gtid = pa.array([t.gtid for t in found], pa.string())
        self.place = pa.array([t.place for t in found], pa.string())
        self.committed = pa.array([t.committed * 1_000_000 for t in found], pa.timestamp("us", "UTC"))


def _changes(part: _Part, sequence: Places, owner: Places, audit: _Audit) -> Changes:
    count = len(owner)
    columns: dict[str, pa.Array] = {}
    refused = {}
    for wire, cells in zip(part.table.wires, part.images.cells, strict=True):
        columns[wire.column.name], refused[wire.column.name] = column_values(part.data, cells, wire)
    of = pa.array(owner)
    numbers = audit.numbers[owner]
    columns["_smelt_extra"] = extra_column(part.table.columns, refused, count)
    columns["_smelt_op"] = pa.array(np.array(_OPS)[part.op], pa.string())
    columns["_smelt_number"] = pa.array(numbers, pa.int64())
    columns["_smelt_sequence"] = pa.array(sequence, pa.int64())
    columns["_smelt_gtid"] = audit.gtid.take(of)
    columns["_smelt_log_position"] = audit.place.take(of)
    columns["_smelt_committed_at"] = audit.committed.take(of)
    return Changes(part.table, pa.table(columns), numbers, int(np.count_nonzero(part.op == 2)))
