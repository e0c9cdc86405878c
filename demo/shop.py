"""Fills the shop's database from the data set; nothing is invented, every value comes from the file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import duckdb

from plugins.core import duck

DATA = Path(__file__).parent / "data" / "online_retail.parquet"

# Each table as a query over `invoice_lines` (demo/retail.sql).
TABLES = {
    # A customer's country is that of the latest invoice.
    "customers": "select customer_id, arg_max(country, (invoiced_at, file_position)) from sold "
    "where customer_id is not null group by customer_id order by customer_id",
    # A product's description is the latest one that was written; the data set writes a missing one as "nan".
    # Its list price is the one that was asked last.
    "products": "select stock_code, arg_max(description, (invoiced_at, file_position)) "
    "filter (where description <> 'nan'), arg_max(unit_price, (invoiced_at, file_position)) "
    "filter (where unit_price > 0) from sold group by stock_code order by stock_code",
    # A few invoices span two minutes: the order is placed at the first.
    "orders": "select invoice_no, any_value(customer_id), min(invoiced_at), any_value(country) "
    "from sold group by invoice_no order by invoice_no",
    "order_lines": "select invoice_no, line_number, stock_code, description, quantity, unit_price, invoiced_at "
    "from sold order by file_position",
}


def invoice_lines() -> duckdb.DuckDBPyConnection:
    """A connection with the data set as the table `invoice_lines`, and its views `sold` and `cancelled`."""
    con = duck.connect(extensions=())
    source = f"read_parquet({duck.literal(str(DATA))}, file_row_number = true)"
    con.execute(f"create temp view retail as select * from {source}")
    con.execute(files("demo").joinpath("retail.sql").read_text())
    con.execute("create temp view sold as select * from invoice_lines where not is_cancellation")
    con.execute("create temp view cancelled as select * from invoice_lines where is_cancellation")
    return con


def fill(dsn: str) -> None:
    """Fill the database at `dsn`, in one transaction. A full one is left alone."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        # Two fills at once: the second waits, and finds the work done.
        cursor.execute("select pg_advisory_xact_lock(5541909)")
        if _is_full(cursor):
            return
        cursor.execute(files("demo").joinpath("shop.sql").read_bytes())
        data = invoice_lines()
        for table, query in TABLES.items():
            with cursor.copy(SQL("copy shop.{} from stdin").format(Identifier(table))) as copy:
                result = data.execute(query)
                while rows := result.fetchmany(10_000):
                    for row in rows:
                        copy.write_row(row)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("analyze shop.customers, shop.products, shop.orders, shop.order_lines")


def _is_full(cursor) -> bool:
    """The fill is one transaction: if the last table is there, all of it is."""
    cursor.execute("select to_regclass('shop.order_lines') is not null")
    return bool(cursor.fetchone()[0])
