"""Lets the shop's database drift, as a team upstream would that tells nobody."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from demo.postgres import running_dsn
from plugins.core.errors import SmeltError

_LOCK = 5541909  # the one under which the database is filled


def drift(project_dir: Path) -> bool:
    """Rename, split and rescale columns, and add a day of orders, in one transaction; False: that was done before.

    Raises SmeltError if the demo does not run.
    """
    return _release(project_dir, "drift.sql", table="order_lines", column="unit_price")


def drift_again(project_dir: Path) -> bool:
    """Rename a column of another table; False: that was done before. Raises SmeltError as `drift` does."""
    return _release(project_dir, "drift_second.sql", table="customers", column="country")


def undo(project_dir: Path) -> bool:
    """Take back what `drift` and `drift_again` did to the columns; False: there is nothing to take back."""
    first = _release(project_dir, "drift_undo.sql", table="order_lines", column="price_gbp")
    second = _run(
        project_dir,
        "alter table shop.customers rename column country_name to country",
        "customers",
        "country_name",
    )
    return first or second


def _release(project_dir: Path, script: str, *, table: str, column: str) -> bool:
    return _run(project_dir, files("demo").joinpath(script).read_text(), table, column)


def _run(project_dir: Path, script: str, table: str, column: str) -> bool:
    """Run the script if the table has the column still."""
    import psycopg

    dsn = running_dsn(project_dir / ".smelt" / "demo" / "postgres")
    if dsn is None:
        raise SmeltError("the demo's PostgreSQL does not run", "start it with `make run`, or `smelt demo up`")
    there = (
        "select 1 from information_schema.columns "
        "where table_schema = 'shop' and table_name = %s and column_name = %s"
    )
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.execute(there, [table, column]).fetchone():
            return False
        cursor.execute(script.encode())
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("analyze shop.order_lines, shop.products, shop.customers, shop.orders")
    return True
