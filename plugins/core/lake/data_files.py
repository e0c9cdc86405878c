"""Data files of a table that Arrow writes, wherever the lake is: on the local disk, or in a bucket."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.table import Table


def write_rows(table: Table, rows: pa.Table, file: str) -> None:
    """Write `rows` to `file`, below the table's data folder; in a bucket it is there whole or not at all."""
    if "://" not in file:
        pq.write_table(rows, file, compression="zstd")
        return
    with table.io.new_output(file).create(overwrite=True) as target:
        pq.write_table(rows, target, compression="zstd")


def remove_file(table: Table, file: str) -> None:
    """Delete a file that was not committed, if it is there."""
    if "://" not in file:
        Path(file).unlink(missing_ok=True)
        return
    output = table.io.new_input(file)
    if output.exists():
        table.io.delete(file)


def file_size(table: Table, file: str) -> int:
    """Bytes of `file`."""
    return Path(file).stat().st_size if "://" not in file else len(table.io.new_input(file))
