"""Four tables, in DuckDB and as the lineage reader sees them."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from plugins.core.lineage.kinds import Kind
from plugins.core.lineage.model import Schemas
from plugins.core.lineage.relations import Column, Relation

_TABLES = """
create table customers (id integer, name varchar, country varchar);
create table orders (
    id integer, customer_id integer, amount decimal(10, 2), quantity integer, status varchar,
    ordered_at timestamp, tags varchar[], address struct(city varchar, zip varchar)
);
create table payments (customer_id integer, paid decimal(10, 2));
create table rates (currency varchar, "at" timestamp, rate double);
create schema landing;
create table landing.events (id integer, extra varchar);
"""


@pytest.fixture(scope="session")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute(_TABLES)
        yield con


@pytest.fixture
def tables(warehouse: duckdb.DuckDBPyConnection) -> Schemas:
    """The main schema's tables; what is in other schemas is unknown to the project."""
    rows = warehouse.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'main' and not internal "
        "order by table_name, column_index"
    ).fetchall()
    relations: dict[str, Relation] = {}
    for table, column in rows:
        relation = relations.setdefault(table, Relation(shaped_by=table))
        relation.columns[column] = Column(column, {(table, column): Kind.IDENTITY})
    return Schemas({(name,): name for name in relations}, relations)
