"""A value lands the same whether the snapshot brought it or the log."""

from __future__ import annotations

import string

import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.cdc.values import arrays_as_json
from plugins.core.postgres import PgColumn

VALUES = {
    "boolean": ["true", "false"],
    "smallint": ["-32768"],
    "integer": ["2147483647"],
    "bigint": ["-9223372036854775808"],
    "oid": ["4294967295"],
    "real": ["1.5", "'NaN'", "'-Infinity'", "1e-30", "3.1415927"],
    "double precision": ["0.1", "'Infinity'", "1.7976931348623157e308", "5e-324"],
    "numeric": ["123456789012345678901234567890.123456789", "'NaN'", "'Infinity'", "0.00"],
    "numeric(12,2)": ["1.5", "-0.01", "'NaN'"],
    "numeric(5,-2)": ["12300"],
    "numeric(3,5)": ["0.00123"],
    "money": ["-1234.5", "0.01"],
    "text": ["''", "E'a\\nb\\t\"quoted\"\\\\'", "'ü😀'"],
    "varchar(10)": ["'x '"],
    "char(5)": ["'ab'"],
    "bytea": ["'\\x00ff5c27'", "''"],
    "uuid": ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"],
    "date": ["'2024-02-29'", "'infinity'", "'0044-03-15 BC'", "'9999-12-31'", "'10000-01-01'"],
    "time": ["'23:59:59.999999'", "'24:00:00'"],
    "timetz": ["'12:00:00+05:30'"],
    "timestamp": ["'2024-01-01 00:00:00.123456'", "'-infinity'", "'0001-01-01'", "'12345-01-01'"],
    "timestamptz": ["'2024-06-01 12:00:00+02'", "'infinity'", "'1900-01-01 00:00:00+00'"],
    "interval": ["'1 year 2 months 3 days 04:05:06.7'", "'-1 day'"],
    "json": ["'{\"a\": [1, null]}'"],
    "jsonb": ['\'{"b": 1, "a": "ü"}\''],
    "int[]": ["'{1,NULL,3}'", "'{}'", "'{{1,2},{3,4}}'", "'[0:1]={7,8}'"],
    "text[]": ["array['a', null, 'NULL', 'with \"quotes\"', 'back\\slash', 'comma, {brace}', '', 'ü']"],
    "boolean[]": ["'{t,f,NULL}'"],
    "numeric(6,2)[]": ["'{1.50,NULL,NaN}'"],
    "double precision[]": ["'{0.1,Infinity}'"],
    "date[]": ["'{2024-01-01}'"],
    "timestamp[]": ["'{2024-01-01 10:00:00.5}'"],
    "timestamptz[]": ["'{2024-01-01 10:00:00.5+02}'"],
    "uuid[]": ["'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'"],
    "jsonb[]": ["array['{\"a\": 1}'::jsonb, null]"],
    "bytea[]": ["array['\\x00ff'::bytea]"],
    "inet": ["'10.0.0.1/8'"],
    "macaddr": ["'08:00:2b:01:02:03'"],
    "int4range": ["'[1,5)'", "'empty'"],
    "tsvector": ["'a b'"],
    "bit(8)": ["B'00000101'"],
    "point": ["'(1,2.5)'"],
    "mood": ["'sad'"],
    "mood[]": ["'{sad,NULL}'"],
    "positive": ["5"],
    "price": ["1.50"],
    "pair": ["row(1, 'a \"b\", c')", "row(null, null)", "row(2, '')"],
    "pair[]": ["array[row(1, 'x, {y}')::pair, null, row(null, '\\')::pair]", "'{}'"],
    "nested": ["row(row(1, '(q)')::pair, '{1,2}', '2024-01-01 10:00:00+02', 1.50, '{\"a\": 1}')"],
    "int4range[]": ["'{\"[1,5)\",empty}'"],
    "int4multirange": ["'{[1,3),[5,7)}'"],
    "interval[]": ["'{1 day,02:00:00}'"],
    "time[]": ["'{10:00:00.5}'"],
    "oid[]": ["'{1,2}'"],
}
TYPES = (
    "mood as enum ('sad', 'ok')",
    "pair as (a int, b text)",
    "nested as (p pair, n int[], at timestamptz, amount numeric, doc jsonb)",
)


def test_every_type_lands_as_in_a_snapshot(shop) -> None:
    shop.sql(*(f"create type {kind}" for kind in TYPES))
    shop.sql("create domain positive as int check (value > 0)", "create domain price as numeric(12,2)")
    columns = [(f"c{n}", kind) for n, kind in enumerate(VALUES)]
    shop.sql(f"create table t (id int primary key, {', '.join(f'{name} {kind}' for name, kind in columns)})")
    rows = max(map(len, VALUES.values()))

    def insert(first: int) -> None:
        for n in range(rows):
            values = [given[n] if n < len(given) else "null" for given in VALUES.values()]
            shop.sql(f"insert into t values ({first + n}, {', '.join(values)})")

    insert(0)
    shop.declare(t="[id]")
    shop.load()
    insert(rows)
    shop.load()
    found = shop.bronze("select columns('c\\d+|_smelt_extra') from bronze order by id")
    for n in range(rows):
        for (name, kind), before, after in zip(columns, found[n], found[rows + n], strict=False):
            assert str(after) == str(before), f"{kind} ({name}, row {n})"
        assert found[rows + n][-1] == found[n][-1]


@pytest.fixture(scope="module")
def connection(postgres: str):
    with psycopg.connect(postgres, autocommit=True) as made:
        yield made


TEXT = st.text(alphabet=string.printable + 'äß"\\{},', max_size=12).map(lambda text: text.replace("\x00", ""))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.none(), TEXT), max_size=5))
def test_arrays_become_the_json_that_the_server_makes(connection, members) -> None:
    query = "select a::text, to_json(a)::text from (select %s::text[] as a)"
    ((literal, wanted),) = connection.execute(query, [members])
    column = PgColumn("a", "_text", "text[]", "a", "a")
    made = arrays_as_json(column, pa.array([literal], pa.large_string()))
    assert made.to_pylist() == [wanted]
