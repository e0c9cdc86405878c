"""Rows of a table, selected → Parquet files in the work folder → a relation in bronze types, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.cdc.tuples import Bytes, Places
from ingest.extract.base import PullRequest
from ingest.mysql.cells import MARGIN, Cells, unsigned
from ingest.mysql.columns import Column, extra_expression
from ingest.mysql.describing import Described
from ingest.mysql.packets import Packets
from ingest.mysql.values import raw_values
from plugins.core.duck import literal, quote

# Bytes that are read at once, of rows that are decoded at once, and of a row group.
_CHUNK, _RUN, _GROUP = 1 << 18, 4 << 20, 32 << 20
_LOST = 2013
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
        for batch in _batches(connection, query, table, schema):
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


def _batches(connection: Any, query: str, table: Described, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Rows of the query's answer, as the server sends them: each value a text, its length before it."""
    from pymysql.cursors import SSCursor

    cursor = SSCursor(connection)
    cursor.execute(query)
    packets, held, size, is_over = Packets(), list[bytes](), 0, False
    while not is_over:
        for packet in packets.take(_received(connection)):
            is_over = _is_end(packet)
            if not is_over:
                held.append(packet)
                size += len(packet)
        if held and (is_over or size >= _RUN):
            yield _batch(held, table.columns, schema)
            held, size = [], 0
    # The driver would read what isn't there any more.
    connection._result.unbuffered_active = False
    connection._result = None


def _received(connection: Any) -> bytes:
    import pymysql

    try:
        received = connection._rfile.read1(_CHUNK)
    except OSError as error:
        raise pymysql.OperationalError(_LOST, f"the connection was lost: {error}") from error
    if not received:
        raise pymysql.OperationalError(_LOST, "the server closed the connection")
    return received


def _is_end(packet: bytes) -> bool:
    """Whether the packet says that there are no more rows. Raises what the server says instead of a row."""
    if packet[:1] == b"\xff":
        import pymysql

        pymysql.err.raise_mysql_exception(packet)
    return packet[:1] == b"\xfe" and len(packet) < 9


def _batch(packets: Sequence[bytes], columns: Sequence[Column], schema: pa.Schema) -> pa.RecordBatch:
    data = np.frombuffer(b"".join([*packets, bytes(MARGIN)]), np.uint8)
    sizes = np.fromiter(map(len, packets), np.int64, len(packets))
    place = np.cumsum(sizes) - sizes
    arrays = []
    for column in columns:
        cells, place = _texts(data, place)
        if column.kind == "geometry":
            skipped = np.where(cells.is_null, 0, _REFERENCE)
            cells = Cells(cells.start + skipped, cells.length - skipped, cells.is_null)
        arrays.append(raw_values(data, cells))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _texts(data: Bytes, place: Places) -> tuple[Cells, Places]:
    """One column of all rows, whose values begin at `place`, and the places after them."""
    first = data[place].astype(np.int64)
    is_null = first == _NULL
    length, start = np.where(is_null, 0, first), place + 1
    for mark, size in _WIDTHS.items():
        chosen = np.flatnonzero(first == mark)
        if len(chosen):
            length[chosen] = unsigned(data, place[chosen] + 1, size)
            start[chosen] += size
    return Cells(np.where(is_null, 0, start), length, is_null), start + length


_NULL = 251
# Lengths of 251 and more are written in so many bytes after a mark.
_WIDTHS = {252: 2, 253: 3, 254: 8}
