"""Delimited text: every value as the text that it is, so that no leading zero is lost to a guess at types."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from plugins.core.duck import literal, quote
from plugins.core.errors import SmeltError
from plugins.discovery.reading.text import as_utf8

_DELIMITERS = (",", ";", "\t", "|")
_HEAD_LINES = 50
_LONG_LINE, _LONGEST_LINE = 8 * 10**6, 64 * 2**20
_DATUM = re.compile(r"[+-]?[\d.,]*\d[\d.,]*%?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\S+@\S+\.\S+", re.ASCII)


@dataclass(frozen=True)
class Layout:
    """How a file is written. names: unique; first: whether its first line is a header."""

    delimiter: str
    names: tuple[str, ...]
    has_header: bool
    notes: tuple[str, ...]


def read_delimited(con: duckdb.DuckDBPyConnection, path: Path, folder: Path, table: str) -> tuple[str, ...]:
    """Copy a delimited file into a table of text columns; returns notes.

    Raises SmeltError if it is empty or can't be read.
    """
    plain, note = as_utf8(path, folder)
    found = layout(plain, path)
    notes = [note] if note else []
    notes += found.notes
    try:
        notes += _load(con, plain, table, found)
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise SmeltError(
            f"{path} cannot be read as delimited text: {reason}", "check the file in an editor"
        ) from error
    return tuple(notes)


def header(path: Path, folder: Path) -> tuple[str, ...]:
    """The names of a file's columns. Raises SmeltError as `read_delimited` does."""
    return layout(as_utf8(path, folder)[0], path).names


def _load(con: duckdb.DuckDBPyConnection, plain: Path, table: str, layout: Layout) -> list[str]:
    """Fill the table; returns notes on what was left out."""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in layout.names)
    options = (
        f"delim = {literal(layout.delimiter)}, quote = '\"', escape = '\"', header = false, "
        f"skip = {int(layout.has_header)}, auto_detect = false, null_padding = true, compression = 'none', "
        f"ignore_errors = true, store_rejects = true, columns = {{{columns}}}"
    )

    def load(longest: int, is_parallel: bool, is_strict: bool) -> None:
        con.execute(
            f"create or replace table {quote(table)} as from read_csv({literal(str(plain))}, {options}, "
            f"max_line_size = {longest}, parallel = {is_parallel}, strict_mode = {is_strict})"
        )

    try:
        try:
            load(_LONG_LINE, is_parallel=True, is_strict=True)
        except duckdb.Error:
            try:
                # Lines within quotes are read by one thread only, longer ones by a bigger buffer.
                load(_LONGEST_LINE, is_parallel=False, is_strict=True)
            except duckdb.Error:
                load(_LONGEST_LINE, is_parallel=False, is_strict=False)
                return [
                    "its quotes don't match: it is read as well as can be, and fields beyond the header are lost"
                ]
        number, first = con.execute("select count(distinct line), min(line) from reject_errors").fetchall()[0]
    finally:
        con.execute("drop table if exists reject_errors")
        con.execute("drop table if exists reject_scans")
    if not number:
        return []
    fit = f"lines left out, as they don't fit the {len(layout.names):,} columns"
    return [f"{fit}: {number:,}, the first is line {first:,}"]


def layout(plain: Path, path: Path) -> Layout:
    """How a file in UTF-8 is written; path: as it is called. Raises SmeltError if it is empty."""
    with open(plain, encoding="utf-8", errors="replace", newline="") as file:
        lines = list(
            itertools.islice((line for line in iter(lambda: file.readline(_LONGEST_LINE), "")), _HEAD_LINES)
        )
    if not any(line.strip() for line in lines):
        raise SmeltError(f"{path} is empty", "give it at least a header line")
    delimiter = _delimiter(lines, path)
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        rows = [line.rstrip("\r\n").split(delimiter) for line in lines]
    if not (rows and (first := rows[0])):
        raise SmeltError(f"{path} has no header", "let its first line name the columns")
    notes = []
    has_header = not any(_DATUM.fullmatch(cell.strip()) for cell in first) or len(rows) == 1
    if not has_header and _are_years(first, rows):
        has_header = True
    if not has_header:
        notes.append("its first line is data, not a header: columns are numbered")
        first = [f"column_{number}" for number in range(1, max(map(len, rows)) + 1)]
    names = unique_names(first)
    renamed = [(was, now) for was, now in zip(first, names, strict=True) if was.strip() != now]
    if renamed:
        shown = ", ".join(f"`{was.strip()}` → `{now}`" for was, now in renamed[:5])
        more = f" and {len(renamed) - 5:,} more" if len(renamed) > 5 else ""
        notes.append(f"columns without a name of their own were renamed: {shown}{more}")
    return Layout(delimiter, tuple(names), has_header, tuple(notes))


def _are_years(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """A header whose numbers are all years, over rows that aren't like it: `country,2019,2020`."""
    numbers = [cell.strip() for cell in first if _DATUM.fullmatch(cell.strip())]
    return all(re.fullmatch(r"(19|20)\d\d", one) for one in numbers) and len(rows) > 1 and not any(
        set(numbers) <= {cell.strip() for cell in row} for row in rows[1:]
    )  # fmt: skip


def _delimiter(lines: Sequence[str], path: Path) -> str:
    """The delimiter that splits lines into the most columns, as many in each; tabs where the name says so."""
    if path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"

    def score(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            return 0.0, 0
        width = widths[0]
        alike = sum(one == width for one in widths) / len(widths)
        return (alike if width > 1 else 0.0), width

    return max(_DELIMITERS, key=score)


def unique_names(names: Sequence[str]) -> list[str]:
    """Names, none twice and none empty; what differs in case only is the same to SQL."""
    found: list[str] = []
    taken: set[str] = set()
    for number, raw in enumerate(names, start=1):
        name = plain = raw.strip().replace("\0", "") or f"column_{number}"
        again = 1
        while name.casefold() in taken:
            again += 1
            name = f"{plain}_{again}"
        taken.add(name.casefold())
        found.append(name)
    return found
