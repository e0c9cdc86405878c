"""Spreadsheets: one stream a sheet, whose first filled row is the header."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plugins.core.errors import SmeltError
from plugins.discovery.reading.delimited import unique_names
from plugins.discovery.reading.place import Stream

SHEETS = ("xlsx", "xlsm", "xlsb", "xls", "ods")


def read_sheets(path: Path, name: str, rows: int) -> tuple[Stream, ...]:
    """The sheets of a file that aren't empty; called by the file's name, and the sheet's where there are several.

    Raises SmeltError if the file can't be read, or if all of it is empty.
    """
    from python_calamine import CalamineError, load_workbook

    try:
        book = load_workbook(str(path))
        found = {sheet: book.get_sheet_by_name(sheet).to_python() for sheet in book.sheet_names}
    except (CalamineError, OSError, ValueError) as error:
        raise SmeltError(f"{path} cannot be read as a spreadsheet: {error}", "save each sheet as CSV") from error
    filled = {sheet: cells for sheet, cells in found.items() if any(map(_is_filled, cells))}
    if not filled:
        raise SmeltError(f"{path} is empty", "give a sheet at least a header")
    return tuple(
        _stream(name if len(filled) == 1 else f"{name}__{sheet}", cells, rows, path)
        for sheet, cells in filled.items()
    )


def _is_filled(row: Sequence[Any]) -> bool:
    return any(cell != "" for cell in row)


def _stream(name: str, cells: list[list[Any]], rows: int, path: Path) -> Stream:
    first, *rest = [row for row in cells if _is_filled(row)]
    names = unique_names([str(cell) for cell in first])
    renamed = [now for was, now in zip(first, names, strict=True) if str(was).strip() != now]
    notes = (f"columns without a name of their own were named: {', '.join(renamed[:5])}",) if renamed else ()
    kept = rest if len(rest) <= rows else random.Random(7).sample(rest, rows)  # noqa: S311
    sample = [{one: _value(cell) for one, cell in zip(names, row, strict=False) if cell != ""} for row in kept]
    # A column that no row has a value in is one, too.
    if sample:
        sample[0] = dict.fromkeys(names) | sample[0]
    return Stream(name, sample, len(rest), notes=notes, paths=(path,))


def _value(cell: Any) -> Any:
    """Spreadsheets know no whole numbers."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
