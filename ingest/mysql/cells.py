"""Rows of the binlog → places of their values, by column, many rows at once.

A rows event holds row images one after the other, each of a length that only reading it tells. So the images of
many events are walked in step: first the first image of each event, then the second, and so on; within a step,
each column is one operation over all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.cdc.tuples import Bytes, Places
from ingest.mysql.tablemap import Table, Wire

# Zeros that must follow the data: the value of a null at its end is looked at, and left out.
MARGIN = 16


@dataclass(frozen=True)
class Cells:
    """Values of one column: where each begins, its length in bytes, and whether it is null (then both are 0)."""

    start: Places
    length: Places
    is_null: npt.NDArray[np.bool_]

    def at(self, order: Places) -> Cells:
        """The cells at `order`."""
        return Cells(self.start[order], self.length[order], self.is_null[order])


@dataclass(frozen=True)
class Images:
    """Row images in log order. event: the number of the event that each is of; place: its place there, from 0."""

    event: Places
    place: Places
    cells: Sequence[Cells]

    def at(self, order: Places) -> Images:
        """The images at `order`."""
        return Images(self.event[order], self.place[order], [cells.at(order) for cells in self.cells])


def walk(data: Bytes, starts: Places, ends: Places, table: Table) -> Images:
    """Images of rows events that begin at `starts` and end at `ends`, all of `table`, with all of its columns.

    data: with `MARGIN` bytes after the last event.
    """
    events, places, steps = [], [], []
    at, active, step = starts.copy(), np.arange(len(starts)), 0
    while True:
        active = active[at[active] < ends[active]]
        if not len(active):
            break
        cells, after = _image(data, at[active], table.wires)
        at[active] = after
        events.append(active)
        places.append(np.full(len(active), step, np.int64))
        steps.append(cells)
        step += 1
    if not steps:
        none = np.zeros(0, np.int64)
        return Images(none, none, [Cells(none, none, none.astype(bool)) for _ in table.wires])
    event, place = np.concatenate(events), np.concatenate(places)
    order = np.lexsort((place, event))
    columns = [
        Cells(*(np.concatenate([getattr(cells[n], part) for cells in steps])[order] for part in _PARTS))
        for n in range(len(table.wires))
    ]
    return Images(event[order], place[order], columns)


_PARTS = ("start", "length", "is_null")


def _image(data: Bytes, at: Places, wires: Sequence[Wire]) -> tuple[list[Cells], Places]:
    """One image of each event, and the place after it."""
    nulls, place = at, at + (len(wires) + 7) // 8
    cells = []
    for n, wire in enumerate(wires):
        is_null = (data[nulls + n // 8] >> (n % 8) & 1).astype(bool)
        if wire.is_varying:
            length = unsigned(data, np.where(is_null, 0, place), wire.width)
            start = place + wire.width
            after = start + length
        else:
            length = np.full(len(place), wire.width, np.int64)
            start, after = place, place + wire.width
        cells.append(Cells(np.where(is_null, 0, start), np.where(is_null, 0, length), is_null))
        place = np.where(is_null, place, after)
    return cells, place


def unsigned(data: Bytes, at: Places, size: int) -> Places:
    """Little-endian integers of `size` bytes (up to 8) at the places `at`; those of 2⁶³ and more are negative."""
    raw = np.zeros((len(at), 8), np.uint8)
    raw[:, :size] = data[at[:, None] + np.arange(size)]
    return raw.view("<i8").ravel().astype(np.int64, copy=False)


def unsigned_from_high(data: Bytes, at: Places, size: int) -> Places:
    """Big-endian integers of `size` bytes (up to 8), as `unsigned`."""
    raw = np.zeros((len(at), 8), np.uint8)
    raw[:, 8 - size :] = data[at[:, None] + np.arange(size)]
    return raw.view(">i8").ravel().astype(np.int64)
