"""Bronze of the demo, made from its data set in the shape that ingest gives it, without servers."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from demo.rates_api import rates
from demo.returns import fill
from demo.shop import TABLES, invoice_lines
from plugins.core.lake import Batch, Lake, commit_batch, ensure_columns, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.ledger import new_id
from plugins.core.settings import Settings

_SHOP = {
    "customers": [("customer_id", pa.int32()), ("country", pa.string())],
    "products": [("stock_code", pa.string()), ("description", pa.string()), ("list_price", pa.decimal128(12, 4))],
    "orders": [
        ("order_id", pa.string()),
        ("customer_id", pa.int32()),
        ("ordered_at", pa.timestamp("us")),
        ("country", pa.string()),
    ],
    "order_lines": [
        ("order_id", pa.string()),
        ("line_number", pa.int32()),
        ("stock_code", pa.string()),
        ("description", pa.string()),
        ("quantity", pa.int32()),
        ("unit_price", pa.decimal128(12, 4)),
        ("invoiced_at", pa.timestamp("us")),
    ],
}
_RETURNS = (
    "invoice_no", "line_number", "stock_code", "description", "quantity",
    "invoice_date", "unit_price", "customer_id", "country",
)  # fmt: skip
_RATES = [("date", pa.string()), ("currency", pa.string()), ("rate", pa.float64())]
_AUDIT = [
    ("_smelt_batch_id", pa.string()),
    ("_smelt_loaded_at", pa.timestamp("us", tz="UTC")),
    ("_smelt_source_position", pa.string()),
    ("_smelt_op", pa.string()),
    ("_smelt_extra", pa.string()),
]


def load_demo(settings: Settings, scratch: Path) -> None:
    """All six streams, complete; the orders and their lines in two batches each."""
    con = invoice_lines()
    for stream, columns in _SHOP.items():
        con.execute(f"create temp table {stream} as {TABLES[stream]}")
        halves = ("< '550000'", ">= '550000'") if stream.startswith("order") else ("is not null",)
        key = con.sql(f"from {stream}").columns[0]
        for half in halves:
            append(settings, f"shop__{stream}", columns, con, f"select * from {stream} where {key} {half}")
    fill(scratch)
    csv = f"read_csv('{scratch}/returns_*.csv', all_varchar = true, header = true)"
    append(settings, "returns__lines", [(name, pa.string()) for name in _RETURNS], con, f"select * from {csv}")
    con.register("ecb", pa.Table.from_pylist(rates(), schema=pa.schema(_RATES)))
    append(settings, "ecb__rates", _RATES, con, "select * from ecb")


def append_customers(settings: Settings, select: str, op: str) -> None:
    """One more batch of shop.customers, with the rows of `select` (customer_id, country)."""
    append(settings, "shop__customers", _SHOP["customers"], duckdb.connect(), select, op)


def append(
    settings: Settings,
    name: str,
    columns: list[tuple[str, pa.DataType]],
    con: duckdb.DuckDBPyConnection,
    select: str,
    op: str = "r",
) -> None:
    """Append the rows of `select` to the bronze table `name` as one batch."""
    lake, table, batch = Lake(settings), f"bronze.{name}", new_id()
    ensure_columns(lake, table, pa.schema(columns + _AUDIT))
    file = f"{data_folder(lake.table(table))}/{batch}.parquet"
    names = ", ".join(f'"{column}"' for column, _ in columns)
    con.execute(
        f"copy (select *, '{batch}' as _smelt_batch_id, timestamptz '2011-12-10 00:00:00+00' as _smelt_loaded_at, "
        f"lpad(row_number() over ()::varchar, 12, '0') as _smelt_source_position, '{op}' as _smelt_op, "
        f"null::varchar as _smelt_extra from ({select}) as rows({names})) to '{file}'"
    )
    commit_batch(lake, table, Batch(batch, [file], read_state(lake.table(table)).batch_id))
