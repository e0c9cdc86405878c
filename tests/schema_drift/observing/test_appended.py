"""Tables of loaders that keep what the source dropped: what the source is now is in their fresh rows."""

from __future__ import annotations

import pytest
from observed_warehouse import Warehouse, names, rows

_LOADED = (
    "create table raw.orders as select i as id, i * 1.5 as amount, 'n' || i as note, '1700.1' as _dlt_load_id "
    "from range(100) as r(i)"
)


def test_a_renamed_column_of_an_appended_table(warehouse: Warehouse) -> None:
    warehouse.sources("orders")
    warehouse.sql(_LOADED)
    warehouse.snapshot()
    warehouse.sql(
        "alter table raw.orders add column price double",
        "insert into raw.orders select i, null, 'n' || i, '1800.2', i * 1.5 from range(60, 160) as r(i)",
    )
    with warehouse.pair() as pair:
        (before,), (after,) = pair.before, pair.after
        assert names(before) == ["id", "amount", "note", "_dlt_load_id"]
        assert names(after) == ["id", "note", "_dlt_load_id", "price"]
        assert len(rows(pair, after)) == 100
        assert after.table.history is not None
        assert after.table.history.kept == {"amount"}
        assert after.table.history.since == "\"_dlt_load_id\" > '1700.1'"
        whole = pair.con.execute(f"describe from {pair.inputs.after[after.table.id].sql}").fetchall()
        assert "amount" in [row[0] for row in whole]


@pytest.mark.parametrize(
    "later",
    [
        "insert into raw.orders select i, i * 1.5, null, '1800.2' from range(100, 110) as r(i)",
        "insert into raw.orders select i, if(i % 2 = 0, i, null), 'n', '1800.2' from range(100, 300) as r(i)",
        "update raw.orders set amount = null where id < 10",
        "delete from raw.orders where id > 50",
    ],
)
def test_a_burst_of_nulls_is_no_column_that_went(warehouse: Warehouse, later: str) -> None:
    warehouse.sources("orders")
    warehouse.sql(_LOADED)
    warehouse.snapshot()
    warehouse.sql(later)
    with warehouse.pair() as pair:
        (after,) = pair.after
        assert names(after) == names(pair.before[0])
        assert after.table.history is None


def test_a_dropped_column_of_a_loader_and_one_without_a_loaders_mark(warehouse: Warehouse) -> None:
    warehouse.sources("orders", "plain", "same")
    warehouse.sql(
        _LOADED,
        "create table raw.plain as select i as id, i * 2 as a, 'x' as b from range(100) as r(i)",
        "create table raw.same as select i as id, i * 2 as a from range(100) as r(i)",
    )
    warehouse.snapshot()
    warehouse.sql(
        "insert into raw.orders select i, null, 'n' || i, '1800.2' from range(100, 200) as r(i)",
        "alter table raw.plain add column c int",
        "update raw.plain set a = null, c = id * 2 where id < 40",
        "alter table raw.same add column c int",
    )
    with warehouse.pair() as pair:
        seen = {one.table.name: one for one in pair.after}
        assert names(seen["raw.orders"]) == ["id", "note", "_dlt_load_id"]
        assert names(seen["raw.plain"]) == ["id", "b", "c"]
        assert len(rows(pair, seen["raw.plain"])) == 40
        assert seen["raw.plain"].table.history is not None
        assert seen["raw.plain"].table.history.since is None
        assert names(seen["raw.same"]) == ["id", "a", "c"]
