"""Values, keys and parts that only the rows give away: what builds as before and is wrong."""

import duckdb
import pytest

from plugins.schema_drift import Kind, Severity
from plugins.schema_drift.table import Column, History, SeenTable, Table
from plugins.schema_drift.understanding import compare

BEFORE = """
    select
        i as id,
        ['new', 'paid', 'shipped', 'returned'][1 + (hash(i) % 11 // 3)::integer] as status,
        round(5 + (hash(i, 'a') % 100003) * 0.0007, 2)::decimal(10, 2) as amount,
        'SKU-' || lpad((hash(i, 'b') % 400)::varchar, 4, '0') || '-' || ['A', 'B', 'K'][1 + i % 3] as code,
        ['Mill', 'Oak', 'Elm', 'Ash'][1 + i % 4] || ' ' || (hash(i, 'c') % 90) ||
            case when i % 12 = 0 then '/' || (1 + i % 7) else '' end as street,
        'so-' || lpad(i::varchar, 6, '0') as number,
        case when hash(i, 'd') % 10 > 5 then 'v' || i end as voucher
    from range(1200) as t(i)
"""


@pytest.fixture
def con():
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.execute(f"create table before as {BEFORE}")
        yield con


def seen(con, name, history=None):
    columns = tuple(Column(row[0], row[1].lower()) for row in con.execute(f"describe {name}").fetchall())
    key = tuple(one for one in ("id",) if one in {column.name for column in columns})
    return SeenTable(Table("shop.orders", "shop.orders", ("main", name), columns, key, None, history), name)


def told(con, sql, history=None):
    con.execute(f"create or replace table after as {sql}")
    drift = compare(con, [seen(con, "before")], [seen(con, "after", history)])
    return [change for change in drift.changes if change.severity is not Severity.SILENT]


def recoded(*pairs):
    cases = " ".join(f"when '{was}' then {now}" for was, now in pairs)
    return f"select * replace (case status {cases} else status end as status) from before"


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        (recoded(("shipped", "'in_transit'")), {"shipped": "in_transit"}),
        (
            recoded(("new", "'N'"), ("paid", "'P'"), ("shipped", "'S'"), ("returned", "'R'")),
            {"new": "N", "paid": "P", "shipped": "S", "returned": "R"},
        ),
        (
            "select * replace (list_position(['new', 'paid', 'shipped', 'returned'], status) as status) "
            "from before",
            {"new": "1", "paid": "2", "shipped": "3", "returned": "4"},
        ),
        (recoded(("new", "'paid'"), ("paid", "'new'")), {"new": "paid", "paid": "new"}),
    ],
    ids=["one", "all to codes", "all to numbers", "changed places"],
)
def test_renamed_values_are_restored_by_a_case(con, sql, values):
    (change,) = told(con, sql)
    assert (change.kind, change.detail["values"]) == (Kind.VALUES_RENAMED, values)
    assert change.restores[0].equal == change.restores[0].compared == 1200


@pytest.mark.parametrize(
    "status",
    [
        "case status when 'shipped' then 'paid' else status end",
        "case when status in ('shipped', 'paid') then 'done' else status end",
        "'R'",
        "4",
        "null::varchar",
    ],
    ids=["into one that stays", "into a new one", "all into one", "into a number", "into nothing"],
)
def test_values_that_fell_together_mean_something_else_and_are_asked_about(con, status):
    (change,) = told(con, f"select * replace ({status} as status) from before")
    assert (change.kind, change.severity) == (Kind.MEANING_CHANGED, Severity.DANGEROUS)
    assert (change.question or "").startswith("`status` of shop.orders")
    assert not change.restores


@pytest.mark.parametrize(
    "sql",
    [
        "select * replace (case when status = 'new' and hash(id, 'x') % 10 < 6 then 'paid' else status end "
        "as status) from before",
        "select * replace (case when hash(id, 'x') % 4 = 0 then 'shipped' else status end as status) from before",
        "select * replace ((amount * (0.92 + (hash(id, 'x') % 1000) / 5000.0))::decimal(10, 2) as amount) "
        "from before",
        "select * replace ((amount + 10)::decimal(10, 2) as amount) from before where id % 3 > 0 "
        "union all select * from before where id % 3 = 0",
        "select * from before union all "
        "select * replace (id + 5000 as id, 'WEB/' || lpad(id::varchar, 6, '0') as number) "
        "from before where id < 200",
    ],
    ids=["some move on", "some of each", "corrected both ways", "some raised", "another series of numbers"],
)
def test_what_rows_of_a_living_table_do_is_no_change(con, sql):
    assert not told(con, sql)


@pytest.mark.parametrize(("rows", "is_thin"), [(1200, False), (30, True)])
def test_a_rate_of_its_own_for_each_row_is_another_meaning(con, rows, is_thin):
    con.execute(f"create or replace table before as select * from before limit {rows}")
    rate = "(1.05 + (hash(id, 'x') % 1009) / 5000.0)"
    (change,) = told(con, f"select * replace ((amount * {rate})::decimal(10, 2) as amount) from before")
    assert (change.kind, change.severity, change.is_thin) == (Kind.MEANING_CHANGED, Severity.DANGEROUS, is_thin)
    assert change.question
    assert change.confidence <= (0.6 if is_thin else 0.9)


def test_values_that_no_row_holds_any_more_are_removed(con):
    (change,) = told(con, "select * from before where status <> 'returned'")
    assert (change.kind, change.detail) == (Kind.VALUES_REMOVED, {"removed_values": ["returned"]})
    assert change.severity is Severity.INFORMATIVE


def test_a_key_that_repeats_is_told_with_the_column_that_makes_it_one_again(con):
    again = "select *, 1 as version_no from before where id % 5 = 0"
    changes = told(con, f"select *, 2 as version_no from before union all {again}")
    change = next(one for one in changes if one.kind is Kind.KEY_CHANGED)
    assert (change.before, change.after, change.severity) == (("id",), ("id", "version_no"), Severity.DANGEROUS)
    assert "480 of 1,440 rows" in (change.question or "")
    assert {one.kind for one in changes} == {Kind.KEY_CHANGED, Kind.COLUMN_ADDED}


def test_a_key_that_another_column_took_over_is_asked_about(con):
    changes = told(con, "select * exclude (id), md5('x' || id) as global_id from before")
    change = next(one for one in changes if one.kind is Kind.KEY_CHANGED)
    assert (change.before, change.after) == (("id",), ("global_id",))


@pytest.mark.parametrize(
    ("sql", "before", "after"),
    [
        (
            "* exclude (code), split_part(code, '-', 1) as family, split_part(code, '-', 2) as serial, "
            "split_part(code, '-', 3) as letter",
            "code",
            ("family", "serial", "letter"),
        ),
        (
            "* exclude (street), split_part(street, '/', 1) as line, "
            "nullif(split_part(street, '/', 2), '') as flat",
            "street",
            ("line", "flat"),
        ),
        (
            "* replace (split_part(street, '/', 1) as street), split_part(street, '/', 2) as flat",
            "street",
            ("street", "flat"),
        ),
    ],
    ids=["a constant part", "a mostly empty part", "a mostly empty part, under the old name"],
)  # fmt: skip
def test_the_split_that_explains_all_rows_is_told(con, sql, before, after):
    (change,) = told(con, f"select {sql} from before")
    assert (change.kind, change.before, change.after) == (Kind.COLUMN_SPLIT, (before,), after)
    assert change.restores[0].equal == change.restores[0].compared == 1200


def test_a_rename_that_leaves_rows_unexplained_is_in_doubt(con):
    line = "case when id % 12 = 1 then street || ' x' else street end as line"
    (change,) = told(con, f"select * exclude (street), {line} from before")
    assert change.kind is Kind.COLUMN_RENAMED
    assert change.confidence <= 0.9
    assert (change.question or "").startswith("`street` of shop.orders")
    assert change.alternatives[0][0] == "column_removed"


def test_a_renamed_key_whose_numbers_jump_has_no_other_unit(con):
    fresh = "select * replace (id + 20000 as id) from before where id < 100"
    changes = told(con, f"select * rename (id as record_no) from (select * from before union all {fresh})")
    assert [(one.kind, one.before, one.after) for one in changes] == [
        (Kind.COLUMN_RENAMED, ("id",), ("record_no",))
    ]


def test_a_rename_with_another_unit_tells_the_unit(con):
    (change,) = told(con, "select * exclude (amount), (amount * 100)::integer as pence from before")
    assert change.detail["also"] == ["unit_changed"]
    assert any(fact.name == "unit" and "pence" in fact.text and "`amount`" in fact.text for fact in change.facts)


@pytest.mark.parametrize(("rows", "is_thin"), [(5, True), (400, False)])
def test_a_column_that_only_a_few_rows_leave_empty_is_hardly_removed(con, rows, is_thin):
    history = History(frozenset({"voucher"}), "true")
    (change,) = told(con, f"select * exclude (voucher) from before where id < {rows}", history)
    assert (change.kind, change.is_thin) == (Kind.COLUMN_REMOVED, is_thin)
    assert (change.confidence <= 0.6) is is_thin


def test_values_that_can_not_be_had_again_are_asked_about_by_name(con):
    (change,) = told(con, "select * replace (md5(number) as number) from before")
    assert (change.question or "").startswith("`number` of shop.orders")
