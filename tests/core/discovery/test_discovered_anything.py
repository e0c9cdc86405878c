"""Whatever rows come in, a profile comes out, and what it says of them is true."""

from __future__ import annotations

from collections import Counter, defaultdict

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.core.discovery import discover_source, discover_stream, document

_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.binary(max_size=4)
    | st.dates() | st.datetimes() | st.times() | st.timedeltas() | st.decimals() | st.uuids()
    | st.sampled_from(["a@b.org", "12.03.2024", "1,234.50", "N/A", "+49 170 1234567", "{\"a\": 1}", "€ 5", "10%"])
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_ROWS = st.lists(
    st.dictionaries(st.sampled_from(["id", "a", "b", "user_id", "created_at", ""]), _VALUES, max_size=4),
    max_size=12,
)
_CALM = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_CALM
@given(_ROWS)
def test_any_rows_have_a_profile(rows: list[dict]) -> None:
    found = discover_source({"s": rows})

    for stream in found.walk():
        for column in stream.columns:
            assert 0 <= column.semantic.confidence < 1
            assert 0 <= column.null_share <= 1
        assert len({column.name for column in stream.columns}) == len(stream.columns)
        assert all(0 <= key.confidence < 1 for key in stream.keys)
    assert document(found, "x")["streams"][0]["sampled"] == len(rows)


_FEW = st.integers(0, 3) | st.none()
_TABLES = st.lists(st.tuples(_FEW, _FEW, _FEW, st.integers(0, 40)), min_size=1, max_size=40)


@_CALM
@given(_TABLES)
def test_keys_are_unique_and_dependencies_hold_but_for_what_they_say(rows: list[tuple]) -> None:
    names = ("a", "b", "c", "d")
    table = pa.table(
        {name: pa.array([row[place] for row in rows], pa.int64()) for place, name in enumerate(names)}
    )

    found = discover_stream("t", table)

    for key in found.keys:
        values = [tuple(row[names.index(name)] for name in key.columns) for row in rows]
        assert len(set(values)) == len(rows)
        assert not any(None in value for value in values)
        for left_out in key.columns if len(key.columns) > 1 else ():
            fewer = [tuple(row[names.index(n)] for n in key.columns if n != left_out) for row in rows]
            assert len(set(fewer)) < len(rows)
    for one in found.dependencies:
        groups: dict[object, Counter[object]] = defaultdict(Counter)
        for row in rows:
            if row[names.index(one.columns[0])] is not None:
                groups[row[names.index(one.columns[0])]][row[names.index(one.determines)]] += 1
        broken = sum(group.total() - max(group.values()) for group in groups.values())
        assert broken == one.violations
