"""The warehouse's returns export: the cancellations as one CSV per day."""

from __future__ import annotations

import csv
import io
import os
from itertools import groupby
from pathlib import Path

from demo.shop import invoice_lines

_QUERY = """
    select
        strftime(invoiced_at, '%Y-%m-%d') as day,
        invoice_no, line_number, stock_code, description, quantity,
        strftime(invoiced_at, '%Y-%m-%d %H:%M:%S') as invoice_date,
        rtrim(rtrim(unit_price::varchar, '0'), '.') as unit_price,
        customer_id, country
    from cancelled
    order by day, file_position
"""


def fill(folder: Path) -> int:
    """Write the files; those that are there with the same content stay untouched. Returns how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    result = invoice_lines().execute(_QUERY)
    header = [column[0] for column in result.description or ()][1:]
    written = 0
    for day, rows in groupby(result.fetchall(), key=lambda row: row[0]):
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(["" if value is None else value for value in row[1:]] for row in rows)
        _write(folder / f"returns_{day}.csv", text.getvalue().encode())
        written += 1
    return written


def _write(path: Path, content: bytes) -> None:
    """All or nothing: a reader never sees half a file."""
    if path.is_file() and path.read_bytes() == content:
        return
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_bytes(content)
    os.replace(half, path)
