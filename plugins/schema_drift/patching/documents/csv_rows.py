"""Rows written as CSV, in a document or a file of their own: only lines that differ are written anew."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from plugins.schema_drift.patching.documents.fixtures import Move, Unconvertible, move_row
from plugins.schema_drift.patching.documents.shift import Shift


def csv_parts(text: str, shift: Shift) -> list[tuple[int, int, str]]:
    """(start, end, new) of each line that differs. Raises Unconvertible."""
    lines = list(_lines(text))
    if not lines:
        return []
    header = [name.strip() for name in _cells(lines[0][1])]
    if len(set(header)) < len(header):
        raise Unconvertible("two columns of these rows have one name")
    moves = [move_row(_row(header, _cells(line)), shift) for _, line in lines[1:]]
    # The header of a table without rows changes too; a column is there in all rows or in none.
    shape = move_row(dict.fromkeys(header), shift) if not moves else max(moves, key=lambda one: len(one.added))
    parts = []
    for place, (start, line) in enumerate(lines):
        cells = _cells(line)
        new = _moved_header(cells, shape) if place == 0 else _moved(header, cells, moves[place - 1], shape)
        if new != cells:
            parts.append((start, start + len(line), _joined(new, line)))
    return parts


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """(place, line without white space around it) of each line that is not empty."""
    at = 0
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if stripped:
            if stripped.count('"') % 2:
                raise Unconvertible("a value of these rows goes over several lines")
            yield at + line.index(stripped), stripped
        at += len(line)


def _cells(line: str) -> list[str]:
    return next(csv.reader([line], skipinitialspace=True))


def _row(header: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(header):
        raise Unconvertible("a row has not as many values as there are columns")
    return {name: cell.strip() or None for name, cell in zip(header, cells, strict=True)}


def _moved_header(cells: list[str], move: Move) -> list[str]:
    out: list[str] = []
    for cell in cells:
        name = cell.strip()
        new = move.names.get(name, cell)
        out += [new] if new is not None else []
        out += [column for column, behind in move.behind.items() if behind == name]
    return out


def _moved(header: list[str], cells: list[str], move: Move, shape: Move) -> list[str]:
    out: list[str] = []
    for name, cell in zip(header, cells, strict=True):
        if move.names.get(name, name) is not None:
            out.append(_text(move.values[name]) if name in move.values else cell)
        out += [_text(move.added.get(column)) for column, behind in shape.behind.items() if behind == name]
    return out


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _joined(cells: list[str], like: str) -> str:
    """A line of cells, with a space behind commas if the line in its place had it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([cell.strip() for cell in cells])
    return out.getvalue().replace(",", ", ") if ", " in like and '"' not in like else out.getvalue()
