"""Tables under each other's names, replaced ones, and what declarations alone say."""

import duckdb
import pytest

from plugins.core.duck import quote
from plugins.schema_drift import Kind, Severity
from plugins.schema_drift.table import Column, SeenTable, Table
from plugins.schema_drift.understanding import compare

SUPPLIES = "select i as id, 'P' || i % 10 as sku, 'cup ' || i as name, i % 7 as cost from range(65) as t(i)"
PRODUCTS = """
    select 'P' || i as sku, 'meal ' || i as name, i * 37 % 50 as price, 'about ' || i as description
    from range(10) as t(i)
"""


@pytest.mark.parametrize("keys", [((), ()), (("id",), ("sku",)), (("sku",), ("sku",))])
def test_two_tables_that_exchanged_names_are_told_as_two_renamed_tables(tables, keys):
    before = [
        tables.seen(SUPPLIES, "s1", keys[0], "raw.supplies"),
        tables.seen(PRODUCTS, "p1", keys[1], "raw.products"),
    ]
    after = [
        tables.seen(PRODUCTS, "p2", keys[0], "raw.supplies"),
        tables.seen(SUPPLIES, "s2", keys[1], "raw.products"),
    ]
    changes = compare(tables.con, before, after).changes
    assert [(one.kind, one.before, one.after) for one in changes] == [
        (Kind.TABLE_RENAMED, ("raw.supplies",), ("raw.products",)),
        (Kind.TABLE_RENAMED, ("raw.products",), ("raw.supplies",)),
    ]
    assert all(one.detail["is_swap"] and one.severity is Severity.DANGEROUS for one in changes)


def test_tables_of_the_same_columns_and_keys_that_exchanged_names_are_told(tables):
    def shop(word, name, id_):
        return tables.seen(
            f"select i as id, '{word} ' || i as name, i % 9 as v from range(300) t(i)", name, ("id",), id_
        )

    before = [shop("eu", "a1", "raw.eu"), shop("us", "b1", "raw.us")]
    after = [shop("us", "a2", "raw.eu"), shop("eu", "b2", "raw.us")]
    assert [one.detail.get("is_swap") for one in compare(tables.con, before, after).changes] == [True, True]


@pytest.mark.parametrize(
    "now",
    [
        "select 'x' || hash(i, 1) % 90 as one, i % 7 as two, md5(i::varchar) as three from range(400) t(i)",
        "select i as id, 'x' || hash(i, 1) % 90 as one, i % 7 as two, md5(i || '') as three from range(400) t(i)",
        "select i as id, 'no ' || hash(i, 2) % 90 as name, i * 31 % 977 as price, 'n' || i % 3 as status "
        "from range(400) t(i)",
    ],
    ids=["no key and no column", "the same numbers of rows", "the same names of columns"],
)
def test_a_table_of_which_nothing_is_left_may_be_another_one(tables, now):
    was = (
        "select i as id, 'thing ' || hash(i) % 90 as name, i * 7 % 5 as price, 's' || i % 4 as status "
        "from range(400) t(i)"
    )
    before, after = tables.seen(was, "before"), tables.seen(now, "after")
    drift = compare(tables.con, [before], [after])
    told = [one for one in drift.changes if one.severity is not Severity.SILENT]
    assert told
    assert all(one.is_thin and one.confidence <= 0.75 for one in told)
    assert any("another table" in note for note in drift.notes)
    assert any("another table" in (one.question or "") for one in told)


def test_rows_that_went_to_a_table_that_came_are_a_part_of_it(tables):
    whole = "select i as id, 'n' || i as name, ['x', 'y', 'z'][1 + i % 3] as region from range(300) as t(i)"
    before = [tables.seen(whole, "w1", id_="raw.all")]
    after = [
        tables.seen("select * from w1 where region <> 'x'", "w2", id_="raw.all"),
        tables.seen("select * from w1 where region = 'x'", "x2", id_="raw.x"),
    ]
    changes = compare(tables.con, before, after).changes
    assert (Kind.TABLE_SPLIT, ("raw.all",), ("raw.all", "raw.x")) in [(c.kind, c.before, c.after) for c in changes]


def declared(*columns):
    return SeenTable(Table("wiki.page", "wiki.page", ("wiki", "page"), tuple(Column(n, t) for n, t in columns)))


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        ('enum("a","b")', 'enum("a","b","chemical")', Kind.TYPE_WIDENED),
        ("enum('a','b','c')", "enum('a','b')", Kind.TYPE_NARROWED),
        ("enum('page','file')", "varchar(6)", Kind.TYPE_WIDENED),
        ("enum('page','file')", "varchar(3)", Kind.TYPE_NARROWED),
        ("tinytext", "varchar(255)", Kind.TYPE_WIDENED),
        ("text", "mediumtext", Kind.TYPE_WIDENED),
        ("char(32)", "varchar(32)", Kind.TYPE_WIDENED),
        ("varchar(2)", "char(2)", Kind.TYPE_NARROWED),
        ("tinyblob", "mediumblob", Kind.TYPE_WIDENED),
        ("binary(14)", "varbinary(14)", Kind.TYPE_WIDENED),
        ("int(10)", "int", None),
        ("boolean", "bool", None),
        ("text", "varchar", None),
    ],
)
def test_types_in_the_words_of_recorded_schemas(was, now, kind):
    with duckdb.connect() as con:
        changes = compare(
            con, [declared(("page_id", "int"), ("v", was))], [declared(("page_id", "int"), ("v", now))]
        ).changes
    assert [one.kind for one in changes] == ([kind] if kind else [])


def test_a_name_alone_makes_no_rename_but_a_question():
    before, after = declared(("id", "int"), ("user_name", "text")), declared(("id", "int"), ("user_names", "text"))
    with duckdb.connect() as con:
        changes = compare(con, [before], [after]).changes
    assert {one.kind for one in changes} == {Kind.COLUMN_REMOVED, Kind.COLUMN_ADDED}
    assert all(one.is_thin and one.confidence <= 0.6 for one in changes)
    assert any("was it renamed to `user_names`" in (one.question or "") for one in changes)


@pytest.mark.parametrize(
    "name", ['a"b; drop table before; --', "{{ config() }} {% raw %}", "x'y", "a.b", "%s", "a\nb"]
)
def test_hostile_names_stay_names_in_what_is_given_back(tables, name):
    before = f"select i as id, i * 7 % 1009 as {quote(name)}, 'n' || i as label from range(200) as t(i)"
    now = f"select id, ({quote(name)} * 100)::bigint as {quote(name)}, label as {quote(name + '2')} from before"
    changes = tables.told(before, now)
    assert [(one.kind, one.before, one.after) for one in changes] == [
        (Kind.UNIT_CHANGED, (name,), (name,)),
        (Kind.COLUMN_RENAMED, ("label",), (name + "2",)),
    ]
    assert [tables.con.execute(f"select {one.restores[0].sql} from after limit 1").fetchone() for one in changes]


def test_names_that_swap_and_change_their_case_are_found(tables):
    before = "select i as id, i * 7 % 1009 as amount, 'n' || i as total from range(200) as t(i)"
    changes = tables.told(before, 'select id, total as "AMOUNT", amount as "Total" from before')
    assert {(one.before, one.after) for one in changes} == {(("amount",), ("Total",)), (("total",), ("AMOUNT",))}
    assert {one.severity for one in changes} == {Severity.DANGEROUS}


@pytest.mark.full
def test_two_thousand_columns_are_compared(tables):
    columns = ", ".join(f"hash(i, {n}) % {10 + 7 * n} as c{n}" for n in range(2000))
    renamed = ", ".join(f"c{n} as n{n}" for n in range(20))
    changes = tables.told(
        f"select i as id, {columns} from range(300) as t(i)", f"select * rename ({renamed}) from before"
    )
    assert {(one.kind, one.before, one.after) for one in changes} == {
        (Kind.COLUMN_RENAMED, (f"c{n}",), (f"n{n}",)) for n in range(20)
    }
