"""What both sides read: rows with the same keys, and no other difference than the drift."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from plugins.schema_drift.change import Change, Kind, Restored, Severity
from plugins.schema_drift.proving.same_rows import Aligner, Rows, SameRows, Written
from plugins.schema_drift.table import Column, Table


def _rows(con: duckdb.DuckDBPyConnection, name: str, key: tuple[str, ...]) -> Rows:
    types = {row[0]: row[1] for row in con.execute(f"describe {name}").fetchall()}
    columns = tuple(Column(n, kind.lower()) for n, kind in types.items())
    return Rows(Table("source.p.raw.t", "raw.t", ("raw", "t"), columns, key), f"select * from {name}")


def _renamed(old: str, new: str, sql: str | None = None) -> Change:
    restored = Restored(old, sql or new, (new,))
    return Change(
        Kind.COLUMN_RENAMED, "source.p.raw.t", (old,), (new,), 1.0, Severity.BREAKING, restores=(restored,)
    )


def _align(
    tmp_path: Path, before: str, after: str, changes: tuple[Change, ...], key: tuple[str, ...] = ("id",)
) -> tuple[SameRows, list[tuple], list[tuple]]:
    with duckdb.connect() as con:
        con.execute(f"create table old_t as {before}; create table new_t as {after}")
        same = Aligner(con, tmp_path).align(_rows(con, "old_t", key), _rows(con, "new_t", key), changes)
        return same, _read(con, same.base), _read(con, same.head)


def _read(con: duckdb.DuckDBPyConnection, written: Written | None) -> list[tuple]:
    assert written is not None
    return con.execute(f"select * from '{written.path}' order by all").fetchall()


def test_rows_of_now_in_the_shape_of_before(tmp_path: Path) -> None:
    same, base, head = _align(
        tmp_path,
        "select * from (values (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c')) as t(id, price, note)",
        "select * from (values (2, 20, 'changed'), (3, 30, 'c'), (4, 40, 'new')) as t(id, gbp, note)",
        (_renamed("price", "gbp"),),
    )
    assert base == head == [(2, 20, "changed"), (3, 30, "c")]
    assert (same.matched, same.new, same.gone, same.left_out) == (2, 1, 1, 0)
    assert (same.before, same.after) == ({"price"}, {"gbp"})


def test_few_rows_whose_own_value_changed_are_left_out_and_many_are_not(tmp_path: Path) -> None:
    before = "select i as id, i * 10 as price from range(100) as r(i)"
    same, base, head = _align(
        tmp_path / "few", before, "select i as id, i * 10 + (i = 7)::int as gbp from range(100) as r(i)",
        (_renamed("price", "gbp"),),
    )  # fmt: skip
    assert (same.left_out, same.matched) == (1, 99)
    assert base == head
    same, base, head = _align(
        tmp_path / "many", before, "select i as id, i as gbp from range(100) as r(i)", (_renamed("price", "gbp"),)
    )
    assert (same.left_out, same.matched) == (0, 100)
    assert base != head


def test_a_key_that_is_renamed_too(tmp_path: Path) -> None:
    same, base, head = _align(
        tmp_path, "select 1 as id, 5 as price union all select 2, 6",
        "select 'K1' as code, 5 as price union all select 'K2', 6",
        (_renamed("id", "code", "substr(code, 2)::int"),),
    )  # fmt: skip
    assert (base, head) == ([(1, 5), (2, 6)], [("K1", 5), ("K2", 6)])
    assert same.is_exact


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("select 1 as id, 2 as x union all select 1, 3", "select 1 as id, 2 as y", "not unique"),
        ("select 1 as id, 2 as x", "select 2 as y", "not there any more"),
    ],
)
def test_rows_that_cannot_be_matched(tmp_path: Path, before: str, after: str, why: str) -> None:
    same, _, _ = _align(tmp_path, before, after, (_renamed("x", "y"),))
    assert same.reason is not None
    assert why in same.reason


def test_names_that_would_break_out(tmp_path: Path) -> None:
    same, base, head = _align(
        tmp_path,
        """select 1 as id, 2 as "a""; drop table x", 3 as kept, 4 as "row_number" """,
        """select 1 as id, 2 as "{{ b }}'", 3 as kept, 4 as "row_number" """,
        (_renamed('a"; drop table x', "{{ b }}'", '"{{ b }}\'"'),),
    )
    assert base == head == [(1, 2, 3, 4)]
    assert same.matched == 1


BRONZE = (
    "select 'b1' as _smelt_batch_id, i::varchar as _smelt_source_position, i as id, i * 10 as price, 'x' as note"
)


def test_bronze_keeps_its_rows_and_takes_what_came_for_the_same_keys(tmp_path: Path) -> None:
    came = "select 'b2', i::varchar, i, null, 'y', i * 10 from range(2, 5) as r(i)"
    same, base, head = _align(
        tmp_path, f"{BRONZE} from range(1, 4) as r(i)",
        f"{BRONZE}, null::int as gbp from range(1, 4) as r(i) union all {came}",
        (_renamed("price", "gbp", "coalesce(gbp, price)"),),
    )  # fmt: skip
    # Keys 2 and 3 came again in the new shape, 4 is new.
    assert (same.matched, same.new, same.has_shape) == (5, 1, True)
    assert [(row[0], row[2], row[3], row[4]) for row in base if row[0] == "b2"] == [
        ("b2", 2, 20, "y"), ("b2", 3, 30, "y")
    ]  # fmt: skip
    assert [(row[2], row[5]) for row in head if row[0] == "b2"] == [(2, 20), (3, 30)]
    assert len(base) == len(head) == 5


def test_a_value_that_no_longer_fits_is_left_out(tmp_path: Path) -> None:
    before = "select i as id, (i * 100)::decimal(12, 4) as price from range(100) as r(i)"
    after = "select i as id, if(i = 3, 1106206, i)::decimal(18, 4) as gbp from range(100) as r(i)"
    change = _renamed("price", "gbp", "cast(gbp * 100 as decimal(12, 4))")
    same, base, head = _align(tmp_path, before, after, (change,))
    assert (same.reason, same.matched, same.left_out) == (None, 99, 1)
    assert len(base) == len(head) == 99
