"""A miniature project in a folder of its own, and bronze for it, made without ingest."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pyarrow as pa

from plugins.core.lake import Batch, Lake, commit_batch, ensure_columns, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.ledger import new_id
from plugins.core.settings import Settings, load_settings

PROJECT = Path(__file__).with_name("project")
_AUDIT = [
    ("_smelt_batch_id", pa.string()),
    ("_smelt_loaded_at", pa.timestamp("us", tz="UTC")),
    ("_smelt_source_position", pa.string()),
    ("_smelt_op", pa.string()),
]
_COLUMNS = {
    "orders": [("order_id", pa.int64()), ("customer_id", pa.int32()), ("amount", pa.decimal128(12, 2)),
               ("note", pa.string())],
    "customers": [("customer_id", pa.int32()), ("country", pa.string())],
}  # fmt: skip


def new_project(folder: Path) -> Settings:
    """The miniature project, copied to `folder`; its lake is empty."""
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    return load_settings(folder)


def load(settings: Settings, stream: str, select: str) -> None:
    """Append the rows of `select` (the stream's columns) to its bronze table as one batch."""
    lake, table, batch = Lake(settings), f"bronze.shop__{stream}", new_id()
    ensure_columns(lake, table, pa.schema(_COLUMNS[stream] + _AUDIT))
    file = f"{data_folder(lake.table(table))}/{batch}.parquet"
    names = ", ".join(name for name, _ in _COLUMNS[stream])
    audit = f"'{batch}' as _smelt_batch_id, now() as _smelt_loaded_at, "
    audit += "lpad(row_number() over ()::varchar, 12, '0') as _smelt_source_position, 'r' as _smelt_op"
    duckdb.sql(f"copy (select *, {audit} from ({select}) as rows({names})) to '{file}'")
    commit_batch(lake, table, Batch(batch, [file], read_state(lake.table(table)).batch_id))


def load_shop(settings: Settings, orders: int = 100) -> None:
    """Three customers, and `orders` orders, of which every tenth has a negative amount."""
    load(settings, "customers", "select * from (values (1::int, 'UK'), (2::int, 'DE'), (3::int, 'FR'))")
    load_orders(settings, 0, orders)


def load_orders(settings: Settings, start: int, stop: int) -> None:
    """Orders `start` up to, not including, `stop`."""
    amount = "case when i % 10 = 9 then -1 else i % 50 end::decimal(12,2)"
    load(
        settings,
        "orders",
        f"select i::bigint, (i % 3 + 1)::int, {amount}, case when i % 2 = 0 then 'gift' end "
        f"from range({start}, {stop}) as r(i)",
    )
