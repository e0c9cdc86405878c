"""Files that bring types."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq


def test_parquet_keeps_types_and_joins_schemas(drop) -> None:
    drop.stream("*.parquet", "parquet")
    pq.write_table(
        pa.table({"id": [1], "v": ["a"], "p": pa.array([Decimal("1.10")], pa.decimal128(12, 4))}),
        drop.folder / "a.parquet",
    )
    at = datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    pq.write_table(pa.table({"more": [at], "id": [2]}), drop.folder / "b.parquet")
    assert drop.load().rows_loaded == 2
    assert drop.bronze("select id, v, p, more at time zone 'UTC' from bronze order by id") == [
        (1, "a", Decimal("1.1000"), None),
        (2, None, None, at.replace(tzinfo=None)),
    ]
    assert drop.load().outcome == "unchanged"


def test_a_truncated_parquet_file_is_held_back_until_it_is_whole(drop) -> None:
    drop.stream("*.parquet", "parquet")
    pq.write_table(pa.table({"id": [1, 2]}), drop.folder / "a.parquet")
    whole = (drop.folder / "a.parquet").read_bytes()
    drop.put("b.parquet", whole[: len(whole) // 2])
    drop.put("c.parquet", b"")
    result = drop.load()
    assert (result.rows_loaded, result.dead_letters) == (2, 2)
    assert all("not a readable Parquet file" in reason for reason, _ in drop.letters())
    assert [reason.split(":")[0] for reason, _ in drop.letters()] == ["b.parquet", "c.parquet"]
    assert drop.load().dead_letters == 0
    pq.write_table(pa.table({"id": [3]}), drop.folder / "b.parquet")
    assert drop.load().rows_loaded == 1


def test_parquet_damaged_inside_is_a_dead_letter(drop) -> None:
    drop.stream("*.parquet", "parquet")
    pq.write_table(pa.table({"id": [9]}), drop.folder / "good.parquet")
    pq.write_table(pa.table({"id": list(range(5000))}), drop.folder / "a.parquet")
    content = bytearray((drop.folder / "a.parquet").read_bytes())
    content[100:2000] = b"\xff" * 1900
    drop.put("a.parquet", bytes(content))
    result = drop.load()
    assert (result.rows_loaded, result.dead_letters) == (1, 1)


def test_parquet_columns_that_change_type_between_files(drop) -> None:
    drop.stream("*.parquet", "parquet")
    pq.write_table(pa.table({"id": [1], "v": [10]}), drop.folder / "a.parquet")
    pq.write_table(pa.table({"id": [2], "v": ["ten"]}), drop.folder / "b.parquet")
    assert drop.load().rows_loaded == 2
    assert drop.bronze("select id, v from bronze order by id") == [(1, "10"), (2, "ten")]


def test_ndjson_lines_that_are_no_objects_are_dead_letters(drop) -> None:
    drop.stream("*.ndjson", "ndjson")
    lines = [b'{"id": 1, "v": "a"}', b"{broken", b"", b"[1]", b"\xff\xfe", b'{"id": 2, "v": null, "w": true}']
    drop.put("a.ndjson", b"\r\n".join(lines))
    result = drop.load()
    assert (result.rows_loaded, result.dead_letters) == (2, 3)
    assert drop.bronze("select id, v, w from bronze order by id") == [(1, "a", None), (2, None, True)]
    assert [raw for _, raw in drop.letters()] == [b"{broken", b"[1]", b"\xff\xfe"]
    assert drop.load().dead_letters == 0


def test_ndjson_values_keep_their_form(drop) -> None:
    drop.stream("*.ndjson", "ndjson")
    nested = {"b": [1, {"c": "é"}]}
    big = 2**70
    drop.put("a.ndjson", json.dumps({"id": 1, "n": nested, "big": big, "f": 0.1, "d": "2020-01-01"}) + "\n")
    drop.load()
    ((n, big_text, f, d),) = drop.bronze("select n, big, f, d from bronze")
    assert json.loads(n) == nested
    assert (int(big_text), f, d) == (big, 0.1, "2020-01-01")


def test_ndjson_columns_of_mixed_types_land_as_text(drop) -> None:
    drop.stream("*.ndjson", "ndjson")
    drop.put("a.ndjson", '{"id": 1, "v": 1}\n{"id": 2, "v": "x"}\n{"id": 3, "v": true}\n')
    assert drop.load().rows_loaded == 3
    assert [row[0] for row in drop.bronze("select v from bronze order by id")] == ["1", "x", "true"]
    assert drop.load().outcome == "unchanged"
