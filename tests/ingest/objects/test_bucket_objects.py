"""Objects of a bucket: which are read, in which version, and what they may be."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from ingest.extract.base import PullRequest
from ingest.extract.files import FilesExtractor
from ingest.spec import load_sources
from plugins.core import duck
from plugins.core.lake import Lake, read_state
from plugins.core.settings import load_settings


def _parquet(**columns) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def _zip(**members: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_new_and_changed_objects_are_told_by_their_etag(objects) -> None:
    objects.put("a.csv", "id,v\n1,a\n2,b\n")
    objects.put("b.csv", "id,v\n3,c\n")
    objects.put(".half.csv", "id,v\n4,")
    objects.put("c.csv.part", "id,v\n5,")
    assert objects.load().rows_loaded == 3
    assert objects.load().rows_read == 0
    objects.put("b.csv", "id,v\n3,c\n")
    assert objects.load().rows_read == 0
    objects.put("a.csv", "id,v\n1,x\n3,d\n")
    result = objects.load()
    assert (result.rows_read, result.rows_loaded, result.tombstones) == (2, 2, 1)


@pytest.mark.full
def test_globs_reach_below_prefixes(objects) -> None:
    objects.stream("20*/**/*.csv")
    for name in ("2025/a.csv", "2026/01/02/b.csv", "old/2025/c.csv", "x.csv"):
        objects.put(name, f"id,v\n{name},1\n")
    objects.load()
    assert objects.bronze("select id from bronze order by id") == [("2025/a.csv",), ("2026/01/02/b.csv",)]


def test_every_format_by_its_ending(objects) -> None:
    objects.stream("*", key=None)
    objects.put("a.csv.gz", gzip.compress(b"id,v\n1,a\n"))
    objects.put("b.ndjson.zst", zstandard.compress(b'{"id": "2", "v": "b"}\n{"id": "3", "v": "c"}\n'))
    objects.put("c.json", '[{"id": "4", "v": "d"}, {"id": "5", "v": "e"}]')
    objects.put("d.json", '{"id": "6", "v": "f"}')
    objects.put("e.zip", _zip(**{"x/one.csv": "id,v\n7,g\n", "two.tsv": "id\tv\n8\th\n", "__MACOSX/._x": "?"}))
    objects.put("f.parquet", _parquet(id=["9"], v=["i"], more=[1]))
    objects.put("g.xml", "<r xmlns='u:r'><row><id>10</id><v>j</v></row><row><id>11</id><v/></row></r>")
    result = objects.load()
    assert (result.rows_loaded, result.dead_letters) == (11, 0)
    expected = [(str(n), v) for n, v in enumerate("abcdefghij", 1)]
    assert objects.bronze("select id, v from bronze where v is not null order by id::int") == expected
    assert objects.bronze("select count(distinct _smelt_source_position), sum(more) from bronze") == [(11, 1)]


@pytest.mark.full
def test_avro_keeps_logical_types(objects) -> None:
    fields = [
        {"name": "id", "type": "long"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "note", "type": ["null", "string"]},
    ]
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    target = io.BytesIO()
    rows = [{"id": n, "price": Decimal("1.10"), "at": at, "note": "x" if n else None} for n in range(2)]
    fastavro.writer(target, {"type": "record", "name": "r", "fields": fields}, rows, codec="deflate")
    objects.stream("*.avro")
    objects.put("a.avro", target.getvalue())
    objects.put("cut.avro", target.getvalue()[:-20])
    result = objects.load()
    assert (result.rows_loaded, result.dead_letters) == (2, 1)
    assert objects.bronze("select id, price, epoch_us(bronze.at), note from bronze order by id") == [
        (0, Decimal("1.10"), int(at.timestamp() * 1e6), None),
        (1, Decimal("1.10"), int(at.timestamp() * 1e6), "x"),
    ]


@pytest.mark.full
def test_xml_records_by_path_keep_attributes_and_lists(objects) -> None:
    objects.stream("*.xml", key="@id", record_path="orders/order")
    objects.put(
        "a.xml",
        '<file><head><order>no</order></head><orders><order id="1"><line n="1">x</line><line n="2">y</line>'
        '</order><order id="2"><v>z</v></order></orders></file>',
    )
    assert objects.load().rows_loaded == 2
    rows = objects.bronze('select "@id", line, v from bronze order by 1')
    assert json.loads(rows[0][1]) == [{"@n": "1", "#text": "x"}, {"@n": "2", "#text": "y"}]
    assert rows[1] == ("2", None, "z")


def test_bombs_and_damage_are_dead_letters_and_stop_nothing(objects) -> None:
    objects.stream("*", max_unpacked="1MB")
    objects.put("good.csv", "id,v\n1,a\n")
    objects.put("bomb.csv.gz", gzip.compress(b"id,v\n" + b"1,a\n" * 1_000_000))
    objects.put("bomb.zip", _zip(**{f"{n}.csv": "id,v\n" + "1,a\n" * 100_000 for n in range(5)}))
    objects.put("cut.csv.gz", gzip.compress(b"id,v\n" + bytes(range(48, 58)) * 500)[:-9])
    objects.put("entities.xml", '<!DOCTYPE r [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><r><o><id>&c;</id></o></r>')
    objects.put("outside.xml", '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r><o><id>&a;</id></o></r>')
    objects.put("no.xlsx", b"PK\x03\x04 no workbook")
    result = objects.load()
    assert (result.rows_loaded, result.dead_letters) == (1, 6)
    reasons = {reason.split(":")[0]: reason for reason, _ in objects.letters()}
    assert "more than 1,000,000 bytes" in reasons["bomb.csv.gz"]
    assert "more than 1,000,000 bytes" in reasons["bomb.zip"]
    assert "not a readable gzip file" in reasons["cut.csv.gz"]
    assert objects.load().dead_letters == 0


@pytest.mark.full
def test_what_is_whole_before_the_damage_is_loaded(objects) -> None:
    objects.stream("*.json")
    objects.put("a.json", '[{"id": 1}, {"id": 2}, 7, {"id": ')
    result = objects.load()
    assert (result.rows_loaded, result.dead_letters) == (2, 2)
    assert objects.load().rows_read == 0
    objects.put("a.json", '[{"id": 1}, {"id": 2}, {"id": 3}]')
    assert objects.load().rows_loaded == 1


@pytest.mark.full
def test_columns_of_files_that_differ_are_widened_and_joined(objects) -> None:
    objects.stream("*.parquet")
    objects.put("a.parquet", _parquet(id=[1], v=pa.array([1], pa.int32())))
    assert objects.load().rows_loaded == 1
    objects.put("b.parquet", _parquet(id=[2], v=[2**40], w=["x"]))
    objects.put("c.parquet", _parquet(w=["y"], id=[3]))
    assert objects.load().rows_loaded == 2
    assert objects.bronze("select id, v, w from bronze order by id") == [
        (1, 1, None),
        (2, 2**40, "x"),
        (3, None, "y"),
    ]


def test_an_object_that_is_replaced_between_its_listing_and_its_reading_is_left(objects, tmp_path: Path) -> None:
    objects.put("a.csv", "id,v\n1,a\n")
    objects.put("b.csv", "id,v\n2,b\n")
    objects.put("c.csv", "id,v\n3,c\n")
    (source,) = load_sources(objects.project)
    keep = tmp_path / "keep"
    keep.mkdir()

    def pull(name: str):
        work = tmp_path / name
        work.mkdir()
        con = duck.connect()
        request = PullRequest(
            load_settings(objects.project), source, source.streams[0], {}, con, work, lambda _: None, keep
        )
        return con, FilesExtractor().pull(request)

    pull("listed")
    objects.put("a.csv", "id,v\n1,changed\n")
    objects.store.delete("in/b.csv")
    con, again = pull("again")
    assert con.sql(f"select id, v from ({again.relation})").fetchall() == [("3", "c")]
    assert list(again.advance["files"]) == ["c.csv"]
    assert again.notes == ["changed while being read, left for the next run: a.csv, b.csv"]
    assert objects.load().rows_loaded == 2


@pytest.mark.full
def test_many_files_come_in_batches_and_their_manifest_stays_small(
    objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.extract.pending.BATCH_FILES", 7)
    monkeypatch.setattr("ingest.extract.manifest.INLINE", 5)
    for number in range(30):
        objects.put(f"{number:03d}.csv", f"id,v\n{number},a\n")
    result = objects.load()
    assert (result.rows_read, result.rows_loaded) == (30, 30)
    table = Lake(load_settings(objects.project)).table("bronze.s__t")
    position = read_state(table).position
    assert len(position["files"]) <= 5
    assert sum(one["files"] for one in position["segments"]) + len(position["files"]) == 30
    assert len(table.metadata.snapshots) == 5
    kept = [path.name for path in (objects.project / "lake" / "positions" / "bronze.s__t").iterdir()]
    assert sorted(kept) == sorted(one["name"] for one in position["segments"])
    assert objects.load().rows_read == 0
    objects.put("003.csv", "id,v\n3,b\n")
    objects.put("999.csv", "id,v\n999,a\n")
    assert objects.load().rows_loaded == 2
    assert objects.load().rows_read == 0
    assert objects.load(reset=["s.t"]).rows_read == 31
    assert objects.load().rows_read == 0


@pytest.mark.full
def test_a_bucket_that_is_not_there_is_one_clear_message(objects) -> None:
    objects.connection["url"] = "s3://not-there/in"
    objects.stream()
    failed = objects.ingest()
    assert "not-there" in failed.error
    assert "Debug" not in failed.error
    objects.options["endpoint"] = "http://127.0.0.1:9"
    objects.stream()
    code, printed = objects.command("doctor")
    assert code == 1
    assert "cannot be reached" in printed
    assert "Traceback" not in printed


@pytest.mark.full
def test_discovery_looks_into_a_bucket(objects) -> None:
    objects.put("people/a.csv", "person_id,email\n1,a@example.org\n2,b@example.org\n")
    code, printed = objects.command("discover", "c")
    assert code == 0, printed
    assert "person_id" in printed
    assert "smelt-discover-" not in printed
    objects.connection["url"] = "s3://not-there/in"
    objects.stream()
    code, printed = objects.command("discover", "c")
    assert (code, "Traceback" in printed) == (1, False)
