"""Bronze for Spark: a view over exactly the Parquet files of a pinned Iceberg snapshot, without copies.

Bronze is append-only and its columns are only added or widened, so the files of a snapshot, read by column
name, are the snapshot. That spares Spark an Iceberg runtime, which is on no Python registry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import StaticTable

from plugins.core.errors import SmeltError
from plugins.core.lake import Pin
from plugins.core.lake.pin import local_path


def view_sql(pin: Pin) -> str:
    """Spark SQL that makes the view `<namespace>.<table>` read the pinned snapshot; the current session's catalog.

    Raises SmeltError if the snapshot has deletes (bronze has none), or isn't on a local disk.
    """
    table = StaticTable.from_metadata(pin.metadata_location)
    columns = _column_types(schema_to_pyarrow(table.schema(), include_field_ids=False))
    files = _data_files(table, pin)
    branches = [_select(columns, names, paths) for names, paths in _by_columns(files).items()]
    if not branches:
        nulls = ", ".join(f"cast(null as {kind}) as {_quote(name)}" for name, kind in columns.items())
        branches = [f"select {nulls} where false"]
    name = f"{_quote(pin.namespace)}.{_quote(pin.table)}"
    return f"create or replace view {name} as " + " union all ".join(branches)


def _column_types(schema: pa.Schema) -> dict[str, str]:
    from pyspark.sql.pandas.types import from_arrow_schema  # pyright: ignore[reportMissingImports]
    from pyspark.sql.types import TimestampType  # pyright: ignore[reportMissingImports]

    fields = from_arrow_schema(schema, prefer_timestamp_ntz=True).fields
    # Spark writes `timestamp` for moments, but reads it as what `spark.sql.timestampType` says.
    return {
        field.name: "timestamp_ltz" if field.dataType == TimestampType() else field.dataType.simpleString()
        for field in fields
    }


def _data_files(table: StaticTable, pin: Pin) -> list[str]:
    """Paths of the snapshot's data files; none for a table without a snapshot."""
    if pin.snapshot_id is None:
        return []
    tasks = list(table.scan(snapshot_id=pin.snapshot_id).plan_files())
    where = f"{pin.namespace}.{pin.table} at snapshot {pin.snapshot_id}"
    if any(task.delete_files for task in tasks):
        raise SmeltError(f"{where} has delete files, which Spark would not see", "read it on DuckDB")
    paths = [local_path(task.file.file_path) for task in tasks]
    if remote := next((path for path in paths if "://" in path), None):
        raise SmeltError(
            f"{where} is not on a local disk: {remote}",
            "Spark reads bronze from a local or mounted lake; set `lake.root` to one, or build on DuckDB",
        )
    return sorted(paths)


def _by_columns(paths: Sequence[str]) -> dict[tuple[str, ...], list[str]]:
    """The files, grouped by the columns they have: files from before a column was added lack it."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in paths:
        groups[tuple(pq.read_schema(path).names)].append(path)
    return groups


def _select(columns: dict[str, str], present: Sequence[str], paths: Sequence[str]) -> str:
    values = ", ".join(
        f"cast({_quote(name) if name in present else 'null'} as {kind}) as {_quote(name)}"
        for name, kind in columns.items()
    )
    # A glob of Hadoop's: absolute, because what begins with a brace counts as relative.
    location = "/{" + ",".join(path.lstrip("/") for path in paths) + "}"
    return f"select {values} from parquet.{_quote(location)}"


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
