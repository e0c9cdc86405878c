"""A value lands the same whether a snapshot brought it, a pull, or the binlog."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.full

_NUMBERS = {
    "tinyint": ["-128", "127"],
    "tinyint unsigned": ["255"],
    "boolean": ["true", "false"],
    "smallint": ["-32768"],
    "smallint unsigned": ["65535"],
    "mediumint": ["-8388608", "8388607"],
    "mediumint unsigned": ["16777215"],
    "int": ["-2147483648", "2147483647"],
    "int unsigned": ["4294967295"],
    "int(8) zerofill": ["42"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "bigint unsigned": ["18446744073709551615", "9223372036854775808", "0"],
    "decimal(5,2)": ["-999.99", "0.01", "0"],
    "decimal(18,9)": ["-123456789.987654321"],
    "decimal(38,10)": ["-1234567890123456789012345678.0123456789", "9999999999999999999999999999.9999999999"],
    "decimal(20,0)": ["-12345678901234567890"],
    "decimal(4,4)": ["-0.0001"],
    "decimal(65,30)": ["-12345678901234567890123456789012345.123456789012345678901234567890", "0.5"],
    "decimal(10,2) unsigned": ["99999999.99"],
    "float": ["3.1415927", "-1e-30", "16777217", "0.1"],
    "double": ["0.1", "1.7976931348623157e308", "-2.2250738585072014e-308", "123456789.123456789"],
    "year": ["1901", "2155", "0000"],
    "bit(1)": ["b'1'", "b'0'"],
    "bit(12)": ["b'101'"],
    "bit(64)": ["0xFFFFFFFFFFFFFFFF"],
}
_MOMENTS = {
    "date": [
        "'2024-02-29'",
        "'0000-00-00'",
        "'2024-02-31'",
        "'2024-00-10'",
        "'0001-01-01'",
        "'9999-12-31'",
        "'0000-01-01'",
    ],
    "datetime": ["'2024-06-01 12:34:56'", "'0000-00-00'", "'1000-01-01 00:00:00'", "'2023-02-30 10:11:12'"],
    "datetime(3)": ["'2024-06-01 12:34:56.789'", "'0000-00-00 00:00:00.000'", "'1969-12-31 23:59:59.999'"],
    "datetime(6)": ["'9999-12-31 23:59:59.999999'", "'2024-11-31 01:02:03.000405'"],
    "timestamp null": ["'2024-06-01 12:34:56'", "'0000-00-00'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"],
    "timestamp(1) null": ["'2024-06-01 12:34:56.7'"],
    "timestamp(6) null": ["'2024-06-01 12:34:56.000001'", "'0000-00-00'"],
    "time": ["'12:34:56'", "'-00:00:01'", "'838:59:59'", "'-838:59:59'", "'00:00:00'"],
    "time(1)": ["'-12:00:00.5'"],
    "time(4)": ["'-00:00:00.0001'", "'101:02:03.4567'"],
    "time(6)": ["'-838:59:58.999999'", "'00:00:00.000001'"],
}
_TEXTS = {
    "char(5)": ["'ab'", "''", "'ü😀 '"],
    "varchar(20)": ["'x '", "'ü😀'", "''"],
    "varchar(20) character set latin1": ["'é€ü'", "unhex('81')", "'plain'"],
    "char(5) character set latin1": ["'é'"],
    "varchar(20) character set ucs2": ["'ü'"],
    "varchar(20) character set utf16": ["'😀'"],
    "varchar(20) character set utf32": ["'😀'"],
    "varchar(20) character set cp1251": ["'Привет'"],
    "varchar(20) character set sjis": ["'日本'"],
    "varchar(20) character set latin2": ["'ąę'"],
    "varchar(20) character set utf8mb3": ["'ü'"],
    "varchar(20) character set ascii": ["'a'"],
    "varchar(20) collate utf8mb4_uca1400_as_cs": ["'Ü'"],
    "varchar(400)": ["repeat('ü', 300)"],
    "tinytext": ["'t'"],
    "text": ["'a\\nb\\t\"q\"\\\\'"],
    "mediumtext": ["repeat('m', 70000)"],
    "longtext": ["'l'"],
    "json": ['\'{"b": 1, "a": ["ü", null, 1.50]}\''],
    "enum('a','ü','it''s')": ["'ü'", "'it''s'", "'none'"],
    "enum('x','é') character set latin1": ["'é'"],
    "set('a','b','ü')": ["'ü,a'", "''", "'b'"],
    "set('q','é') character set latin1": ["'é'"],
    "binary(6)": ["'ab'", "unhex('000000000000')", "unhex('616200')", "''"],
    "varbinary(20)": ["unhex('00ff5c27')", "''"],
    "varbinary(300)": ["'v'"],
    "tinyblob": ["unhex('00')"],
    "blob": ["unhex('ff00')"],
    "longblob": ["repeat(unhex('01'), 70000)"],
    "geometry": ["point(1, 2.5)", "st_geomfromtext('LINESTRING(0 0,1 1)', 4326)"],
    "point": ["point(-1, 0)"],
    "uuid": ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'c232ab00-9414-11ec-b909-0242ac120002'"],
    "inet4": ["'10.0.0.1'", "'0.0.0.0'"],
    "inet6": ["'::1'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'", "'::'", "'::10.0.0.1'"],
}
VALUES = {**_NUMBERS, **_MOMENTS, **_TEXTS}
_LAX = {"init_command": "set sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'"}


def test_every_type_lands_as_in_a_snapshot(shop) -> None:
    columns = [(f"c{n}", kind) for n, kind in enumerate(VALUES)]
    listed = ", ".join(f"{name} {kind} null" if "null" not in kind else f"{name} {kind}" for name, kind in columns)
    shop.sql(f"create table t (id int primary key, {listed})")
    rows = max(map(len, VALUES.values()))

    def insert(first: int) -> None:
        for n in range(rows):
            values = [given[n] if n < len(given) else "null" for given in VALUES.values()]
            shop.sql(f"insert into t values ({first + n}, {', '.join(values)})", **_LAX)

    insert(0)
    shop.declare(t="[id]")
    shop.load()
    insert(rows)
    shop.load()
    found = shop.bronze("select columns('c\\d+|_smelt_extra') from bronze order by id")
    for n in range(rows):
        for (name, kind), before, after in zip(columns, found[n], found[rows + n], strict=False):
            assert after == before, f"{kind} ({name}, row {n})"
        assert found[rows + n][-1] == found[n][-1]
    # A pull compares all rows with what is there: nothing differs.
    shop.streams("{name: t, sync_mode: full, primary_key: [id]}")
    assert shop.load()["t"].outcome == "unchanged"


def test_values_are_what_they_are_at_the_source(shop) -> None:
    shop.sql(
        "create table t (id int primary key, n bigint unsigned, d decimal(10,2), f float, day date, "
        "moment datetime(3), ts timestamp(6) null, span time, b bit(3), e enum('x','y'), s set('p','q'), y year, "
        "raw binary(3))"
    )
    shop.declare(t="[id]")
    shop.load()
    values = (
        "18446744073709551615, -1.50, 3.1415927, '0000-00-00', '2024-06-01 12:00:00.125', "
        "'2024-06-01 12:00:00.000001', '-100:00:01', b'101', 'y', 'q,p', 0, 'a'"
    )
    shop.sql(f"insert into t values (1, {values})", **_LAX)
    shop.load()
    ((_, *found),) = shop.events(
        "n::varchar, d::varchar, f, day, moment::varchar, (ts at time zone 'UTC')::varchar, span, b, e, s, y, "
        "raw, _smelt_extra"
    )
    assert found == [
        "18446744073709551615", "-1.50", pytest.approx(3.1415927), None, "2024-06-01 12:00:00.125",
        "2024-06-01 12:00:00.000001", "-100:00:01", "101", "y", "p,q", 0, b"a\0\0", '{"day": "0000-00-00"}',
    ]  # fmt: skip
