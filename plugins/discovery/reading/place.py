"""What reading a place gives: streams, each with a sample, and with all of its rows where DuckDB has them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import duckdb

from plugins.core.duck import literal

if TYPE_CHECKING:
    import pyarrow as pa

# Rows of a sample, if nobody says otherwise.
ROWS = 10_000
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Stream:
    """sample: an Arrow table, or dicts where rows are nested. rows: of all the stream; None: not counted.

    all_rows: a relation over every row, with the sample's columns, for as long as the place is open. declared_key:
    the primary key that a database declares. notes: what a reader should know, such as rows that were left out.
    paths: of the files that it is made of, if it is; keys: of all its objects in a bucket, below the place, while
    `paths` are copies of some. table: its schema and name, if it is a database's table.
    """

    name: str
    sample: pa.Table | list[dict[str, Any]]
    rows: int | None = None
    all_rows: duckdb.DuckDBPyRelation | None = None
    declared_key: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    keys: tuple[PurePosixPath, ...] = ()
    table: tuple[str, str] | None = None


@dataclass(frozen=True)
class Reference:
    """A foreign key that a database declares."""

    stream: str
    columns: tuple[str, ...]
    to_stream: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """kind: source, file, folder, bucket, topics, table or database. name: as it may be printed, without secrets.

    keys: of all objects of a bucket, below the place.
    """

    name: str
    kind: str
    streams: tuple[Stream, ...]
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = field(default=())
    keys: tuple[PurePosixPath, ...] = ()


@contextmanager
def scratch() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A DuckDB that holds what is read, and a folder for what memory doesn't; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="smelt-discover-") as folder:
        con = duckdb.connect()
        try:
            con.execute(f"set temp_directory = {literal(folder)}")
            con.execute("set timezone = 'UTC'")
            con.execute("set enable_progress_bar = false")
            yield con, Path(folder)
        finally:
            con.close()


def sampled(con: duckdb.DuckDBPyConnection, sql: str, total: int, rows: int) -> pa.Table:
    """Rows of a relation: all of them, or so many spread evenly over all; the same ones each time."""
    if total <= rows:
        return con.sql(sql).to_arrow_table()
    return con.sql(f"select * from ({sql}) using sample reservoir({rows} rows) repeatable (7)").to_arrow_table()


def count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Rows of a query."""
    return int(con.execute(f"select count(*) from ({sql})").fetchall()[0][0])
