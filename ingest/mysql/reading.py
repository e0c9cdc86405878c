"""Rows of a table, selected → Parquet files in the work folder → a relation in bronze types, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.extract.base import PullRequest
from ingest.mysql.columns import Column, extra_expression
from ingest.mysql.describing import Described
from plugins.core.duck import literal, quote

# Rows that are fetched at once, and bytes of a row group.
_FETCHED, _GROUP = 1_000, 32 << 20
# WKB stands after the number of its reference system.
_REFERENCE = 4


def staged(connection: Any, table: Described, where: str, request: PullRequest) -> str:
    """Read rows of `table` over `connection`; a SELECT of them, with `_smelt_extra`. where: a predicate, or ''.

    The connection gives values as bytes (`conv={}`, `use_unicode=False`). Raises errors of the driver.
    """
    listed = ", ".join(column.selected for column in table.columns)
    query = f"select {listed} from {table.quoted}{f' where {where}' if where else ''}"
    schema = pa.schema([(column.name, pa.large_binary()) for column in table.columns])
    file = request.workdir / f"rows-{table.name.encode().hex()[:60]}.parquet"
    with pq.ParquetWriter(file, schema, compression="lz4") as out:
        held: list[pa.RecordBatch] = []
        for batch in _batches(connection, query, table.columns, schema):
            held.append(batch)
            request.progress(batch.num_rows)
            if sum(one.nbytes for one in held) >= _GROUP:
                out.write_table(pa.Table.from_batches(held))
                held.clear()
        if held:
            out.write_table(pa.Table.from_batches(held))
    texts = ", ".join(
        quote(column.name) if column.is_bytes else f"decode({quote(column.name)}) as {quote(column.name)}"
        for column in table.columns
    )
    typed = ", ".join(f"{column.expression} as {quote(column.name)}" for column in table.columns)
    rows = f"select {texts} from read_parquet({literal(str(file))})"
    return f"select {typed}, {extra_expression(table.columns)} as _smelt_extra from ({rows})"


def _batches(
    connection: Any, query: str, columns: Sequence[Column], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    from pymysql.cursors import SSCursor

    cut = [n for n, column in enumerate(columns) if column.kind == "geometry"]
    cursor = SSCursor(connection)
    cursor.execute(query)
    while rows := cursor.fetchmany(_FETCHED):
        values = list(zip(*rows, strict=True))
        for n in cut:
            values[n] = tuple(value if value is None else value[_REFERENCE:] for value in values[n])
        arrays = [pa.array(given, pa.large_binary()) for given in values]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    cursor.close()
