"""The same values in other units and other ways of writing: told as what they are, and given back."""

import pytest

from plugins.schema_drift import Kind

BEFORE = """
    select
        i as id,
        'MTR-' || lpad((hash(i, 'm') % 900)::varchar, 4, '0') || '-' || ['A', 'B'][(1 + hash(i, 'l') % 2)::integer]
            as meter,
        round(20 + (hash(i, 't') % 3000) / 100.0, 1)::double as temperature,
        round(50 + (hash(i, 'w') % 9000) / 100.0, 1)::decimal(6, 1) as weight,
        (1000 + hash(i, 'b') % 90000000)::bigint as size,
        (hash(i, 'f') % 10001) / 10000.0 as share,
        timestamp '2023-03-01 00:00:07' + interval (i * 4001) second as read_at,
        date '1936-01-01' + (hash(i, 'd') % 29000)::integer as born,
        '+44 20 ' || lpad((hash(i, 'p') % 10000)::varchar, 4, '0') || ' ' ||
            lpad((hash(i, 'q') % 10000)::varchar, 4, '0') as phone,
        uuid() as token
    from range({rows}) as t(i)
"""
FORMAT, UNIT = Kind.FORMAT_CHANGED, Kind.UNIT_CHANGED
WAYS = {
    "Fahrenheit, rounded": ("temperature", "round(temperature * 1.8 + 32, 1)", UNIT),
    "pounds": ("weight", "round(weight / 0.45359237, 3)", UNIT),
    "a rate of exchange": ("weight", "round(weight::double * 1.1734, 4)", UNIT),
    "%": ("share", "share * 100", UNIT),
    "% sign": ("share", "(share * 100)::decimal(8, 2) || '%'", FORMAT),
    "year of two digits": ("born", "strftime(born, '%m/%d/%y')", FORMAT),
    "month's name": ("born", "upper(strftime(born, '%d-%b-%Y'))", FORMAT),
    "without leading zeros": ("born", "day(born) || '/' || month(born) || '/' || year(born)", FORMAT),
    "day as a number": ("born", "strftime(born, '%Y%m%d')::integer", FORMAT),
    "days since 1970": ("born", "(born - date '1899-12-30')::integer + 10000 - 10000", FORMAT),
    "seconds": ("read_at", "epoch(read_at)::bigint", FORMAT),
    "nanoseconds": ("read_at", "epoch_ns(read_at)", FORMAT),
    "half an hour's zone": ("read_at", "read_at + interval 330 minute", FORMAT),
    "zone with summer time": (
        "read_at", "read_at at time zone 'UTC' at time zone 'America/New_York'", FORMAT,
    ),
    "number in a code": ("meter", "regexp_replace(meter, '-0+', '-')", FORMAT),
    "separator": ("meter", "replace(meter, '-', '/')", FORMAT),
    "national phone": ("phone", "'(0' || substr(phone, 5, 2) || ') ' || substr(phone, 8)", FORMAT),
}  # fmt: skip


@pytest.mark.parametrize("rows", [40, 800])
@pytest.mark.parametrize("way", WAYS)
def test_values_written_otherwise_come_back_while_rows_are_updated(tables, way, rows):
    column, sql, kind = WAYS[way]
    if way == "days since 1970":
        before = BEFORE.format(rows=rows).replace("date '1936-01-01'", "date '1990-01-01'")
        before = before.replace("% 29000", "% 9000")
    else:
        before = BEFORE.format(rows=rows)
    changes = tables.told(before, f"select * replace ({sql} as {column}) from before where id % 20 <> 3")
    assert [(one.kind, one.before, one.after) for one in changes] == [(kind, (column,), (column,))]
    assert tables.restored(changes[0], 1e-6) == 1.0


@pytest.mark.parametrize(
    ("column", "sql", "kind", "lost"),
    [
        ("read_at", "strftime(read_at, '%d/%m/%Y %H:%M')", FORMAT, "seconds"),
        ("read_at", "strftime(read_at, '%m/%d/%Y %I %p')", FORMAT, "minutes"),
        ("read_at", "read_at::date", Kind.TYPE_NARROWED, "time of day"),
        ("size", "size // 1024", UNIT, "finer"),
        ("temperature", "floor(temperature)::integer", Kind.TYPE_NARROWED, "rounded"),
    ],
)
def test_what_is_lost_is_asked_about(tables, column, sql, kind, lost):
    (change,) = tables.told(BEFORE.format(rows=600), f"select * replace ({sql} as {column}) from before")
    assert change.kind is kind
    assert (change.question or "").startswith(f"`{column}` of plant.readings")
    assert lost in (change.question or "")


def test_a_cast_that_gives_nothing_back_restores_nothing(tables):
    before = "select i as id, 'n' || i as name, ['low', 'mid', 'top'][1 + i % 3] as level from range(200) t(i)"
    (change,) = tables.told(before, "select * replace ((hash(id) % 7)::bigint as level) from before")
    assert not change.restores
    assert change.question


def test_what_is_written_so_already_did_not_change(tables):
    before = "select i as id, 'AB' || i as code, i % 2 = 0 as flag, i * 3 as amount from range(30) as t(i)"
    assert not tables.told(
        before, "select * replace (case when id = 4 then 'AB99' else code end as code) from before"
    )


def test_a_rename_of_lower_case_values_has_no_case_in_it(tables):
    before = """
        select 'SKU-' || i as id, 'Thing ' || i as name, ['drink', 'meal'][1 + i % 2] as type, i * 7 as price,
            'about item ' || i as description
        from range(10) as t(i)
    """
    changes = tables.told(
        before, "select * replace (type as name, description as type, name as description) from before"
    )
    assert {(one.kind, one.before, one.after) for one in changes} == {
        (Kind.COLUMN_RENAMED, ("type",), ("name",)),
        (Kind.COLUMN_RENAMED, ("name",), ("description",)),
        (Kind.COLUMN_RENAMED, ("description",), ("type",)),
    }
    assert all(restored.is_plain for one in changes for restored in one.restores)


def test_a_value_that_grew_is_not_cut_off(tables):
    before = (
        "select i as id, ['KL', 'BA', 'AF'][1 + i % 3] as carrier, i * 7 % 97 as delay from range(300) as t(i)"
    )
    (change,) = tables.told(before, "select * replace (replace(carrier, 'KL', 'KLM') as carrier) from before")
    assert (change.kind, change.detail["values"]) == (Kind.VALUES_RENAMED, {"KL": "KLM"})


def test_a_part_that_is_a_number_keeps_its_leading_zeros(tables):
    sql = """
        select * exclude (meter), split_part(meter, '-', 1) as family,
            split_part(meter, '-', 2)::integer as serial,
            split_part(meter, '-', 3) as letter
        from before
    """
    (change,) = tables.told(BEFORE.format(rows=300), sql)
    assert (change.kind, change.after) == (Kind.COLUMN_SPLIT, ("family", "serial", "letter"))
    assert tables.restored(change) == 1.0


def test_values_that_another_type_could_not_hold_are_asked_about(tables):
    before = "select i as id, 'n' || i as name, 'model ' || i % 40 as model from range(200) as t(i)"
    (change,) = tables.told(before, "select * replace (try_cast(model as integer) as model) from before")
    assert (change.kind, change.restores) == (Kind.TYPE_CHANGED, ())
    assert "0 of 200 rows" in (change.question or "")


def test_values_that_cannot_be_turned_back_are_asked_about(tables):
    before = "select i as id, date '2020-01-01' + (i * 7 % 900)::integer as opened_on from range(1000) as t(i)"
    text = "case when id % 150 = 0 then 'n/a' else strftime(opened_on, '%d/%m/%Y') end"
    after = f"select id, {text} as opened_on from before"
    (change,) = tables.told(before, after)
    assert change.before == ("opened_on",)
    assert "7 of 1,000 values of now can't be turned back, such as `n/a`" in change.question
