"""A small bronze table of numbered rows, for the tests of maintenance."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from plugins.core import duck
from plugins.core.lake import Batch, Lake, Pin, commit_batch, ensure_columns, pin_namespace, read_state, scan_sql
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.maintenance.references import referenced
from plugins.core.lake.maintenance.storage import list_files
from plugins.core.lake.writing import file_stem
from plugins.core.ledger import new_id
from plugins.core.settings import load_settings

TABLE = "bronze.shop__numbers"
_COLUMNS = pa.schema(
    [("n", pa.int64()), ("_smelt_batch_id", pa.string()), ("_smelt_source_position", pa.string())]
)


def open_lake(project: Path, table: str = TABLE, **maintenance: float) -> Lake:
    """A lake with the table in it; maintenance: settings of that section."""
    given = {"grace_minutes": 0, "snapshots": 5, "small_files": 4, **maintenance}
    (project / "smelt.toml").write_text("[maintenance]\n" + "".join(f"{k} = {v}\n" for k, v in given.items()))
    lake = Lake(load_settings(project))
    ensure_columns(lake, table, _COLUMNS)
    return lake


def append(lake: Lake, rows: int, table: str = TABLE, epoch: str | None = None) -> None:
    """Commit the next `rows` numbers after the table's position."""
    state = read_state(lake.table(table))
    start, batch = state.position.get("next", 0), new_id()
    file = f"{data_folder(lake.table(table))}/{file_stem(batch)}.parquet"
    select = (
        f"select i::bigint as n, '{batch}' as _smelt_batch_id, "
        f"lpad(i::varchar, 18, '0') as _smelt_source_position from range({start}, {start + rows}) as r(i)"
    )
    duckdb.sql(f"copy ({select}) to '{file}'")
    given = Batch(
        batch, [file], state.batch_id, {"next": state.position.get("next")}, {"next": start + rows}, epoch=epoch
    )
    commit_batch(lake, table, given)


def current(lake: Lake, table: str = TABLE) -> Pin:
    """A pin of the table as it is."""
    (pin,) = [pin for pin in pin_namespace(lake, "bronze") if f"bronze.{pin.table}" == table]
    return pin


def rows(pin: Pin, select: str = "n") -> list[tuple]:
    """Rows that a reader of the pin gets, in order of batch and position."""
    order = "_smelt_batch_id, _smelt_source_position"
    return _reader().execute(f"select {select} from {scan_sql(pin)} order by {order}").fetchall()


@cache
def _reader() -> duckdb.DuckDBPyConnection:
    return duck.connect()


def loose_files(lake: Lake, pins: list[Pin], table: str = TABLE) -> list[str]:
    """Files in the table's folder that nothing refers to."""
    opened = lake.table(table)
    needed = referenced(opened, pins)
    return [file.path for file in list_files(opened) if file.path not in needed]
