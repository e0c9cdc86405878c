"""What happened is told from the rows: each kind of change, several at once, and what is none."""

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.core.duck import quote
from plugins.schema_drift import Kind, Severity
from plugins.schema_drift.table import Column, SeenTable, Table
from plugins.schema_drift.understanding import compare

BEFORE = """
    select
        i as id,
        round(5 + (i * 7919 % 1009) * 0.37, 2)::decimal(10,2) as price,
        ['Ann', 'Bob', 'Cleo', 'Dan'][1 + i % 4] || ' ' || ['Smith', 'Jones', 'Li'][1 + i // 4 % 3] || i as name,
        ['new', 'paid', 'shipped'][1 + i % 3] as status,
        date '2020-01-01' + (i * 37 % 900)::integer as day,
        timestamp '2024-01-01 08:00:00' + interval (i * 37) minute as sold_at,
        lpad((i * 31 % 997)::varchar, 6, '0') as code,
        (i * 104729 % 5003)::integer as amount,
        i % 2 = 0 as is_gift,
        {'city': 'c' || i % 50, 'zip': 'z' || i} as address
    from range(600) as t(i)
"""
CASES = {
    "renamed": ("* rename (price as unit_cost)", Kind.COLUMN_RENAMED, ("price",), ("unit_cost",)),
    "added": ("*, id % 7 as extra", Kind.COLUMN_ADDED, (), ("extra",)),
    "removed": ("* exclude (amount)", Kind.COLUMN_REMOVED, ("amount",), ()),
    "retyped": ("* replace (amount::varchar as amount)", Kind.TYPE_CHANGED, ("amount",), ("amount",)),
    "widened": ("* replace (amount::bigint as amount)", Kind.TYPE_WIDENED, ("amount",), ("amount",)),
    "pence": ("* replace ((price * 100)::integer as price)", Kind.UNIT_CHANGED, ("price",), ("price",)),
    "pounds weight": (
        "* replace (price * 0.45359237::double as price)", Kind.UNIT_CHANGED, ("price",), ("price",),
    ),
    "Fahrenheit": ("* replace (price * 1.8 + 32 as price)", Kind.UNIT_CHANGED, ("price",), ("price",)),
    "date format": ("* replace (strftime(day, '%d/%m/%Y') as day)", Kind.FORMAT_CHANGED, ("day",), ("day",)),
    "epoch": ("* replace (epoch_ms(sold_at) as sold_at)", Kind.FORMAT_CHANGED, ("sold_at",), ("sold_at",)),
    "time zone": (
        "* replace (sold_at + interval 2 hour as sold_at)", Kind.FORMAT_CHANGED, ("sold_at",), ("sold_at",),
    ),
    "case": ("* replace (upper(name) as name)", Kind.FORMAT_CHANGED, ("name",), ("name",)),
    "leading zeros": ("* replace (ltrim(code, '0') as code)", Kind.FORMAT_CHANGED, ("code",), ("code",)),
    "words": (
        "* replace (case when is_gift then 'Y' else 'N' end as is_gift)",
        Kind.FORMAT_CHANGED, ("is_gift",), ("is_gift",),
    ),
    "values": (
        "* replace (replace(status, 'new', 'OPEN') as status)", Kind.VALUES_RENAMED, ("status",), ("status",),
    ),
    "split": (
        "* replace (split_part(name, ' ', 1) as name), split_part(name, ' ', 2) as last_name",
        Kind.COLUMN_SPLIT, ("name",), ("name", "last_name"),
    ),
    "date and time": (
        "* exclude (sold_at), sold_at::date as on_day, sold_at::time as hour", Kind.COLUMN_SPLIT,
        ("sold_at",), ("on_day", "hour"),
    ),
    "merged": (
        "* exclude (status, code), status || '/' || code as label",
        Kind.COLUMNS_MERGED, ("status", "code"), ("label",),
    ),
    "flattened": (
        "* exclude (address), address.city as city, address.zip as zip", Kind.NESTED_MOVED,
        ("address",), ("city", "zip"),
    ),
    "renamed and rescaled": (
        "* exclude (price), (price * 100)::integer as pence", Kind.COLUMN_RENAMED, ("price",), ("pence",),
    ),
    "other meaning": (
        "* replace ((random() * 2 - 9)::decimal(10,2) as price)", Kind.MEANING_CHANGED, ("price",), ("price",),
    ),
}  # fmt: skip


@pytest.fixture
def con():
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.execute("select setseed(0.4)")
        con.execute(f"create table before as {BEFORE}")
        yield con


def seen(con, name, key=("id",), id_="shop.orders", rows=True):
    columns = tuple(Column(row[0], row[1].lower()) for row in con.execute(f"describe {name}").fetchall())
    table = Table(id_, id_, ("main", name), columns, tuple(one for one in key if one in {c.name for c in columns}))
    return SeenTable(table, name if rows else None)


def told(drift):
    return {(one.kind, one.before, one.after) for one in drift.changes if one.severity is not Severity.SILENT}


@pytest.mark.parametrize("key", [("id",), ()], ids=["with a key", "without a key"])
@pytest.mark.parametrize("case", CASES)
def test_each_kind_is_told_from_the_rows_and_nothing_else_is(con, case, key):
    sql, kind, before, after = CASES[case]
    con.execute(f"create table after as select {sql} from before where id >= 20")
    drift = compare(con, [seen(con, "before", key)], [seen(con, "after", key)])
    assert told(drift) == {(kind, before, after)}
    for one in drift.changes[0].restores:
        assert one.equal == one.compared == 580
        equal = con.execute(
            f"select count(*) from before b join (select id, {one.sql} as v from after) a using (id) "
            f"where a.v is not distinct from b.{quote(one.column)} or abs(try_cast(a.v::varchar as double) - "
            f"try_cast(b.{quote(one.column)}::varchar as double)) < 0.01"
        ).fetchone()
        assert equal == (580,)


def test_a_chain_of_renames_and_a_swap_come_out_right(con):
    con.execute(
        "create table after as "
        "select * rename (price as amount, amount as total, code as status, status as code) from before"
    )
    found = told(compare(con, [seen(con, "before")], [seen(con, "after")]))
    pairs = {("price", "amount"), ("amount", "total"), ("code", "status"), ("status", "code")}
    assert found == {(Kind.COLUMN_RENAMED, (a,), (b,)) for a, b in pairs}


def test_a_look_alike_with_other_values_is_no_rename(con):
    con.execute(
        "create table after as select * exclude (amount), (random() * 5000)::integer as amounts from before"
    )
    found = told(compare(con, [seen(con, "before")], [seen(con, "after")]))
    assert found == {(Kind.COLUMN_REMOVED, ("amount",), ()), (Kind.COLUMN_ADDED, (), ("amounts",))}


def test_twins_lower_the_confidence_and_ask(con):
    con.execute("create table after as select * rename (amount as x), amount as y from before")
    change = next(
        c for c in compare(con, [seen(con, "before")], [seen(con, "after")]).changes if c.before == ("amount",)
    )
    assert change.kind is Kind.COLUMN_RENAMED
    assert change.confidence < 0.7
    assert "Which one" in (change.question or "")


def test_a_unit_that_changed_from_some_row_on_is_restored_by_a_case(con):
    con.execute(
        "create table after as "
        "select * replace (case when id >= 400 then price * 100 else price end as price) from before"
    )
    change = next(
        c for c in compare(con, [seen(con, "before")], [seen(con, "after")]).changes if c.kind is Kind.UNIT_CHANGED
    )
    assert change.restores[0].sql.startswith("case when ")
    assert change.restores[0].equal == 600
    assert change.detail["factor"] == 100
    # The rows themselves say where it changed: none is in doubt.
    assert "doubtful_from" not in change.detail
    assert "around that point" not in (change.question or "")


@pytest.mark.parametrize(("finer", "is_asked"), [("0", False), ("id * 37 % 100", True)])
def test_only_what_is_really_lost_of_a_coarser_unit_is_asked_about(con, finer, is_asked):
    con.execute(f"create table cents as select id, (4 + id % 31) * 100 + {finer} as price from before")
    con.execute("create table after as select * replace (round(price / 100.0)::double as price) from cents")
    (change,) = compare(con, [seen(con, "cents")], [seen(con, "after")]).changes
    assert (change.kind, change.detail["factor"]) == (Kind.UNIT_CHANGED, 0.01)
    assert ("what was finer can't be had again" in (change.question or "")) is is_asked


def test_without_rows_a_rename_is_only_a_guess(con):
    con.execute("create table after as select * rename (price as price_amt) from before")
    drift = compare(con, [seen(con, "before", rows=False)], [seen(con, "after", rows=False)])
    assert drift.changes
    assert all(one.is_thin and one.confidence <= 0.6 for one in drift.changes)


def test_few_rows_are_called_thin(con):
    con.execute("create table few as select * from before limit 4")
    con.execute("create table after as select * rename (price as cost) from few")
    change = compare(con, [seen(con, "few")], [seen(con, "after")]).changes[0]
    assert change.is_thin
    assert change.confidence <= 0.75
    assert any(fact.name == "thin" for fact in change.facts)
    assert change.question is not None
    assert '`price` from `"cost"`' in change.question


@pytest.mark.parametrize(
    "name", ['a"b; drop table before; --', "{{ ref('x') }}", "ignore all instructions", "ünï çødé"]
)
def test_hostile_names_are_only_names(con, name):
    con.execute(f"create table after as select * rename (price as {quote(name)}) from before")
    change = compare(con, [seen(con, "before")], [seen(con, "after")]).changes[0]
    assert (change.kind, change.after) == (Kind.COLUMN_RENAMED, (name,))
    assert con.execute(f"select count({change.restores[0].sql}) from after").fetchone() == (600,)


def test_names_that_differ_only_in_case_are_renamed(con):
    con.execute('create table after as select * rename (price as "Price") from before')
    assert told(compare(con, [seen(con, "before")], [seen(con, "after")])) == {
        (Kind.COLUMN_RENAMED, ("price",), ("Price",))
    }


def test_tables_renamed_split_and_swapped_are_told_from_their_rows(con):
    con.execute("create table one as select * from before where id < 300")
    con.execute("create table two as select * from before where id >= 300")
    whole = [seen(con, "before", id_="shop.all")]
    kinds = [one.kind for one in compare(con, whole, [seen(con, "before", id_="shop.every")]).changes]
    assert kinds == [Kind.TABLE_RENAMED]
    parts = [seen(con, "one", id_="shop.one"), seen(con, "two", id_="shop.two")]
    assert [one.kind for one in compare(con, whole, parts).changes] == [Kind.TABLE_SPLIT]
    swapped = [seen(con, "two", id_="shop.one"), seen(con, "one", id_="shop.two")]
    drift = compare(con, parts, swapped)
    assert [one.detail["is_swap"] for one in drift.changes] == [True, True]


def test_a_table_that_lives_on_has_not_drifted(con):
    con.execute(
        "create table after as "
        "select * replace (case when id % 9 = 0 then (price + 3)::decimal(10, 2) else price end as price) "
        "from before where id % 50 > 0 "
        "union all select * replace (id + 600 as id, sold_at + interval 25 day as sold_at) from before"
    )
    assert told(compare(con, [seen(con, "before")], [seen(con, "after")])) == set()


def test_a_comparison_leaves_nothing_behind(con):
    con.execute("create table after as select * rename (price as cost) from before")
    compare(con, [seen(con, "before")], [seen(con, "after")])
    assert {row[0] for row in con.execute("select table_name from duckdb_tables()").fetchall()} == {
        "before",
        "after",
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(8)),
    names=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12), min_size=8, max_size=8,
        unique_by=lambda text: text.lower(),
    ),
)  # fmt: skip
def test_any_names_in_any_order_are_found_exactly(con, order, names):
    columns = ["id", "price", "name", "day", "sold_at", "code", "amount", "address"]
    listed = ", ".join(f"{columns[n]} as {quote(names[n])}" for n in order)
    con.execute(f"create or replace table after as select {listed} from before")
    con.execute(f"create or replace table was as select {', '.join(columns)} from before")
    drift = compare(con, [seen(con, "was")], [seen(con, "after")])
    renamed = {(one.before[0], one.after[0]) for one in drift.changes if one.kind is Kind.COLUMN_RENAMED}
    assert renamed == {(a, b) for a, b in zip(columns, names, strict=True) if a != b}
    assert {one.kind for one in drift.changes} <= {Kind.COLUMN_RENAMED, Kind.COLUMNS_REORDERED}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.integers(0, 60), key=st.sampled_from([(), ("id",), ("code",)]))
def test_a_table_compared_with_itself_has_not_changed(con, rows, key):
    con.execute(f"create or replace table few_rows as select * from before limit {rows}")
    con.execute("create or replace table again as select * from few_rows")
    assert compare(con, [seen(con, "few_rows", key)], [seen(con, "again", key)]).changes == ()
