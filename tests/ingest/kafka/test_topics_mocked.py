"""Messages land in bronze, typed, with all that Kafka says of them, and each once."""

from __future__ import annotations

import json

import pytest

from tests.ingest.kafka.conftest import Streamed


def test_messages_land_with_their_columns_keys_and_headers(mocked: Streamed) -> None:
    mocked.read()
    mocked.put(
        {"id": 1, "price": 1, "gift": True, "lines": [{"n": 1}], "note": "é"},
        key="a",
        headers=[("h", b"\xff"), ("h", b"1")],
    )
    mocked.put({"id": 2, "price": 2.5}, key=b"\xfe", partition=3, timestamp=1_700_000_000_123)
    assert mocked.load().rows_loaded == 2
    assert mocked.rows("id, price, gift, lines, note, _smelt_op") == [
        (1, 1.0, True, '[{"n":1}]', "é", "c"),
        (2, 2.5, None, None, None, "c"),
    ]
    (first, second) = mocked.rows(
        "_smelt_source_position, _smelt_partition, _smelt_offset, _smelt_key, _smelt_headers"
    )
    assert first == ("000000:0000000000000000000", 0, 0, "a", '[["h", "\\\\xff"], ["h", "1"]]')
    assert second == ("000003:0000000000000000000", 3, 0, "\\xfe", None)
    assert mocked.rows("epoch_ms(_smelt_timestamp)")[1] == (1_700_000_000_123,)


def test_only_what_is_new_is_read(mocked: Streamed) -> None:
    mocked.read()
    mocked.put({"id": 1}, {"id": 2})
    mocked.load()
    assert mocked.load().outcome == "unchanged"
    before = mocked.metadata()
    mocked.load()
    assert mocked.metadata() == before
    mocked.put({"id": 3})
    mocked.put({"id": 4}, partition=2)
    assert mocked.load().rows_loaded == 2
    assert mocked.places() == [(0, 0), (0, 1), (0, 2), (2, 0)]


def test_what_cant_be_read_is_a_dead_letter_with_its_place(mocked: Streamed) -> None:
    mocked.read()
    mocked.put({"id": 1}, b"no", b"[1]", b'{"id": 1, "id": 2}', b"\xff", b"", {"id": 2})
    result = mocked.load()
    assert (result.rows_loaded, result.dead_letters) == (2, 5)
    found = mocked.bronze("select _smelt_source_position, reason, raw from bronze order by 1", "s__dead_letters")
    assert found == [
        (f"t/{mocked.topic}/0/1", "not a JSON object", b"no"),
        (f"t/{mocked.topic}/0/2", "not a JSON object", b"[1]"),
        (f"t/{mocked.topic}/0/3", "a key stands twice in the object", b'{"id": 1, "id": 2}'),
        (f"t/{mocked.topic}/0/4", "not JSON: not UTF-8", b"\xff"),
        (f"t/{mocked.topic}/0/5", "not a JSON object", b""),
    ]


def test_tombstones_of_a_keyed_stream_delete(mocked: Streamed) -> None:
    mocked.read(["id"])
    mocked.put({"id": 1, "v": "a"}, key="1")
    mocked.put(None, key="1")
    mocked.put({"v": "b"}, key="2")
    result = mocked.load()
    assert (result.rows_loaded, result.tombstones) == (3, 1)
    assert mocked.rows("_smelt_op, id, v") == [("u", 1, "a"), ("d", 1, None), ("u", 2, "b")]


def test_a_key_of_several_columns_is_read_from_json_keys(mocked: Streamed) -> None:
    mocked.read(["shop", "id"], key_format="json")
    mocked.put({"shop": "x", "id": 1, "v": 1}, key='{"shop": "x", "id": 1}')
    mocked.put(None, key='{"shop": "x", "id": 1}')
    mocked.load()
    assert mocked.rows("_smelt_op, shop, id, v") == [("u", "x", 1, 1), ("d", "x", 1, None)]


def test_values_of_another_type_begin_a_column_beside(mocked: Streamed) -> None:
    mocked.read()
    mocked.put({"v": 1}, {"v": 2})
    mocked.load()
    mocked.put({"v": 3}, {"v": "x"}, {"v": None}, {"w": 1}, {"v": 1.5})
    mocked.load()
    mocked.put({"v": 4}, {"v": {"deep": [1]}})
    mocked.load()
    columns = [
        name for (name,) in mocked.bronze("select column_name from (describe bronze)") if name[:2] in ("v", "v_")
    ]
    assert columns == ["v", "v__v2", "v__v3"]
    found = mocked.rows(f"coalesce({', '.join(f'{name}::varchar' for name in columns)})")
    assert [value for (value,) in found] == ["1", "2", "3", "x", None, None, "1.5", "4.0", '{"deep":[1]}']


def test_what_has_no_column_is_kept(mocked: Streamed) -> None:
    mocked.read(columns={"amount": "decimal(10, 2)", "at": "timestamptz"})
    mocked.put({"amount": "12.34", "at": "2026-01-01T01:00:00+01:00"}, {"amount": 0.1, "at": "soon"})
    mocked.put({"ID": 1, "id": 2, "_smelt_op": "x", "": 3, "big": 2**63 + 5, 'a"/~\\': True})
    mocked.load()
    assert mocked.rows('amount::varchar, "at"::varchar, _smelt_extra')[:2] == [
        ("12.34", "2026-01-01 00:00:00+00", None),
        ("0.10", None, '{"at": "soon"}'),
    ]
    ((extra, odd),) = mocked.rows('_smelt_extra, "a""/~\\"')[2:]
    assert json.loads(extra) == {"id": 2, "_smelt_op": "x", "": 3, "big": 2**63 + 5}
    assert odd is True


def test_a_frozen_schema_has_no_room_for_more(mocked: Streamed) -> None:
    mocked.read(schema_policy="freeze")
    mocked.put({"id": 1})
    mocked.load()
    mocked.put({"id": 2, "new": "x"}, {"id": 3, "new": None}, {"id": 4})
    result = mocked.load()
    assert (result.rows_loaded, result.dead_letters) == (2, 1)
    assert mocked.rows("id") == [(1,), (3,), (4,)]
    assert mocked.letters()[0][0] == "the schema is frozen and has no column for: new"
    assert mocked.bronze("select _smelt_source_position from bronze", "s__dead_letters") == [
        (f"t/{mocked.topic}/0/1",)
    ]


@pytest.mark.parametrize(("format_", "expected"), [("text", "é"), ("bytes", "é".encode())])
def test_values_that_are_no_documents(mocked: Streamed, format_: str, expected: object) -> None:
    mocked.read(format=format_, key_format="bytes")
    mocked.put("é".encode(), key=b"\xff")
    mocked.load()
    assert mocked.rows("value, _smelt_key, _smelt_op") == [(expected, b"\xff", "c")]


def test_a_format_that_reads_nothing_is_told(mocked: Streamed) -> None:
    mocked.read()
    mocked.put(*[b"id,name"] * 120)
    error = mocked.ingest().error
    assert error
    assert "none of the first 120 messages of topic" in error
    mocked.read(format="text")
    assert mocked.load().rows_loaded == 120


def test_reading_again_doubles_nothing(mocked: Streamed) -> None:
    mocked.read(["id"])
    mocked.put({"id": 1, "v": 1}, {"id": 1, "v": 2}, b"poison", {"id": 2, "v": 1})
    mocked.put({"id": 3, "v": 1}, partition=1)
    mocked.load()
    for again in ({"reset": ["s.t"]}, {"from_position": '{"offsets": {"0": 1}}'}, {"from_position": "2020-01-01"}):
        assert mocked.load(**again).error is None
        assert mocked.places() == [(0, 0), (0, 1), (0, 3), (1, 0)]
    assert len(mocked.letters()) == 1
    assert mocked.load().outcome == "unchanged"


@pytest.mark.parametrize(
    ("position", "told"),
    [
        ('{"offsets": {"9": 1}}', "has no partition '9'"),
        ('{"offsets": {"0": 99}}', "is shorter than what was read"),
        ("yesterday", "'yesterday' is no time"),
        ('{"cursor": 1}', "from a time or from offsets"),
    ],
)
def test_a_position_that_cant_be(mocked: Streamed, position: str, told: str) -> None:
    mocked.read()
    mocked.put({"id": 1})
    assert told in str(mocked.ingest(from_position=position).error)


def test_a_topic_that_isnt_there(mocked: Streamed) -> None:
    mocked.read()
    assert f"there is no topic {mocked.topic}" in str(mocked.ingest().error)


def test_pieces_that_are_as_usual_and_others_land_alike(mocked: Streamed, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = [{"id": n, "price": n + 0.5, "name": "x"} for n in range(4)]
    odd = [b"poison", {"id": 4, "price": 7, "name": "y"}, {"id": 5}, b"[]", {"id": "six", "name": 1, "new": True}]
    mocked.put(*usual, *odd, *usual, b"{", usual[0])
    found = []
    for at_once in (10_000, 3):
        monkeypatch.setattr("ingest.kafka.feed._AT_ONCE", at_once)
        monkeypatch.setattr("ingest.kafka.writer.PIECE_ROWS", at_once)
        mocked.read()
        assert mocked.load(reset=["s.t"]).error is None
        found.append(mocked.rows("_smelt_offset, id, price, name, new"))
    assert found[0] == found[1]
    assert [row[1] for row in found[0]] == [*"01234", "5", "six", *"0123", "0"]
    assert len(mocked.letters()) == 3
