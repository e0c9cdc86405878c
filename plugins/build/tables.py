"""Writing warehouse tables to Iceberg: the new content replaces the old in one snapshot."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table, Transaction, _parquet_files_to_data_files
from pyiceberg.table.name_mapping import NameMapping

from plugins.core.duck import literal, quote
from plugins.core.failpoints import reach
from plugins.core.lake import Lake
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import file_size
from plugins.core.lake.transaction import begin
from plugins.core.warehouse.published import PublishedTable

_HASH = "smelt.content-hash"
_ROWS = "smelt.rows"
_BYTES = "smelt.bytes"

# DuckDB types that Iceberg has not, and what stands for them.
_CASTS = {
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
    "UBIGINT": "DECIMAL(20,0)",
    "UINTEGER": "BIGINT",
    "USMALLINT": "INTEGER",
    "UTINYINT": "INTEGER",
    "SMALLINT": "INTEGER",
    "TINYINT": "INTEGER",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP",
    "TIME WITH TIME ZONE": "VARCHAR",
    "INTERVAL": "VARCHAR",
    "UUID": "VARCHAR",
    "JSON": "VARCHAR",
    "BIT": "VARCHAR",
}


def write_table(lake: Lake, cursor: duckdb.DuckDBPyConnection, dataset: str, run_id: str) -> PublishedTable:
    """Make the Iceberg table `dataset` equal to the warehouse table of that name.

    A table whose content didn't change is left alone: its current metadata file is what the run points to.
    """
    relation = ".".join(map(quote, dataset.split(".", 1)))
    columns = cursor.execute(f"describe {relation}").fetchall()
    rows, content = _fingerprint(cursor, relation, columns)
    table = lake.find(dataset)
    if table is not None and table.properties.get(_HASH) == content:
        return _published(table, dataset, is_rewritten=False)
    select = f"select {', '.join(_column(name, kind) for name, kind, *_ in columns)} from {relation}"
    wanted = cursor.execute(f"{select} limit 0").to_arrow_table().schema
    if table is None:
        table = lake.create(dataset, wanted)
    file = f"{data_folder(table)}/{run_id}.parquet"
    # Snappy: what is published is read often, and written in every build.
    cursor.execute(f"copy ({select}) to {literal(file)} (format parquet, compression snappy)")
    reach("publish-after-file")
    _replace(
        table,
        wanted,
        [file] if rows else [],
        run_id,
        {_HASH: content, _ROWS: str(rows), _BYTES: str(file_size(table, file))},
    )
    return _published(table, dataset, is_rewritten=True)


def _published(table: Table, dataset: str, *, is_rewritten: bool) -> PublishedTable:
    snapshot = table.current_snapshot()
    return PublishedTable(
        dataset=dataset,
        metadata_location=table.metadata_location,
        snapshot_id=snapshot.snapshot_id if snapshot else None,
        rows=int(table.properties[_ROWS]),
        bytes=int(table.properties[_BYTES]),
        is_rewritten=is_rewritten,
    )


def _column(name: str, kind: str) -> str:
    target = "VARCHAR" if kind.startswith("ENUM") else _CASTS.get(kind)
    return f"{quote(name)}::{target} as {quote(name)}" if target else quote(name)


def _fingerprint(
    cursor: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[tuple[str, ...]]
) -> tuple[int, str]:
    """Row count, and a text that is equal for equal bags of rows under equal column names and types.

    The sum of 64-bit row hashes: unlike xor, it does not lose rows that occur twice.
    """
    names = ", ".join(quote(name) for name, *_ in columns)
    count, total = cursor.execute(f"select count(*), sum(hash({names})) from {relation}").fetchall()[0]
    shape = ",".join(f"{name} {kind}" for name, kind, *_ in columns)
    return count, f"duckdb-{duckdb.__version__}:{count}:{total}:{shape}"


def _replace(table: Table, wanted: pa.Schema, files: list[str], run_id: str, properties: dict[str, str]) -> None:
    transaction = begin(table)
    _reshape(transaction, wanted)
    mapping: NameMapping = transaction.table_metadata.schema().name_mapping
    transaction.set_properties({**properties, "schema.name-mapping.default": mapping.model_dump_json()})
    old = [task.file for task in table.scan().plan_files()]
    new = _parquet_files_to_data_files(transaction.table_metadata, files, table.io)
    with transaction.update_snapshot(snapshot_properties={"smelt.run-id": run_id}).overwrite() as snapshot:
        for file in old:
            snapshot.delete_data_file(file)
        for file in new:
            snapshot.append_data_file(file)
    transaction.commit_transaction()


def _reshape(transaction: Transaction, wanted: pa.Schema) -> None:
    """Give the table the wanted columns. A column of another type is a new one: all content is replaced anyway."""
    present = schema_to_pyarrow(transaction.table_metadata.schema(), include_field_ids=False)
    same = {
        field.name for field in present if field.name in wanted.names and _alike(field, wanted.field(field.name))
    }
    gone = [name for name in present.names if name not in same]
    if gone:
        with transaction.update_schema(allow_incompatible_changes=True) as update:
            for name in gone:
                update.delete_column((name,))
    if set(wanted.names) - same:
        with transaction.update_schema() as update:
            update.union_by_name(pa.schema([field for field in wanted if field.name not in same]))


def _alike(present: pa.Field, wanted: pa.Field) -> bool:
    def plain(kind: pa.DataType) -> str:
        return str(kind).replace("large_", "").replace("item: ", "element: ").replace("child: ", "element: ")

    return plain(present.type) == plain(wanted.type)
