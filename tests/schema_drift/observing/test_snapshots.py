"""Source tables of a project on DuckDB: kept in a file, and set beside what they have become."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest
from observed_warehouse import Warehouse, names, rows, side

from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings
from plugins.schema_drift.observing import open_pair, take_snapshot, write_inputs
from plugins.schema_drift.table import Column

ORDERS = (
    "create table raw.orders (id int primary key, amount decimal(8, 2) not null default 0, note varchar)",
    "insert into raw.orders select i, i * 1.5, 'n' || i from range(50) as r(i)",
)


def test_columns_keys_and_rows_of_both_times(warehouse: Warehouse) -> None:
    warehouse.sources("orders")
    warehouse.sql(*ORDERS)
    taken = warehouse.snapshot()
    assert (taken.tables, taken.rows, taken.notes) == (1, 50, ())
    assert oct(os.stat(taken.path).st_mode)[-3:] == "600"
    warehouse.sql("alter table raw.orders rename amount to price", "insert into raw.orders values (50, 1, null)")
    with warehouse.pair() as pair:
        (before,), (after,) = pair.before, pair.after
        assert before.table.id == after.table.id == "source.shop.raw.orders"
        assert before.table.columns[1] == Column("amount", "decimal(8,2)", False, "0")
        assert before.table.columns[2] == Column("note", "varchar", True, None)
        assert (before.table.key, after.table.key) == (("id",), ("id",))
        assert (before.table.rows, after.table.rows) == (50, 51)
        assert rows(pair, before, "id") == rows(pair, after, "id")[:50]
        assert names(after) == ["id", "price", "note"]
        assert pair.times[0] == taken.at
    again = warehouse.snapshot()
    assert again.path == taken.path
    assert taken.path.with_name("snapshot-1.duckdb").is_file()
    for _ in range(4):
        warehouse.snapshot()
    kept = sorted(path.name for path in taken.path.parent.iterdir())
    assert kept == ["snapshot-1.duckdb", "snapshot-2.duckdb", "snapshot-3.duckdb", "snapshot.duckdb"]


@pytest.mark.full
def test_large_tables_keep_the_same_keys_at_both_times(warehouse: Warehouse) -> None:
    warehouse.write("smelt.toml", "[drift]\nsample_rows = 100\n")
    warehouse.sources("large", "nameless", "grown")
    warehouse.sql(
        "create table raw.large as select i as id, i % 7 as v from range(5000) as r(i)",
        "create table raw.nameless as select (i % 100)::double as v, i / 3 as w from range(5000) as r(i)",
        "create table raw.grown as select i as id, 'a' as v from range(50) as r(i)",
    )
    warehouse.snapshot()
    warehouse.sql(
        "delete from raw.large where id % 10 = 0",
        "insert into raw.large select i, 1 from range(5000, 9000) as r(i)",
        "insert into raw.grown select i, 'b' from range(50, 9000) as r(i)",
    )
    with warehouse.pair() as pair:
        before, after = side(pair.before, "raw.large"), side(pair.after, "raw.large")
        assert (before.is_sample, after.is_sample) == (True, True)
        assert (before.table.rows, after.table.rows) == (5000, 8500)
        was, now = ({row[0] for row in rows(pair, one)} for one in (before, after))
        assert len(was) == 100
        assert {key for key in was if key % 10} == {key for key in now if key < 5000}
        assert any(key >= 5000 for key in now)
        nameless = side(pair.before, "raw.nameless")
        assert (nameless.table.key, len(rows(pair, nameless))) == ((), 100)
        assert rows(pair, nameless) == rows(pair, side(pair.after, "raw.nameless"))
        grown = rows(pair, side(pair.after, "raw.grown"))
        assert {row[0] for row in grown} >= set(range(50))
        assert len(grown) < 1000


def test_tables_that_come_go_and_are_called_otherwise(warehouse: Warehouse) -> None:
    warehouse.sources("orders", "gone", "never")
    warehouse.sql(*ORDERS, "create table raw.gone as select 1 as id", "create table raw.beside as select 1 as id")
    taken = warehouse.snapshot()
    assert taken.notes == ("raw.never: the warehouse has no raw.never",)
    warehouse.sql("alter table raw.orders rename to purchases", "drop table raw.gone")
    with warehouse.pair() as pair:
        assert [one.table.name for one in pair.before] == ["raw.gone", "raw.orders"]
        (after,) = pair.after
        assert (after.table.id, after.table.key) == ("raw.purchases", ("id",))
        assert len(rows(pair, after)) == 50


@pytest.mark.full
def test_keys_are_declared_or_inferred(warehouse: Warehouse) -> None:
    warehouse.sources(
        "{name: tested, columns: [{name: mail, data_tests: [unique]}, {name: person_id, data_tests: [unique]}]}",
        "lines",
        "{name: empty}",
        "values",
    )
    warehouse.sql(
        "create table raw.tested as select i as person_id, 'm' || i as mail from range(30) as r(i)",
        "create table raw.lines as select i // 3 as order_id, i % 3 as line_no, i as n from range(30) as r(i)",
        "create table raw.empty (id int, v varchar)",
        "create table raw.values as select random() as v, 1 as w from range(30)",
    )
    warehouse.snapshot()
    warehouse.sql("alter table raw.lines rename order_id to purchase_id")
    with warehouse.pair() as pair:
        keys = {one.table.name: one.table.key for one in pair.before}
        assert keys == {
            "raw.tested": ("person_id",),
            "raw.lines": ("order_id", "line_no"),
            "raw.empty": ("id",),
            "raw.values": (),
        }
        assert side(pair.after, "raw.lines").table.key == ("purchase_id", "line_no")


HOSTILE = ['na"me', "semi; drop table x; --", "{{ env_var('HOME') }}", "über größe", "select", " ", "a.b", "c0"]


@pytest.mark.full
def test_hostile_names_are_only_names(warehouse: Warehouse) -> None:
    quoted = [name.replace('"', '""') for name in HOSTILE]
    table = 'odd "table"; {{ x }}'.replace('"', '""')
    warehouse.write(
        "models/sources.yml", "sources: [{name: raw, tables: [{name: odd, identifier: 'odd \"table\"; { x }'}]}]"
    )
    warehouse.sql(
        'create table raw."odd ""table""; { x }" (' + ", ".join(f'"{name}" varchar' for name in quoted) + ")",
        'insert into raw."odd ""table""; { x }" values (' + ", ".join(["'v'"] * len(HOSTILE)) + ")",
        f'create table raw."{table}" (id int)',
    )
    warehouse.snapshot()
    warehouse.sql('alter table raw."odd ""table""; { x }" rename "select" to "from"')
    with warehouse.pair() as pair:
        (before,), (after,) = pair.before, pair.after
        assert names(before) == HOSTILE
        assert rows(pair, before) == rows(pair, after) == [("v",) * len(HOSTILE)]


@pytest.mark.full
def test_many_columns_views_and_what_cannot_be_read(warehouse: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "outside.csv"
    file.write_text("id\n1\n")
    warehouse.sources("wide", "seen", "broken")
    warehouse.sql(
        "create table raw.wide as select "
        + ", ".join(f"i + {n} as c{n}" for n in range(2000))
        + " from range(3) as r(i)",
        "create view raw.seen as select c1, c2 from raw.wide",
        f"create view raw.broken as from read_csv('{file}')",
    )
    file.unlink()
    taken = warehouse.snapshot()
    assert taken.tables == 2
    assert len(taken.notes) == 1
    assert taken.notes[0].startswith("raw.broken cannot be read: ")
    with warehouse.pair() as pair:
        assert len(side(pair.before, "raw.wide").table.columns) == 2000
        assert len(rows(pair, side(pair.after, "raw.wide"), "c0")[0]) == 2000
        assert rows(pair, side(pair.before, "raw.seen")) == rows(pair, side(pair.after, "raw.seen"))
        assert side(pair.after, "raw.seen").table.columns[0].is_nullable is None
        assert side(pair.after, "raw.broken").rows is None


@pytest.mark.full
def test_inputs_hold_the_same_keys_in_their_own_types(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.sources("orders")
    warehouse.sql(
        "create table raw.orders (id int primary key, kind enum('a', 'B'), n hugeint, t timetz, s struct(x int))",
        "insert into raw.orders select i, 'B', 2::hugeint ** 90, '10:00:00+02', {'x': i} from range(9) as r(i)",
    )
    warehouse.snapshot()
    warehouse.sql("alter table raw.orders rename n to m", "update raw.orders set id = 100 where id = 1")
    with warehouse.pair() as pair:
        written = write_inputs(pair, tmp_path / "inputs", ["source.shop.raw.orders"])
        old, new = written
        assert (old.side, old.rows, new.side, new.rows) == ("before", 9, "after", 8)
        assert old.relation == ("raw", "orders")
        assert not old.is_partial
        assert dict(old.types)["kind"] == "ENUM('a', 'B')"
    with duckdb.connect() as con:
        assert con.execute(f"from ({new.select}) where id = 2").fetchall()[0][:3] == (2, "B", 2**90)
        assert [row[1] for row in con.execute(f"describe {new.select}").fetchall()] == list(new.types.values())


@pytest.mark.full
def test_a_selection_and_names_that_mean_nothing(warehouse: Warehouse) -> None:
    warehouse.sources("orders", "others")
    warehouse.sql(*ORDERS, "create table raw.others as select 1 as id")
    warehouse.snapshot()
    with warehouse.pair(select=["raw.orders"]) as pair:
        assert [one.table.name for one in (*pair.before, *pair.after)] == ["raw.orders", "raw.orders"]
        assert pair.looked_at == 1
    with pytest.raises(SmeltError, match=r"raw\.ordrs") as error, warehouse.pair(select=["raw.ordrs"]):
        pass
    assert "raw.orders" in str(error.value.hint)


def test_nothing_to_compare_with_and_files_that_are_no_snapshots(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.sources("orders")
    warehouse.sql(*ORDERS)
    with pytest.raises(SmeltError, match="no snapshot") as error, warehouse.pair():
        pass
    assert error.value.hint == "smelt drift snapshot"
    (tmp_path / "text.duckdb").write_text("no database")
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    for name in ("text.duckdb", "other.duckdb"):
        with pytest.raises(SmeltError, match="is no snapshot"), warehouse.pair(str(tmp_path / name)):
            pass


@pytest.mark.full
def test_a_project_that_declares_nothing_is_looked_at_whole(warehouse: Warehouse) -> None:
    warehouse.write("models/built.sql", "select 1 as id")
    warehouse.sql(*ORDERS, "create table main.built as select 1 as id")
    warehouse.snapshot()
    with warehouse.pair() as pair:
        assert [one.table.id for one in pair.before] == ["raw.orders"]


@pytest.mark.full
def test_a_project_with_seeds_only_has_them_looked_at(warehouse: Warehouse) -> None:
    warehouse.write("seeds/rates.csv", "id,rate\n1,2.5\n")
    assert not warehouse.project.build().broken
    warehouse.project.release()
    warehouse.snapshot()
    with warehouse.pair() as pair:
        (before,) = pair.before
        assert (before.table.id, names(before)) == ("seed.shop.rates", ["id", "rate"])


def test_a_build_may_write_while_both_times_are_open(warehouse: Warehouse) -> None:
    warehouse.sources("orders")
    warehouse.sql(*ORDERS)
    warehouse.snapshot()
    with warehouse.pair() as pair:
        warehouse.sql("drop table raw.orders")
        assert len(rows(pair, pair.after[0])) == 50


@pytest.mark.full
def test_a_snapshot_goes_where_it_is_told(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.sources("orders")
    warehouse.sql(*ORDERS)
    settings = load_settings(warehouse.folder)
    taken = take_snapshot(warehouse.project, settings, tmp_path / "a" / "kept.duckdb")
    assert [path.name for path in taken.path.parent.iterdir()] == ["kept.duckdb"]
    with open_pair(warehouse.project, settings, str(taken.path)) as pair:
        assert len(pair.before) == 1
    (tmp_path / "file").write_text("")
    with pytest.raises(SmeltError, match="cannot be written"):
        take_snapshot(warehouse.project, settings, tmp_path / "file" / "kept.duckdb")


def test_a_part_of_the_sources_leaves_the_rest_out(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.sources("orders", "other")
    warehouse.sql(*ORDERS, "create table raw.other as select 1 as id")
    warehouse.snapshot(tmp_path / "part.duckdb", ["raw.orders"])
    with warehouse.pair(str(tmp_path / "part.duckdb")) as pair:
        other = next(one for one in pair.before if one.table.name == "raw.other")
        assert ([c.name for c in other.table.columns], other.rows) == (["id"], None)
        assert len(pair.after) == 2
    warehouse.snapshot()
    with pytest.raises(SmeltError, match="would take its place"):
        warehouse.snapshot(select=["raw.orders"])
