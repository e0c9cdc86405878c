"""Bronze as the last published run read it, and as the source is now."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from observed_smelt import SmeltShop
from observed_warehouse import names, rows, side

from plugins.core.errors import SmeltError
from plugins.schema_drift.observing import open_pair, take_snapshot


def _orders(smelt: SmeltShop) -> None:
    smelt.sql("create table orders (id int primary key, amount numeric(8, 2), note text)")
    smelt.sql("insert into orders select i, i * 1.5, 'n' || i from generate_series(1, 30) as r(i)")
    smelt.sql("create table customers (id int primary key, name text)")
    smelt.sql("insert into customers values (1, 'Ann'), (2, 'Bob')")
    smelt.streams(orders="id", customers="id")
    smelt.load()


@pytest.mark.full
def test_nothing_is_compared_before_anything_was_published(smelt: SmeltShop) -> None:
    _orders(smelt)
    with open_pair(smelt.project, smelt.settings) as pair:
        assert (pair.before, pair.after) == ((), ())
        assert "nothing is published yet" in pair.notes[0]


def test_a_renamed_column_is_seen_under_the_names_of_the_source(smelt: SmeltShop) -> None:
    _orders(smelt)
    smelt.publish()
    smelt.sql("alter table orders rename amount to price; delete from orders where id = 7")
    smelt.sql("insert into orders values (31, 9.5, 'new')")
    smelt.load()
    with open_pair(smelt.project, smelt.settings) as pair:
        assert pair.looked_at == 2
        (before,), (after,) = pair.before, pair.after
        assert before.table.id == "source.shop.shop.orders"
        assert before.table.relation == ("bronze", "shop__orders")
        assert (names(before), names(after)) == (["id", "amount", "note"], ["id", "price", "note"])
        assert (before.table.key, after.table.key) == (("id",), ("id",))
        was, now = {r[0]: r for r in rows(pair, before)}, {r[0]: r for r in rows(pair, after)}
        assert set(was) == set(range(1, 31))
        assert set(now) == set(range(1, 32)) - {7}
        assert all(was[key] == now[key] for key in set(was) & set(now))
        assert before.table.rows == 30
        history = after.table.history
        assert history is not None
        assert history.kept == {"amount"}
        assert pair.first_seen is not None
        seen = pair.first_seen_of[after.table.id]
        assert history.since == f"_smelt_batch_id >= '{seen.load}'"
        assert seen.version == 2
        old, new = {p.table: p for p in pair.inputs.before_pins}, {p.table: p for p in pair.inputs.after_pins}
        assert old["shop__orders"].snapshot_id != new["shop__orders"].snapshot_id
        assert old["shop__customers"] == new["shop__customers"]


@pytest.mark.full
def test_a_change_of_type_has_a_column_of_its_own_in_bronze(smelt: SmeltShop) -> None:
    _orders(smelt)
    smelt.publish()
    smelt.sql("alter table orders alter amount type text using amount || ' GBP'")
    smelt.load()
    with open_pair(smelt.project, smelt.settings) as pair:
        before, after = side(pair.before, "shop.orders"), side(pair.after, "shop.orders")
        assert [c.type for c in before.table.columns] == ["integer", "decimal(8,2)", "varchar"]
        assert [c.type for c in after.table.columns] == ["integer", "varchar", "varchar"]
        assert rows(pair, after, "id")[0] == (1, "1.50 GBP", "n1")
        assert after.table.history is not None
        assert after.table.history.kept == {"amount"}
        assert after.table.history.names == {"amount": "amount__v2"}
    smelt.publish()
    smelt.sql("alter table orders rename amount to price")
    smelt.load()
    with open_pair(smelt.project, smelt.settings) as pair:
        before, after = side(pair.before, "shop.orders"), side(pair.after, "shop.orders")
        assert before.table.history is not None
        assert before.table.history.names == {"amount": "amount__v2"}
        assert rows(pair, before, "id")[0] == rows(pair, after, "id")[0] == (1, "1.50 GBP", "n1")


@pytest.mark.full
def test_a_removed_column_that_brings_no_row_is_compared_all_the_same(smelt: SmeltShop) -> None:
    _orders(smelt)
    smelt.publish()
    smelt.sql("alter table orders drop note")
    smelt.load()
    with open_pair(smelt.project, smelt.settings) as pair:
        (before,), (after,) = pair.before, pair.after
        assert (names(before), names(after)) == (["id", "amount", "note"], ["id", "amount"])
        assert after.rows is None
        assert any("no row has come since" in note for note in pair.notes)
        assert pair.first_seen_of[after.table.id].version == 2


@pytest.mark.full
def test_only_rows_that_came_with_the_newest_schema_are_as_the_source_is_now(smelt: SmeltShop) -> None:
    _orders(smelt)
    smelt.publish()
    smelt.sql("alter table orders rename amount to price")
    smelt.load()
    smelt.sql("alter table orders rename price to cost; update orders set cost = cost + 1 where id < 4")
    smelt.load()
    with open_pair(smelt.project, smelt.settings) as pair:
        (before,), (after,) = pair.before, pair.after
        assert (names(before), names(after)) == (["id", "amount", "note"], ["id", "cost", "note"])
        assert len(rows(pair, after)) == 30
        assert all(row[1] is not None for row in rows(pair, after))


@pytest.mark.full
def test_values_that_changed_without_the_schema_are_rows_since_the_pin(smelt: SmeltShop) -> None:
    _orders(smelt)
    run = smelt.publish()
    smelt.sql("update orders set amount = amount * 100 where id <= 20")
    smelt.load()
    for before in (None, run):
        with open_pair(smelt.project, smelt.settings, before) as pair:
            (old,), (new,) = pair.before, pair.after
            assert old.table.columns == new.table.columns
            assert len(rows(pair, old)) == 30
            assert rows(pair, new, "id")[0][:2] == (1, 150)
            assert len(rows(pair, new)) == 20


@pytest.mark.full
def test_streams_that_nobody_touched_are_left_out_and_counted(smelt: SmeltShop) -> None:
    _orders(smelt)
    smelt.publish()
    smelt.load()
    with open_pair(smelt.project, smelt.settings) as pair:
        assert (pair.before, pair.after, pair.looked_at) == ((), (), 2)


@pytest.mark.full
def test_a_stream_that_is_new_and_one_whose_load_fails(smelt: SmeltShop) -> None:
    _orders(smelt)
    smelt.publish()
    smelt.sql("create table items (id int primary key); insert into items values (1); drop table customers")
    smelt.streams(orders="id", customers="id", items="id")
    smelt.load()
    with open_pair(smelt.project, smelt.settings) as pair:
        assert pair.before == ()
        (after,) = pair.after
        assert after.table.name == "shop.items"
        assert rows(pair, after) == [(1,)]
        assert any(note.startswith("shop.customers: the last load failed") for note in pair.notes)
    with open_pair(smelt.project, smelt.settings, select=["shop.orders"]) as pair:
        assert (pair.after, pair.looked_at) == ((), 1)


@pytest.mark.full
def test_bronze_of_an_earlier_time_and_of_a_snapshot(smelt: SmeltShop) -> None:
    _orders(smelt)
    taken = take_snapshot(smelt.project, smelt.settings)
    assert (taken.tables, taken.rows) == (2, 32)
    then = datetime.now(UTC)
    smelt.sql("alter table orders rename amount to price; update orders set note = 'm' where id = 3")
    smelt.load()
    smelt.sql("delete from orders where id = 4")
    smelt.load()
    with open_pair(smelt.project, smelt.settings, then.isoformat()) as pair:
        (before,), (after,) = pair.before, pair.after
        assert (names(before), names(after)) == (["id", "amount", "note"], ["id", "price", "note"])
        assert len(rows(pair, before)) == 30
        assert len(rows(pair, after)) == 29
    with open_pair(smelt.project, smelt.settings, str(taken.path)) as pair:
        before, after = side(pair.before, "shop.orders"), side(pair.after, "shop.orders")
        assert (names(before), names(after)) == (["id", "amount", "note"], ["id", "price", "note"])
        assert (len(rows(pair, before)), len(rows(pair, after))) == (30, 29)
    for name in ("2999-01-01", "nothing"):
        with pytest.raises(SmeltError) as error, open_pair(smelt.project, smelt.settings, name):
            pass
        assert "a published run's id" in str(error.value.hint)
