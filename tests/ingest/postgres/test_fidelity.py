"""Each PostgreSQL type arrives with exactly the value it had."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

LONG = "123456789012345678901234567890.123456789012345678901234567890"
WIDE = "1234567890123456789012345678.0123456789"

# (declared type, value as SQL, what bronze holds)
CASES = [
    ("numeric", LONG, LONG),
    ("numeric", "'NaN'", "NaN"),
    ("numeric", "'-Infinity'", "-Infinity"),
    ("numeric", "1.10", "1.10"),
    ("numeric(40,2)", "1.50", "1.50"),
    ("numeric(5,-2)", "12345", "12300"),
    ("numeric(2,4)", "0.0012", "0.0012"),
    ("numeric(12,2)", "-9999999999.99", Decimal("-9999999999.99")),
    ("numeric(38,10)", WIDE, Decimal(WIDE)),
    ("smallint", "-32768", -32768),
    ("bigint", "9223372036854775807", 9223372036854775807),
    ("real", "1.5", 1.5),
    ("double precision", "0.1", 0.1),
    ("double precision", "'Infinity'", float("inf")),
    ("boolean", "true", True),
    ("text", "''", ""),
    ("text", "null", None),
    ("text", "repeat('é', 10000)", "é" * 10000),
    ("char(5)", "'ab'", "ab"),
    ("date", "'0001-01-01'", date(1, 1, 1)),
    ("date", "'9999-12-31'", date(9999, 12, 31)),
    ("timestamp", "'2020-01-02 03:04:05.678901'", datetime(2020, 1, 2, 3, 4, 5, 678901)),
    ("timestamptz", "'2020-01-02 03:04:05.678901+05:30'", datetime(2020, 1, 1, 21, 34, 5, 678901, UTC)),
    ("timetz", "'03:04:05+02'", "03:04:05+02"),
    ("interval", "'1 year 2 months 3 days 04:05:06.7'", "P1Y2M3DT4H5M6.7S"),
    ("money", "'-1234.56'", "-1234.56"),
    ("inet", "'10.0.0.1/8'", "10.0.0.1/8"),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("bytea", r"'\x00ff10'", b"\x00\xff\x10"),
    ("json", """'{"b": 1,  "a": [1, null]}'""", '{"b": 1,  "a": [1, null]}'),
    ("jsonb", """'{"n": 1.00000000000000000001}'""", '{"n": 1.00000000000000000001}'),
    ("int[]", "'{1,null,3}'", "[1,null,3]"),
    ("int[]", "'{{1,2},{3,4}}'", "[[1,2],[3,4]]"),
    ("int[]", "'{}'", "[]"),
    ("numeric[]", "'{1.10,12345678901234567890.5}'", "[1.10,12345678901234567890.5]"),
    ("text[]", """'{"",null,"a,b"}'""", '["",null,"a,b"]'),
    ("mood", "'so so'", "so so"),
    ("pair", "row(1.10, 'x')", '{"a":1.10,"b":"x"}'),
    ("positive", "7", 7),
    ("bit(3)", "b'101'", "101"),
    ("bit(8)", "b'00000011'", "00000011"),
    ("varbit", "b'0101'", "0101"),
    ("timetz", "'24:00:00+02'", "24:00:00+02"),
    ("interval", "'-1 mon -1 day -00:00:01.5'", "P-1M-1DT-1.5S"),
    ("cidr", "'10.0.0.0/8'", "10.0.0.0/8"),
    ("macaddr", "'08:00:2b:01:02:03'", "08:00:2b:01:02:03"),
    ("tsvector", "'a:1 b:2'", "'a':1 'b':2"),
    ("oid", "4294967295", 4294967295),
    ("regclass", "'pg_class'", "pg_class"),
    ("int4range", "'[1,5)'", "[1,5)"),
    ("tstzrange", "'[2020-01-01,infinity)'", '["2020-01-01 00:00:00+00",infinity)'),
    ("nummultirange", "'{[1.0,2.0)}'", "{[1.0,2.0)}"),
    ("jsonpath", "'$.a'", '$."a"'),
    ("point", "'(1,2)'", "(1,2)"),
    ("pg_lsn", "'0/1'", "0/1"),
    ("xid8", "'3'", "3"),
    ("numeric[]", "'{NaN,1.10}'", '["NaN",1.10]'),
    ("date[]", "'{infinity}'", '["infinity"]'),
    ("time", "'23:59:59.999999'", time(23, 59, 59, 999999)),
]  # fmt: skip


def test_every_type_arrives_as_it_was(shop) -> None:
    shop.sql("create type mood as enum ('so so', 'ok'); create type pair as (a numeric, b text)")
    shop.sql("create domain positive as int check (value > 0)")
    columns = ", ".join(f"c{i} {kind}" for i, (kind, _, _) in enumerate(CASES))
    shop.sql(f"create table t (id int primary key, {columns})")
    shop.sql(f"insert into t values (1, {', '.join(value for _, value, _ in CASES)})")
    shop.stream("t", "primary_key: [id]")
    shop.load()
    selected = ", ".join(f"c{i}" for i in range(len(CASES)))
    (row,) = shop.bronze(f"select {selected} from bronze")
    got = [(kind, value) for (kind, _, _), value in zip(CASES, row, strict=True)]
    assert got == [(kind, wanted) for kind, _, wanted in CASES]
    assert shop.load().outcome == "unchanged"


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("numeric(12,2)", "'NaN'", "NaN"),
        ("timestamp", "'infinity'", "infinity"),
        ("timestamptz", "'-infinity'", "-infinity"),
        ("date", "'infinity'", "infinity"),
        ("timestamp", "'294276-12-31'", "294276-12-31 00:00:00"),
        ("date", "'0044-03-15 BC'", "0044-03-15 BC"),
        ("date", "'5874897-12-31'", "5874897-12-31"),
        ("time", "'24:00:00'", "24:00:00"),
    ],
)
def test_a_value_that_fits_no_column_is_kept_in_extra(shop, kind: str, value: str, shown: str) -> None:
    shop.sql(f"create table t (id int primary key, v {kind}, n numeric(5,1))")
    shop.sql(f"insert into t values (1, {value}, 1.5), (2, null, null)")
    shop.stream("t", "primary_key: [id]")
    shop.load()
    rows = shop.bronze("select id, v, n, _smelt_extra from bronze order by id")
    assert json.loads(rows[0][3]) == {"v": shown}
    assert rows[0][:3] == (1, None, Decimal("1.5"))
    assert rows[1] == (2, None, None, None)
    assert shop.load().outcome == "unchanged"


def test_what_fits_no_column_reads_the_same_when_the_server_selects_it(shop) -> None:
    """A NaN makes the server select the whole table: rows that did not change are not taken for new ones."""
    kinds = {
        "d": ("date", ["infinity", "-infinity", "0044-03-15 BC", "5874897-12-31", "0001-01-01", "9999-12-31"]),
        "moment": ("timestamp", ["294246-12-31 23:59:59.25", "294276-12-31 23:59:59.999999", "4713-01-01 BC"]),
        "instant": ("timestamptz", ["294276-12-31 01:00:00.5+00", "-infinity", "0001-12-31 10:00:00.125+00 BC"]),
        'odd "é"': ("time", ["24:00:00", "23:59:59.999999", "00:00:00"]),
    }
    columns = {name: '"' + name.replace('"', '""') + '"' for name in kinds}
    declared = ", ".join(f"{columns[name]} {kind}" for name, (kind, _) in kinds.items())
    shop.sql(f"create table t (id serial primary key, n numeric(5,1), {declared})")
    for name, (_, values) in kinds.items():
        for value in values:
            shop.sql(f"insert into t ({columns[name]}) values ('{value}')")
    shop.sql("insert into t (d, moment, instant) values ('infinity', 'infinity', '294247-01-11 00:00:00+00')")
    shop.stream("t", "primary_key: [id]")
    assert shop.load().rows_loaded == 16
    shop.sql("insert into t (n) values ('NaN')")
    assert shop.load().rows_loaded == 1
    shop.sql("delete from t where n = 'NaN'")
    assert shop.load().rows_loaded == 0


def test_names_with_spaces_quotes_and_keywords_work(shop) -> None:
    shop.schema = f"{shop.schema} Mixed"
    shop.sql(f'create schema "{shop.schema}"')
    shop.sql('create table "Odd ""Table" ("select" int primary key, "a b" text, "q""q" text, "Ünï" text)')
    shop.sql("""insert into "Odd ""Table" values (1, 'x', 'y', 'z')""")
    shop.stream('"Odd ""Table"', "primary_key: [select]")
    shop.load()
    assert shop.bronze('select "select", "a b", "q""q", "Ünï" from bronze') == [(1, "x", "y", "z")]
    assert shop.load().outcome == "unchanged"


def test_names_that_differ_in_case_alone_keep_their_own_values(shop) -> None:
    shop.sql('create table t ("ID" int primary key, id int, "Id" text)')
    shop.sql("insert into t values (1, 2, 'x')")
    shop.stream("t", "primary_key: [ID]")
    shop.load()
    assert shop.bronze('select "ID", id_1, "Id_2" from bronze') == [(1, 2, "x")]


def test_the_widest_table_loads_with_values_that_fit_no_column(shop) -> None:
    shop.sql(f"create table t ({', '.join(f'c{n} numeric(10,2)' for n in range(1600))})")
    shop.sql("insert into t (c0, c1599) values (1.5, 'NaN')")
    shop.stream("t")
    shop.load()
    assert shop.bronze("select c0, c1599, _smelt_extra from bronze") == [
        (Decimal("1.50"), None, '{"c1599": "NaN"}')
    ]


def test_rows_of_parts_and_heirs_are_read_once_with_the_whole(shop) -> None:
    shop.sql("create table t (id int, d date) partition by range (d)")
    shop.sql("create table t_1 partition of t for values from ('2020-01-01') to ('2021-01-01')")
    shop.sql("create table t_2 partition of t default")
    shop.sql("insert into t select n, date '2020-01-01' + n from generate_series(1, 5000) as n")
    shop.stream("t")
    assert shop.load().rows_loaded == 5000


def test_a_role_reads_the_columns_that_it_may_read(shop) -> None:
    role = f"r_{shop.schema.lower()}"
    shop.sql("create table t (id int primary key, open text, closed text)")
    shop.sql("insert into t values (1, 'a', 'b')")
    shop.sql(f'create role "{role}" login; grant usage on schema "{shop.schema}" to "{role}"')
    shop.stream("t", "primary_key: [id]")
    (shop.project / "shop.dsn").write_text(shop.dsn.replace("postgres@", f"{role}@", 1))
    refused = shop.ingest()
    assert "may read" in refused.error
    assert f'to "{role}"' in refused.hint
    shop.sql(f'grant select (id, open) on t to "{role}"')
    shop.load()
    assert shop.bronze("select id, open from bronze") == [(1, "a")]
