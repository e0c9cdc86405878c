"""Kinds of evidence on pairs of tables: what is found, and that nothing is called compared that was not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.review.evidence.comparison import ComparedModel, Comparison, Limits
from plugins.review.evidence.finding import Finding
from plugins.review.evidence.kinds import DATA_EVIDENCE

Found = dict[str, Finding]


def _compare(base: str, head: str, key: tuple[str, ...] = (), **more: Any) -> Found:
    """Findings by kind, of two SELECTs that are built in two attached databases."""
    limits = more.pop("limits", Limits())
    with duckdb.connect() as con:
        for side, sql in (("base", base), ("head", head)):
            con.execute(f"attach ':memory:' as {side}")
            con.execute(f"create table {side}.t as {sql}")
        model = ComparedModel("t", "model.p.t", "base.t", "head.t", key, **more)
        findings = [f for kind in DATA_EVIDENCE for f in kind.collect(Comparison(con, (model,), limits))]
    json.dumps([finding.model_dump(mode="json") for finding in findings])
    assert len({finding.kind for finding in findings}) == len(findings)
    return {finding.kind: finding for finding in findings}


def _rows(*rows: str, columns: str = "id, v") -> str:
    return f"select * from (values {', '.join(rows)}) as t({columns})"


BASE = _rows("(1, 'a')", "(2, 'b')", "(3, 'c')")


def _outcomes(found: Found) -> dict[str, str]:
    return {kind: str(finding.outcome) for kind, finding in found.items()}


def test_the_same_table_in_another_order() -> None:
    found = _compare(BASE, f"{BASE} order by id desc", ("id",))
    assert set(_outcomes(found).values()) == {"passed"}
    assert found["values"].detail == "3 rows × 2 columns, unchanged"


def test_keys_that_came_went_and_a_value_that_changed() -> None:
    found = _compare(BASE, _rows("(1, 'a')", "(2, 'x')", "(4, 'd')", "(5, 'e')"), ("id",))
    assert found["rows"].facts == {"base": 3, "head": 4}
    assert (found["keys"].facts["added"], found["keys"].facts["removed"]) == (2, 1)
    assert {(s["change"], s["id"]) for s in found["keys"].samples} == {("added", 4), ("added", 5), ("removed", 3)}
    assert found["values"].facts["columns"] == {"v": {"changed": 1}}
    assert found["values"].samples == ({"id": 2, "column": "v", "before": "b", "after": "x"},)


def test_a_change_that_lineage_does_not_explain() -> None:
    found = _compare(
        BASE, _rows("(1, 'a')", "(2, 'x')", "(3, 'c')"), ("id",), changed_columns=frozenset({"other"})
    )
    assert found["values"].facts["columns"] == {"v": {"changed": 1, "unexpected": True}}
    assert "not explained" in found["values"].detail


CHANGED_VALUES = [
    ("infinity to a number", "select 1 as id, 'inf'::double as v", "select 1 as id, 1.0::double as v"),
    ("a number to not-a-number", "select 1 as id, 1.0::double as v", "select 1 as id, 'nan'::double as v"),
    ("a sign of infinity", "select 1 as id, 'inf'::double as v", "select 1 as id, '-inf'::double as v"),
    ("text to a null integer", "select 1 as id, 'abc' as v", "select 1 as id, null::integer as v"),
    ("a double cut to an integer", "select 1 as id, 1.4::double as v", "select 1 as id, 1 as v"),
    ("an integer to text", "select 1 as id, 7 as v", "select 1 as id, '8' as v"),
    ("a struct's field", "select 1 as id, {'a': 1} as v", "select 1 as id, {'a': 2} as v"),
    ("a list's item", "select 1 as id, [1, 2] as v", "select 1 as id, [1, 3] as v"),
    ("a map", "select 1 as id, map {'a': 1} as v", "select 1 as id, map {'a': 2} as v"),
    ("a blob", "select 1 as id, 'a'::blob as v", "select 1 as id, 'b'::blob as v"),
    ("a time zone's instant", "select 1 as id, timestamptz '2024-01-01 00:00:00+00' as v",
     "select 1 as id, timestamptz '2024-01-01 00:00:00+01' as v"),
    ("a null to an empty text", "select 1 as id, null::varchar as v", "select 1 as id, '' as v"),
    ("an interval", "select 1 as id, interval 1 day as v", "select 1 as id, interval 2 day as v"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "base", "head"), CHANGED_VALUES, ids=[case[0] for case in CHANGED_VALUES])
def test_a_changed_value_is_seen(name: str, base: str, head: str) -> None:
    found = _compare(base, head, ("id",))
    assert found["values"].outcome == "changed"
    assert found["values"].facts["columns"] == {"v": {"changed": 1}}


SAME_VALUES = [
    ("a wider integer", "select 1 as id, 7 as v", "select 1 as id, 7::bigint as v"),
    ("another scale", "select 1 as id, 1.50::decimal(10, 2) as v", "select 1 as id, 1.5::decimal(10, 1) as v"),
    ("an integer as text", "select 1 as id, 7 as v", "select 1 as id, '7' as v"),
    ("a sum in another order", "select 1 as id, 0.1::double + 0.2 as v", "select 1 as id, 0.3::double as v"),
    ("not a number twice", "select 1 as id, 'nan'::double as v", "select 1 as id, 'nan'::double as v"),
    ("another case of the name", "select 1 as id, 7 as v", 'select 1 as "ID", 7 as "V"'),
]


@pytest.mark.parametrize(("name", "base", "head"), SAME_VALUES, ids=[case[0] for case in SAME_VALUES])
def test_an_equal_value_is_no_change(name: str, base: str, head: str) -> None:
    assert _compare(base, head, ("id",))["values"].outcome == "passed"


NOT_COMPARED = [
    ("no key on both sides", "values", _rows("(1, 'a')"), _rows("(2, 'a')"), ("id",), "no key is on both sides"),
    ("no common column", "values", "select 1 as a", "select 1 as b", (), "no column in common"),
    ("a retyped column without a key", "values", "select 1 as id, 7 as v", "select 1 as id, '7' as v", (), "v"),
    ("an undeclared key", "keys", BASE, BASE, (), "unique"),
    ("a key that is gone", "keys", BASE, "select v from (" + BASE + ")", ("id",), "id is not at head"),
    ("nothing to measure", "distribution", "select [1] as v", "select [2] as v", (), "v (INTEGER[])"),
    ("an empty side", "distribution", BASE, f"{BASE} limit 0", ("id",), "no rows"),
]


@pytest.mark.parametrize(
    ("kind", "base", "head", "key", "said"),
    [case[1:] for case in NOT_COMPARED],
    ids=[case[0] for case in NOT_COMPARED],
)
def test_what_was_not_compared_says_so(kind: str, base: str, head: str, key: tuple[str, ...], said: str) -> None:
    finding = _compare(base, head, key)[kind]
    assert finding.outcome == "not checked"
    assert said in finding.detail


def test_duplicates_and_nulls_in_the_key_fail() -> None:
    twice = _compare(_rows("(1, 'a')", "(2, 'b')"), _rows("(1, 'a')", "(2, 'b')", "(2, 'c')"), ("id",))
    assert twice["keys"].outcome == "failed"
    other = _compare(_rows("(1, 'a')", "(1, 'b')", "(2, 'c')"), _rows("(1, 'a')", "(2, 'b')", "(2, 'c')"), ("id",))
    assert other["keys"].outcome == "failed"
    null = _compare(_rows("(1, 'a')", "(2, 'b')"), _rows("(1, 'a')", "(null, 'b')"), ("id",))
    assert null["keys"].outcome == "failed"
    as_before = _compare(_rows("(1, 'a')", "(1, 'b')"), _rows("(1, 'a')", "(1, 'c')"), ("id",))
    assert as_before["keys"].outcome == "passed"
    assert "whole rows (the key is not unique)" in as_before["values"].detail


def test_the_shape_of_the_table() -> None:
    found = _compare("select 1 as a, 2 as b, 3 as c", "select 3::bigint as c, 1 as a, 4 as d")
    facts = found["schema"].facts
    assert (facts["added"], facts["removed"], facts["reordered"]) == (["d"], ["b"], True)
    assert facts["retyped"] == {"c": ["INTEGER", "BIGINT"]}


def test_a_distribution_that_moves_below_what_base_had() -> None:
    base = "select i as id, 100 + i % 10 as v from range(1000) as r(i)"
    moved = "select i as id, case when i % 5 = 0 then -9999 else 100 + i % 10 end as v from range(1000) as r(i)"
    assert _compare(base, moved, ("id",))["distribution"].facts["psi"]["v"] > 0.1
    constant = "select i as id, {} as v from range(100) as r(i)"
    assert _compare(constant.format(5), constant.format(1), ("id",))["distribution"].outcome == "changed"


def test_large_tables_are_sampled_by_key_and_say_so() -> None:
    base = "select i as id, i % 7 as v from range(100000) as r(i)"
    head = "select i::varchar as id, case when i % 10 = 0 then -1 else i % 7 end as v from range(100000) as r(i)"
    found = _compare(base, head, ("id",), limits=Limits(exact_rows=1000, sample_rows=5000))
    assert (found["keys"].facts["added"], found["keys"].facts["removed"]) == (0, 0)
    assert not found["values"].is_exact
    share = found["values"].facts["columns"]["v"]["changed"] / found["values"].facts["matched_rows"]
    assert 0.07 < share < 0.13
    assert found["rows"].is_exact


@pytest.mark.parametrize(
    ("value", "column", "pii"),
    [
        ("'ann@example.com'", "note", False),
        ("'call +44 20 7946 0958 now'", "note", False),
        ("'GB82 WEST 1234 5698 7654 32'", "note", False),
        ("4111111111111111::bigint", "ref", False),
        ("'Ann'", "first_name", False),
        ("'Ann'", "who", True),
        ("{'mail': 'ann@example.com'}", "note", False),
    ],
)
def test_samples_hold_no_personal_data(value: str, column: str, pii: bool) -> None:
    base, head = f"select 1 as id, null as {column}", f"select 1 as id, {value} as {column}"
    marked = frozenset({column}) if pii else frozenset()
    samples = str(_compare(base, head, ("id",), pii=marked)["values"].samples)
    for secret in ("ann", "7946", "WEST", "4111111111111111"):
        assert secret not in samples.replace("Ann", "ann").replace("change", ""), samples


def test_a_model_that_was_not_built_and_one_that_cannot_be_read(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute("create table t as select 1 as id")
        models = (
            ComparedModel("unbuilt", "a", "t", None, unbuilt="not built at head: it failed"),
            ComparedModel("gone", "b", "t", "no_such_table"),
            ComparedModel("fine", "c", "t", "t", ("id",)),
        )
        for kind in DATA_EVIDENCE:
            found = {f.subject: f for f in kind.collect(Comparison(con, models))}
            assert found["unbuilt"].detail == "not built at head: it failed"
            assert found["gone"].outcome == "not checked"
            assert "no_such_table" in found["gone"].detail
            assert found["fine"].outcome == "passed"


def test_names_are_data() -> None:
    name = '"a""b; drop table x --"'
    found = _compare(f"select 1 as {name}, 2 as v", f"select 1 as {name}, 3 as v", ('a"b; drop table x --',))
    assert found["values"].facts["columns"] == {"v": {"changed": 1}}


def _table(rows: dict[int, tuple[Any, Any]]) -> str:
    if not rows:
        return "select 1::integer as id, 1::integer as a, ''::varchar as b limit 0"
    values = ", ".join(f"({key}, {_sql(a)}::integer, {_sql(b)}::varchar)" for key, (a, b) in rows.items())
    return f"select * from (values {values}) as t(id, a, b)"


def _sql(value: Any) -> str:
    return "null" if value is None else repr(value)


ROWS = st.dictionaries(
    st.integers(1, 12),
    st.tuples(st.none() | st.integers(0, 3), st.none() | st.sampled_from(["", "x", "y"])),
    max_size=10,
)


@given(ROWS, ROWS)
@settings(max_examples=60, deadline=None)
def test_counts_are_those_of_a_naive_comparison(base: dict[int, Any], head: dict[int, Any]) -> None:
    found = _compare(_table(base), _table(head), ("id",))
    assert found["keys"].facts["added"] == len(head.keys() - base.keys())
    assert found["keys"].facts["removed"] == len(base.keys() - head.keys())
    changed = Counter(
        name
        for key in base.keys() & head.keys()
        for name, before, after in zip("ab", base[key], head[key], strict=True)
        if before != after
    )
    told = {name: fact["changed"] for name, fact in found["values"].facts.get("columns", {}).items()}
    assert told == dict(changed)
