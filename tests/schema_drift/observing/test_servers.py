"""Source tables of a project that builds in PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from observed_warehouse import Warehouse, names, rows, side

from plugins.core.errors import SmeltError
from plugins.core.ledger import new_id
from plugins.core.project import Project
from plugins.schema_drift.observing import write_inputs
from plugins.schema_drift.table import Column

# Each builds with dbt, or starts a server or a process.
pytestmark = pytest.mark.full

_PROFILE = """
shop:
  target: dev
  outputs:
    dev:
      {{type: postgres, host: {host}, port: {port}, user: reader,
        password: canary-71ab, dbname: postgres, schema: x}}
"""


class Server(Warehouse):
    """The same project, over a schema of a PostgreSQL."""

    dsn: str
    schema: str

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as con:
            con.execute(f'set search_path to "{self.schema}"')  # type: ignore[arg-type]
            for statement in statements:
                con.execute(statement)  # type: ignore[arg-type]

    @property
    def project(self) -> Project:
        return replace(super().project, writes_artifacts=True)


@pytest.fixture
def server(tmp_path: Path, postgres: str) -> Server:
    made = Server(tmp_path / "project")
    made.dsn, made.schema = postgres, f"s_{new_id().lower()}"
    address = urlsplit(postgres)
    made.write("dbt_project.yml", "name: shop\nversion: '1.0'\nprofile: shop\n")
    made.write("profiles.yml", _PROFILE.format(host=address.hostname, port=address.port))
    with psycopg.connect(postgres, autocommit=True) as con:
        con.execute(f'create schema "{made.schema}"')  # type: ignore[arg-type]
        if not con.execute("select 1 from pg_roles where rolname = 'reader'").fetchone():
            con.execute("create role reader login superuser password 'canary-71ab'")
    return made


def _sources(server: Server, *tables: str) -> None:
    lines = "".join(f"  - {{name: {name}}}\n" for name in tables)
    server.write("models/s.yml", f"sources:\n- name: raw\n  schema: {server.schema}\n  tables:\n{lines}")


def test_columns_keys_and_exact_values_of_both_times(server: Server, tmp_path: Path) -> None:
    _sources(server, "orders", "lines", "seen")
    server.sql(
        "create table orders (id int primary key, amount numeric, price numeric(8, 2) not null default 1.5,"
        ' at timestamptz, tags text[], is_open boolean, "Mixed"" name; {{ x }}" text, j jsonb)',
        "insert into orders select i, i * 1.000000000000000000001, i, '2024-01-01 10:00+02', array['a'], true,"
        " 'x', '{}' from generate_series(1, 40) as r(i)",
        "create table lines (order_id int, line_no int, v float8)",
        "insert into lines select i / 4, i % 4, i from generate_series(1, 40) as r(i)",
        "create view seen as select id from orders",
    )
    taken = server.snapshot()
    assert (taken.tables, taken.notes) == (3, ())
    server.sql("alter table orders rename price to price_gbp", "alter table lines alter v type text")
    server.sql("create table added (id int)")
    with server.pair() as pair:
        before, after = side(pair.before, "raw.orders"), side(pair.after, "raw.orders")
        assert before.table.columns[2] == Column("price", "numeric(8,2)", False, "1.5")
        assert before.table.columns[3].type == "timestamp with time zone"
        assert names(after)[2] == "price_gbp"
        assert (before.table.key, after.table.key) == (("id",), ("id",))
        assert rows(pair, before, "id") == rows(pair, after, "id")
        first = rows(pair, before, "id")[1]
        assert first[1] == Decimal("2.000000000000000000002")
        assert first[4:] == ("{a}", True, "x", "{}")
        lines = side(pair.after, "raw.lines")
        assert [column.type for column in lines.table.columns] == ["integer", "integer", "text"]
        assert side(pair.before, "raw.lines").table.key == ("order_id", "line_no")
        assert side(pair.after, f"{server.schema}.added").table.rows == 0
        assert side(pair.after, "raw.seen").table.columns == (Column("id", "integer"),)
        old, new = write_inputs(pair, tmp_path / "inputs", [before.table.id])
        assert (old.rows, new.rows) == (40, 40)
        assert "canary" not in repr((pair.labels, pair.notes))


def test_samples_have_the_same_keys_and_what_cannot_be_read_is_noted(server: Server) -> None:
    server.write("smelt.toml", "[drift]\nsample_rows = 50\n")
    _sources(server, "large", "grown", "broken", '"Grown"')
    server.sql(
        "create table large as select i as id, 'v' || i as v from generate_series(1, 3000) as r(i)",
        "create table grown as select i as id from generate_series(1, 20) as r(i)",
        'create table "Grown" as select i as id from generate_series(1, 5) as r(i)',
        "create view broken as select 1 / (id - 1) as v from grown",
    )
    taken = server.snapshot()
    assert [note.split(":")[0] for note in taken.notes] == ["raw.broken cannot be read"]
    server.sql(
        "insert into grown select i from generate_series(21, 4000) as r(i)", "delete from large where id % 9 = 0"
    )
    with server.pair() as pair:
        was, now = ({row[0] for row in rows(pair, side(s, "raw.large"))} for s in (pair.before, pair.after))
        assert len(was) == 50
        assert {key for key in was if key % 9} == now
        grown = {row[0] for row in rows(pair, side(pair.after, "raw.grown"))}
        assert grown >= set(range(1, 21))
        assert len(grown) < 400
        assert len(rows(pair, side(pair.after, "raw.Grown"))) == 5


def test_a_server_that_is_gone_is_told_without_the_password(server: Server) -> None:
    _sources(server, "orders")
    server.write("profiles.yml", _PROFILE.format(host="127.0.0.1", port=9))
    with pytest.raises(SmeltError) as error:
        server.snapshot()
    assert "canary" not in str(error.value)
