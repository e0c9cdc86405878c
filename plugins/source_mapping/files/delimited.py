"""Delimited text: a header, and the first rows as the text that they are."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from plugins.source_mapping.files.opening import HEAD, decoded, empty
from plugins.source_mapping.matching import SAMPLE_ROWS

# Of very wide tables fewer rows are looked at, so that a sample stays this many cells.
_MOST_CELLS = 2_000_000
_LEAST_ROWS = 50
# Longer than this is no value, but the rest of a file after a quote that was never closed.
_LONGEST_FIELD = 64 * 2**20
_DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x01", "\x1f")
_LINES = 100
_DATUM = re.compile(r"[-+]?[\d.,]*\d[\d.,]*%?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\S+@\S+\.\S+", re.ASCII)
# How quotes may be meant, where they aren't as they should be.
_QUOTINGS: tuple[dict[str, Any], ...] = ({}, {"escapechar": "\\"}, {"quoting": csv.QUOTE_NONE})


@dataclass(frozen=True)
class Delimited:
    """names: as written. columns: the values of each, in the same order; empty where the file has no rows."""

    names: tuple[str, ...]
    columns: tuple[Sequence[str | None], ...]
    notes: tuple[str, ...]


def most_rows(columns: int) -> int:
    """How many rows of a table are looked at."""
    return max(_LEAST_ROWS, min(SAMPLE_ROWS, _MOST_CELLS // max(1, columns)))


def read_delimited(path: Path, encoding: str, *, is_tab: bool) -> Delimited:
    """Read delimited text. Raises SmeltError if there is no line in it."""
    csv.field_size_limit(_LONGEST_FIELD)
    with decoded(path, encoding) as file:
        head = file.read(HEAD)
    delimiter, skipped = ("\t", 0) if is_tab else _delimiter(head)
    notes = []
    try:
        rows = _rows(path, encoding, skipped, {"delimiter": delimiter, "strict": True})
    except csv.Error:
        rows = _least_ragged(path, encoding, skipped, delimiter)
        notes.append(
            "quotes are not closed, or not as they should be; rows were taken as they fit the header best"
        )
    if not rows:
        raise empty(path)
    header, *values = rows
    width = len(header)
    if any(len(row) > width and any(map(str.strip, row[width:])) for row in values):
        notes.append("some lines have more values than the header has names; the rest was left out")
    if values and sum(bool(_DATUM.fullmatch(name.strip())) for name in header) * 2 > width:
        notes.append("its first line looks like data, but was taken for the names of the columns")
    columns = tuple(islice(zip_longest(*values, fillvalue=None), width)) if values else ()
    return Delimited(tuple(header), columns + ((),) * (width - len(columns)), tuple(notes))


def _delimiter(head: str) -> tuple[str, int]:
    """The sign that cuts the header into most names and the lines into as many values; lines before the header."""
    # Excel's own way to say it.
    if said := re.match(r'"?sep=(.)"?\r?\n', head, re.IGNORECASE):
        return said[1], 1
    lines = list(islice((line for line in io.StringIO(head, newline="") if line.strip()), _LINES))

    def score(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            return 0.0, 0
        # The last may be cut off.
        widths = widths[:-1] if len(widths) > 2 else widths
        if not widths or widths[0] < 2:
            return 0.0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    return max(_DELIMITERS, key=score), 0


def _least_ragged(path: Path, encoding: str, skipped: int, delimiter: str) -> list[list[str]]:
    """The rows as quotes must be meant for most of them to be as wide as the header."""
    readings = []
    for quoting in _QUOTINGS:
        try:
            readings.append(_rows(path, encoding, skipped, {"delimiter": delimiter, **quoting}))
        except csv.Error:
            continue

    def fitting(rows: list[list[str]]) -> float:
        # A file that became few rows was swallowed by a quote.
        return sum(len(row) == len(rows[0]) for row in rows) * len(rows) ** -0.5 if rows else 0.0

    return max(readings, key=fitting, default=[])


def _rows(path: Path, encoding: str, skipped: int, dialect: dict[str, Any]) -> list[list[str]]:
    """The header and the first rows; empty lines are left out. Raises csv.Error as `csv.reader` does."""
    with decoded(path, encoding) as file:
        for _ in range(skipped):
            file.readline()
        # An empty line is no row; an empty value in quotes is one.
        filled = (row for row in csv.reader(file, **dialect) if row and (len(row) > 1 or not row[0].isspace()))
        rows = list(islice(filled, 1))
        rows += islice(filled, most_rows(len(rows[0]))) if rows else []
    return rows
