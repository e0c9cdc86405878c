"""Rows come, go and are updated in many ways, and nothing is told: with rows counted, as snapshots have them."""

import pytest

BEFORE = """
    select
        i as id,
        round(exp(2 + (hash(i, 'p') % 1000) / 400.0), 2)::decimal(10, 2) as price,
        round(37 + (hash(i, 't') % 300) / 100.0, 1)::double as temperature,
        ['new', 'paid', 'sent', 'done'][(1 + hash(i, 's') % 4)::integer] as status,
        ['Ann', 'Bob', 'Cleo', 'Dan'][(1 + hash(i, 'n') % 4)::integer] || ' ' || (hash(i, 'l') % 70) as customer,
        case when hash(i, 'v') % 10 < 3 then 'V' || (hash(i, 'w') % 5000) end as voucher,
        uuid_of(i) as token,
        timestamp '2024-01-01' + interval (i * 53) minute as ordered_at,
        hash(i, 'g') % 2 = 0 as is_gift
    from range({rows}) as t(i)
"""
FRESH = "select * replace (id + 5000 as id, {more}) from before where {which}"
LATER = "ordered_at + interval 60 day as ordered_at"


def grown(more=LATER, which="id % 5 = 0"):
    return f"select * from before union all {FRESH.format(more=more, which=which)}"


EVENTS = {
    "rows came": grown(),
    "ten times as many": " union all ".join(
        ["select * from before"]
        + [f"select * replace (id + {n}000 as id, uuid_of(id + {n}) as token) from before" for n in range(1, 9)]
    ),
    "a season": grown("(price * 2.6)::decimal(10, 2) as price"),
    "a season in old rows, too": "select * replace (case when id > 0.85 * (select max(id) from before) then "
    "(price * 2.2)::decimal(10, 2) else price end as price) from before",
    "late rows": grown("ordered_at - interval 300 day as ordered_at"),
    "nulls in new rows": grown("null as customer, null as voucher, null as price, null as status"),
    "nulls in many rows": "select * replace (case when id % 3 > 0 then customer end as customer, "
    "case when id % 2 > 0 then status end as status) from before",
    "one value in new rows": grown("'paid' as status, true as is_gift"),
    "rare ways of writing": "select * replace (case when id % 25 = 0 then upper(customer) || ' (' || id || '!)' "
    "else customer end as customer) from before",
    "old rows went": "select * from before where id > 0.7 * (select max(id) from before)",
    "all rows went": "select * from before where false",
    "all rows are new": BEFORE.replace("range({rows})", "range(50000, 50000 + {rows})"),
    "filled afterwards": "select * replace ('V' || (hash(id, 'w') % 5000) as voucher) from before",
    "touched": "select * replace (ordered_at + interval (cast(hash(id, 'x') % 900 as bigint)) hour as ordered_at) "
    "from before",
    "all at one time": "select * replace (timestamp '2025-06-01 04:00:07' as ordered_at) from before",
    "measured anew": "select * replace (round(37 + (hash(id, 'u') % 300) / 100.0, 1)::double as temperature) "
    "from before",
    "prices of a new list": "select * replace (round(price * (0.92 + (hash(price) % 20) / 100.0), 2)"
    "::decimal(10, 2) as price) from before",
    "moved on": "select * replace (case when status = 'new' and hash(id, 'y') % 10 < 7 then 'paid' "
    "when status = 'paid' and hash(id, 'z') % 10 < 7 then 'sent' else status end as status) from before",
    "one row": "select * replace (case when id = 4 then 'ANN 4' else customer end as customer) from before",
}  # fmt: skip


@pytest.mark.parametrize("key", [("id",), ()], ids=["with a key", "without a key"])
@pytest.mark.parametrize("rows", [12, 40, 900])
@pytest.mark.parametrize("event", EVENTS)
def test_nothing_is_told_of_rows_that_come_go_and_are_updated(tables, event, rows, key):
    tables.con.execute("create or replace macro uuid_of(n) as md5('token' || n)::uuid")
    changes = tables.told(BEFORE.format(rows=rows), EVENTS[event].replace("{rows}", str(rows)), key)
    assert [(one.kind, one.before, one.facts[0].text) for one in changes] == []


def test_what_is_strange_in_new_rows_alone_is_not_taken_for_living_on(tables):
    tables.con.execute("create or replace macro uuid_of(n) as md5('token' || n)::uuid")
    for more, column in (
        ("(price * 100)::decimal(10, 2) as price", "price"),
        ("'cancelled' as status", "status"),
        ("replace(customer, ' ', '#') || '/x' as customer", "customer"),
    ):
        changes = tables.told(BEFORE.format(rows=900), grown(more, "id % 3 = 0"))
        assert [one.before for one in changes] == [(column,)]


TRANSFERS = """
    select
        i as id,
        1 + (hash(i, 'b') % 2000)::integer as branch_id,
        1 + (hash(i, 'a') % 3000)::integer as account,
        ((hash(i, 'm') % 900000) / 100.0)::decimal(12, 2) as amount,
        timestamp '2024-01-01' + interval (i * 53) minute as booked_at
    from range(3000) as t(i)
"""


@pytest.mark.parametrize(
    "fresh",
    [
        "7 as branch_id",
        "(id % 100 + 1)::integer as branch_id",
        "42 as account",
        "(id % 100 + 1)::integer as account",
        "(id % 100 + 1)::integer as branch_id, (id % 100 + 1)::integer as account",
    ],
)
def test_new_rows_of_few_other_things_are_no_change_of_unit(tables, fresh):
    more = f"select * replace (id + 5000 as id, booked_at + interval 200 day as booked_at, {fresh}) from before"
    assert tables.told(TRANSFERS, f"select * from before union all {more} where id < 100") == []


def test_new_rows_in_another_unit_are_told(tables):
    changed = (
        "id + 5000 as id, booked_at + interval 200 day as booked_at, (amount * 100)::decimal(12, 2) as amount"
    )
    (change,) = tables.told(
        TRANSFERS, f"select * from before union all select * replace ({changed}) from before where id < 200"
    )
    assert (str(change.kind), change.before, change.detail["factor"]) == ("unit_changed", ("amount",), 100)
    assert change.question is not None
