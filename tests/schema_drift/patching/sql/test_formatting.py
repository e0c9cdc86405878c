"""However a model is written, only the lines that name the column change, and what it selects stays the same."""

from __future__ import annotations

import duckdb
import pytest
from drifted import change, patched, table
from hypothesis import given, settings
from hypothesis import strategies as st

# Each builds with dbt, or starts a server or a process.
pytestmark = pytest.mark.full

_SPACE = st.sampled_from([" ", "  ", "\n", "\n    ", " /* unit_price */ ", " -- unit_price\n", "\n\n"])
_WORD = st.sampled_from([str.lower, str.upper, str.title])
_ITEMS = st.lists(
    st.sampled_from(
        [
            "id", "unit_price", "o.unit_price", '"unit_price"', "unit_price as price", "unit_price price",
            "cast(unit_price as double) as p", "unit_price::int as i", "unit_price * qty as net",
            "-unit_price as less",
            "'unit_price' as what", "sum(unit_price) over (partition by qty order by unit_price) as running",
            "(select max(i.unit_price) from {{ source('shop', 'orders') }} as i) as most",
            "case when unit_price > 1 then unit_price else 0 end as c", "{{ 1 }} as one", "o.*",
        ]
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip
_BEFORE = (
    "create table raw.orders as select i as id, (i * 1.5)::double as unit_price, i % 3 as qty from range(9) t(i)"
)


def _rows(sql: str, drift: str | None) -> tuple[list[str], list[tuple[object, ...]]]:
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute(_BEFORE)
        if drift is not None:
            con.execute(drift)
        rendered = sql.replace("{{ source('shop', 'orders') }}", "raw.orders").replace("{{ 1 }}", "1")
        found = con.execute(rendered)
        return [one[0] for one in found.description or ()], sorted(found.fetchall(), key=repr)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_rows_are_the_same_and_other_lines_stay(data: st.DataObject) -> None:
    word, space = data.draw(_WORD), data.draw(_SPACE)
    items = data.draw(_ITEMS)
    comma = data.draw(st.sampled_from([", ", ",\n    ", "\n  , "]))
    listed = comma.join(items)
    tail = data.draw(st.sampled_from(["", "where unit_price > 3", "where o.unit_price > 3 and qty < 2"]))
    source = "{{ source('shop', 'orders') }}"
    sql = f"{word('select')}{space}{listed}{space}{word('from')} {source} {word('as')} o{space}{tail}\n"
    if data.draw(st.booleans()):
        sql = f"with source as (\n    select * from {source}\n)\n{sql.replace(source + ' ', 'source ', 1)}"
        if "most" in sql and source not in sql.split("\n)\n")[1]:
            sql = sql.replace("from source as i", f"from {source} as i")
    if data.draw(st.booleans()):
        drift, changes = (
            "alter table raw.orders rename unit_price to price_gbp",
            [change("column_renamed unit_price -> price_gbp")],
        )
        after = table("id, price_gbp:double, qty")
    else:
        drift = "update raw.orders set unit_price = unit_price * 4"
        changes, after = [change("unit_changed unit_price: unit_price / 4")], table("id, unit_price:double, qty")
    files, patch = patched({"models/m.sql": sql}, table("id, unit_price:double, qty"), after, changes)
    assert not patch.questions
    result = files["models/m.sql"]
    assert _rows(sql, None) == _rows(result, drift)
    kept = [
        line for line in sql.split("\n") if "unit_price" not in line and "source" not in line and "*" not in line
    ]
    for line in kept:
        assert line in result.split("\n")
    again, _ = patched({"models/m.sql": result}, table("id, unit_price:double, qty"), after, changes)
    assert again["models/m.sql"] == result
