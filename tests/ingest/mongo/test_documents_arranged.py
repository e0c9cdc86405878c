"""Documents become columns, and nothing of them is lost on the way."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson.binary import Binary
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.regex import Regex
from bson.timestamp import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.extract.base import DeadLetter
from ingest.mongo.documents import Arranger, Part, counted
from ingest.mongo.keys import UnfitKey, declared_key, key_text
from ingest.mongo.rows import Row, row_of
from ingest.mongo.values import OPTIONS, UnreadableDocument, decoded
from plugins.core import duck

ID = ObjectId("65a000000000000000000001")
CON = duck.connect()
UUID = uuid.UUID("0190163d-8694-739b-aea5-966c26f8ad91")
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(), st.text(st.characters(exclude_categories=["Cs"]), max_size=8), st.binary(max_size=4),
    st.integers(-(2**50), 2**60).map(DatetimeMS), st.decimals(places=3, allow_nan=False, allow_infinity=False)
    .filter(lambda d: len(d.as_tuple().digits) < 30).map(Decimal128),
    st.sampled_from([ID, MinKey(), MaxKey(), Timestamp(5, 1), Regex("a", "i"), Binary(b"x", 5),
                     Binary.from_uuid(UUID)]),
)  # fmt: skip
names = st.one_of(
    st.sampled_from(
        ["a", "A", "b", "a.b", "$x", "", 'q"uo"te', "_smelt_op", "smelt_x", "_ID", "ünï", "x__v2", "c0"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
).filter(lambda name: name != "_id")
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=5
)
documents = st.lists(st.dictionaries(names, values, max_size=5), min_size=1, max_size=8)
known_types = st.dictionaries(
    st.sampled_from(["a", "b", "a.b"]),
    st.lists(
        st.sampled_from(["bigint", "double", "varchar", "boolean", "timestamptz", "blob"]), min_size=1, unique=True
    ),
)  # fmt: skip


def row(document: Mapping[str, Any], key: Any = 1) -> Row:
    found = row_of(bson.encode({"_id": key, **document}, codec_options=OPTIONS), "p", "c", {})
    assert isinstance(found, Row)
    return found


def told(part: Part) -> list[dict[str, Any]]:
    CON.register("t", part.table)
    return CON.sql(f"select {', '.join(part.columns)}, _smelt_extra from t").to_arrow_table().to_pylist()


@settings(max_examples=50, deadline=None)
@given(documents, known_types)
def test_every_value_is_in_its_column_or_beside(given_documents: list, known: dict) -> None:
    rows = [row(document, n) for n, document in enumerate(given_documents)]
    arranger = Arranger({}, CON)
    one = arranger.part(rows, arranger.types(counted(rows), known))
    for parts in (list(arranger.parts(rows, known)), [one]):
        found = {line["_id"]: line for part in parts for line in told(part)}
        assert len(found) == len(rows)
        for each in rows:
            line = found[each.key]
            extra = json.loads(line["_smelt_extra"]) if line["_smelt_extra"] else {}
            for name, value in each.fields.items():
                if value is not None:
                    assert (name in extra) != (line.get(name) is not None), name


def test_types_and_texts() -> None:
    document = {
        "i": 5, "l": Int64(2**60), "d": 1.5, "s": "x", "b": True, "at": DatetimeMS(0), "bin": b"\x00\xff",
        "oid": ID, "dec": Decimal128("1.10"), "doc": {"n": {"x": ID}, "at": DatetimeMS(0)}, "arr": [1, 2.5, None],
        "uuid": Binary.from_uuid(UUID), "none": None, "re": Regex("a", "i"), "code": Code("f()"),
        "old": Binary(b"x", 3),
    }  # fmt: skip
    (part,) = Arranger({}, CON).parts([row(document)], {})
    (line,) = told(part)
    assert line.pop("at") == datetime(1970, 1, 1, tzinfo=UTC)
    assert line == {
        "_id": "1", "i": 5, "l": 2**60, "d": 1.5, "s": "x", "b": True, "bin": b"\x00\xff", "oid": str(ID),
        "dec": "1.10", "arr": "[1, 2.5, null]", "uuid": str(UUID), "code": '{"$code": "f()"}',
        "_smelt_extra": None,
        "doc": '{"n": {"x": {"$oid": "65a000000000000000000001"}}, "at": {"$date": "1970-01-01T00:00:00Z"}}',
        "re": '{"$regularExpression": {"pattern": "a", "options": "i"}}',
        "old": '{"$binary": {"base64": "eA==", "subType": "03"}}',
    }  # fmt: skip


def test_declared_types_are_exact_and_what_does_not_fit_is_beside() -> None:
    arranger = Arranger({"amount": "decimal(6, 2)", "on": "date"}, CON)
    given_rows = [
        row({"amount": Decimal128("1234.50"), "on": "2026-01-02"}, 1),
        row({"amount": Decimal128("0.001"), "on": "soon"}, 2),
        row({"amount": Decimal128("NaN"), "on": None}, 3),
        row({"amount": 7, "on": DatetimeMS(86_400_000)}, 4),
        row({"amount": Decimal128("12345"), "on": None}, 5),
    ]
    (part,) = arranger.parts(given_rows, {})
    lines = told(part)
    assert [str(line["amount"]) for line in lines] == ["1234.50", "None", "None", "7.00", "None"]
    assert [str(line["on"]) for line in lines] == ["2026-01-02", "None", "None", "1970-01-02", "None"]
    assert [line["_smelt_extra"] for line in lines] == [
        None, '{"amount": {"$numberDecimal": "0.001"}, "on": "soon"}', '{"amount": {"$numberDecimal": "NaN"}}',
        None, '{"amount": {"$numberDecimal": "12345"}}',
    ]  # fmt: skip


def test_many_combinations_of_types_make_few_files() -> None:
    known = {name: ["bigint"] for name in "abcdefgh"}
    rows = [
        row({name: "x" if n >> place & 1 else 1 for place, name in enumerate("abcdefgh")}, n) for n in range(256)
    ]
    parts = list(Arranger({}, CON).parts(rows, known))
    assert len(parts) <= 16
    assert sum(part.table.num_rows for part in parts) == 256


@pytest.mark.parametrize(
    "raw",
    [
        b"nothing",
        bson.encode({"_id": 1, "s": "x"})[:-4] + b"\xff\x00\x00\x00",
        bson.encode({"_id": 1, "v": "ab"}).replace(b"ab", b"\xff\xfe"),
        bson.encode({"_id": 1, "a": 1, "b": 2}).replace(b"b\x00\x02", b"a\x00\x02"),
        bson.encode({"_id": 1, "d": {"a": 1, "b": 2}}).replace(b"b\x00\x02", b"a\x00\x02"),
    ],
)
def test_what_cannot_be_read_whole_is_a_dead_letter(raw: bytes) -> None:
    with pytest.raises(UnreadableDocument):
        decoded(raw)
    found = row_of(raw, "p", "c", {}, letter="here")
    assert isinstance(found, DeadLetter)
    assert (found.position, found.raw) == ("here", raw)


keys = st.one_of(
    scalars.filter(lambda key: not isinstance(key, Regex)),
    st.sampled_from(["5", "-0", "true", "null", str(ID), '"x"', "{}", "[1]", '{"$oid": "x"}', 5, 5.0, Int64(5), 0,
                     Decimal128("5"), Decimal128("5.00"), Decimal128("0.1"), 0.1, -0.0, math.inf, "Infinity",
                     "NaN"]),
    st.dictionaries(names, scalars, max_size=2),
)  # fmt: skip


def same(one: Any, other: Any) -> bool:
    """Whether MongoDB takes two keys for the same, numbers being compared by value."""
    numbers = (int, float, Decimal128)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, numbers) and isinstance(other, numbers) and bool not in (type(one), type(other)):
        one, other = (v.to_decimal() if isinstance(v, Decimal128) else v for v in (one, other))
        return one == other or (one != one and other != other)
    canonical = [dumps({"v": value}, json_options=CANONICAL_JSON_OPTIONS) for value in (one, other)]
    return canonical[0] == canonical[1]


@settings(max_examples=150, deadline=None)
@given(keys, keys)
def test_texts_of_keys_are_the_same_if_the_keys_are(one: Any, other: Any) -> None:
    assert (key_text(one) == key_text(other)) == same(one, other)


def test_keys_as_they_are_read() -> None:
    texts = [key_text(key) for key in (ID, "abc", "a b", 5, 5.0, "5", str(ID), {"b": 1, "a": 2}, True, None)]
    assert texts == [
        str(ID), "abc", "a b", "5", "5", '"5"', f'"{ID}"', '{"b": {"$numberInt": "1"}, "a": {"$numberInt": "2"}}',
        "true", "null",
    ]  # fmt: skip
    assert [declared_key(key, "varchar") for key in (ID, "5", 5, Binary.from_uuid(UUID))] == [
        str(ID), "5", "5", str(UUID),
    ]  # fmt: skip
    assert declared_key(5.0, "bigint") == 5
    for key, kind in (("5", "bigint"), (5.5, "bigint"), (None, "varchar"), ({"a": 1}, "varchar")):
        with pytest.raises(UnfitKey):
            declared_key(key, kind)
