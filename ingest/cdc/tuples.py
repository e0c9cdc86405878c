"""Column values of many pgoutput tuples at once: where they stand in the bytes, and the values as Arrow text.

Tuples of one table are walked column by column over all rows, not row by row: numpy does per column what Python
would do per value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes: TypeAlias = npt.NDArray[np.uint8]
Places: TypeAlias = npt.NDArray[np.int64]

_TEXT, UNCHANGED = ord("t"), ord("u")


@dataclass(frozen=True)
class Cells:
    """One column in n tuples. kind: n × uint8, `t` a text, `n` null, `u` unchanged and not sent.

    start, length: n × int64, where its text stands, in bytes; 0 where there is none.
    """

    kind: npt.NDArray[np.uint8]
    start: Places
    length: Places

    def where(self, is_other: npt.NDArray[np.bool_], other: Cells) -> Cells:
        """These cells, with those of `other` where `is_other`."""
        return Cells(
            np.where(is_other, other.kind, self.kind),
            np.where(is_other, other.start, self.start),
            np.where(is_other, other.length, self.length),
        )

    def take(self, rows: Places) -> Cells:
        """The cells of `rows`."""
        return Cells(self.kind[rows], self.start[rows], self.length[rows])


def integers(data: Bytes, at: Places, size: int) -> Places:
    """Big-endian signed integers of `size` bytes (2, 4 or 8) at the places `at`."""
    raw = data[at[:, None] + np.arange(size)]
    return np.ascontiguousarray(raw).view(f">i{size}").ravel().astype(np.int64)


def walk(data: Bytes, at: Places, columns: int) -> tuple[list[Cells], Places]:
    """Cells of each column of the tuples that begin at `at` (TupleData), and the place after each tuple."""
    place = at + 2
    cells = []
    for _ in range(columns):
        kind = data[place]
        is_text = kind == _TEXT
        length = np.zeros(len(place), np.int64)
        if is_text.any():
            length[is_text] = integers(data, place[is_text] + 1, 4)
        start = np.where(is_text, place + 5, 0)
        cells.append(Cells(kind, start, length))
        place = place + 1 + np.where(is_text, length + 4, 0)
    return cells, place


def texts(data: Bytes, cells: Cells) -> pa.StringArray:
    """The values as Arrow text; what is null or unchanged is null."""
    is_text = cells.kind == _TEXT
    offsets = np.zeros(len(cells.kind) + 1, np.int64)
    np.cumsum(cells.length, out=offsets[1:])
    total = int(offsets[-1])
    # Place of each byte of the result in `data`: its value's start, plus how far it is into the value.
    shift = np.repeat(cells.start - offsets[:-1], cells.length)
    values = data[shift + np.arange(total)]
    valid = np.packbits(is_text, bitorder="little")
    return pa.LargeStringArray.from_buffers(
        len(cells.kind), pa.py_buffer(offsets), pa.py_buffer(values), pa.py_buffer(valid)
    )


def joined(parts: Sequence[Cells]) -> Cells:
    """Cells of several runs of tuples, one after the other."""
    return Cells(
        np.concatenate([p.kind for p in parts]),
        np.concatenate([p.start for p in parts]),
        np.concatenate([p.length for p in parts]),
    )
