"""Insert, Update and Delete messages of one table → events in log order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.cdc.relations import Relation
from ingest.cdc.tuples import UNCHANGED, Bytes, Cells, Places, joined, texts, walk

_INSERT, _UPDATE, _DELETE = b"IUD"
_KEY, _OLD, _NEW = b"KON"
_OPS = ("c", "u", "d")
_CREATED, _UPDATED, _DELETED = range(3)


@dataclass(frozen=True)
class Rows:
    """Events of one table. order: twice the message's place in its run, plus one for a message's second event."""

    order: Places
    op: pa.DictionaryArray
    values: Mapping[str, pa.LargeStringArray]
    unchanged: Mapping[str, npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class _Part:
    """Some events: their order, what happened (an index of `_OPS`), and their cells by column."""

    order: Places
    op: int
    cells: Sequence[Cells]


def read_rows(
    data: Bytes, starts: Places, kinds: Bytes, places: Places, relation: Relation, key: Sequence[str]
) -> Rows:
    """Events of the messages at `places`, all of `relation`.

    An update that changes the key, or any update of a table without one, is two events: `d` of the old row and
    `u` of the new.
    """
    kind = kinds[places]
    parts = [
        *_inserted(data, starts, places[kind == _INSERT], relation),
        *_updated(data, starts, places[kind == _UPDATE], relation, key),
        *_deleted(data, starts, places[kind == _DELETE], relation),
    ]
    order = np.concatenate([part.order for part in parts])
    sorting = np.argsort(order, kind="stable")
    ops = np.concatenate([np.full(len(part.order), part.op, np.int8) for part in parts])[sorting]
    values: dict[str, pa.LargeStringArray] = {}
    unchanged: dict[str, npt.NDArray[np.bool_]] = {}
    for n, column in enumerate(relation.columns):
        cells = joined([part.cells[n] for part in parts]).take(sorting)
        values[column.alias] = texts(data, cells)
        missing = cells.kind == UNCHANGED
        if missing.any():
            unchanged[column.alias] = missing
    op = pa.DictionaryArray.from_arrays(pa.array(ops), pa.array(_OPS, pa.string()))
    return Rows(order[sorting], op, values, unchanged)


def _inserted(data: Bytes, starts: Places, places: Places, relation: Relation) -> list[_Part]:
    # I, relation (4), N, tuple
    cells, _ = walk(data, starts[places] + 6, len(relation.columns))
    return [_Part(2 * places, _CREATED, cells)]


def _deleted(data: Bytes, starts: Places, places: Places, relation: Relation) -> list[_Part]:
    # D, relation (4), K or O, tuple
    cells, _ = walk(data, starts[places] + 6, len(relation.columns))
    return [_Part(2 * places, _DELETED, cells)]


def _updated(data: Bytes, starts: Places, places: Places, relation: Relation, key: Sequence[str]) -> list[_Part]:
    # U, relation (4), then N and the new tuple; or K or O and the old one, N and the new one
    width = len(relation.columns)
    sent = data[starts[places] + 5]
    alone, keyed, full = (places[sent == kind] for kind in (_NEW, _KEY, _OLD))
    parts = [_Part(2 * alone + 1, _UPDATED, walk(data, starts[alone] + 6, width)[0])]
    if len(keyed):
        old, end = walk(data, starts[keyed] + 6, width)
        new, _ = walk(data, end + 1, width)
        parts += [_Part(2 * keyed, _DELETED, old), _Part(2 * keyed + 1, _UPDATED, new)]
    if len(full):
        old, end = walk(data, starts[full] + 6, width)
        sparse, _ = walk(data, end + 1, width)
        new = [n.where(n.kind == UNCHANGED, o) for n, o in zip(sparse, old, strict=True)]
        moved = np.flatnonzero(_is_moved(data, old, new, relation, key))
        parts += [
            _Part(2 * full[moved], _DELETED, [cells.take(moved) for cells in old]),
            _Part(2 * full + 1, _UPDATED, new),
        ]
    return parts


def _is_moved(
    data: Bytes, old: Sequence[Cells], new: Sequence[Cells], relation: Relation, key: Sequence[str]
) -> npt.NDArray[np.bool_]:
    """Which updates gave their row another key; without a key, all."""
    moved = np.full(len(old[0].kind), not key)
    for n, column in enumerate(relation.columns):
        if column.alias in key:
            differs = pc.call_function("not_equal", [texts(data, old[n]), texts(data, new[n])])
            moved |= differs.fill_null(True).to_numpy(zero_copy_only=False)
    return moved
