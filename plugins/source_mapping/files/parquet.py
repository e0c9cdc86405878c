"""Parquet by DuckDB: the first rows, every value as text."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from plugins.core.duck import literal, quote
from plugins.source_mapping.files.delimited import Delimited, most_rows
from plugins.source_mapping.files.opening import opened, unreadable


def read_parquet(path: Path) -> tuple[Delimited, tuple[str, ...]]:
    """The columns of a Parquet file and their SQL types. Raises SmeltError if it can't be read."""
    with _at_plain_path(path) as plain:
        try:
            with duckdb.connect() as con:
                con.execute("set timezone = 'UTC'")
                table = con.sql(f"from read_parquet({literal(str(plain))})")
                texts = ", ".join(f"{quote(name)}::varchar" for name in table.columns)
                rows = table.project(texts).limit(most_rows(len(table.columns))).fetchall()
                names, types = tuple(table.columns), tuple(str(one) for one in table.types)
        except duckdb.Error as error:
            raise unreadable(path, error) from error
    columns = tuple(zip(*rows, strict=True)) if rows else ((),) * len(names)
    return Delimited(names, columns, ()), types


@contextmanager
def _at_plain_path(path: Path) -> Iterator[Path]:
    """The file, unpacked, under a name without signs that DuckDB takes for a pattern."""
    with tempfile.TemporaryDirectory(prefix="smelt-map-") as folder, opened(path) as file:
        plain = Path(folder) / "table.parquet"
        if isinstance(file, gzip.GzipFile):
            with open(plain, "wb") as copy:
                shutil.copyfileobj(file, copy)
        else:
            plain.symlink_to(path.resolve())
        yield plain
