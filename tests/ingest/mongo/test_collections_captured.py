"""Changes of collections land once, in order, with the latest state right."""

from __future__ import annotations

import json
import time

import bson
import pytest
from bson.int64 import Int64
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument

from plugins.core.settings import load_settings


def live(shop, table: str = "t", field: str = "v") -> list[tuple]:
    """What the server has: key and a field, as bronze has them."""
    return sorted((str(d["_id"]), d.get(field)) for d in shop.replica.documents("shop", table))


def test_a_first_reading_and_then_its_changes(shop) -> None:
    shop.insert({"_id": 1, "v": 1}, {"_id": 2, "v": 2}, {"_id": 3, "v": 3})
    shop.read()
    assert shop.load().rows_loaded == 3
    assert shop.state("_id, v") == [("1", 1), ("2", 2), ("3", 3)]
    shop.replica.update("shop", "t", 1, v=10)
    shop.replica.delete("shop", "t", 2)
    shop.replica.replace("shop", "t", {"_id": 3, "w": "x"})
    shop.insert({"_id": 4, "v": 4})
    result = shop.load()
    assert (result.rows_loaded, result.tombstones) == (4, 1)
    assert shop.state("_id, v, w") == [("1", 10, None), ("3", None, "x"), ("4", 4, None)]
    assert [op for op, *_ in shop.events("_id")] == ["u", "d", "u", "c"]
    assert [json.loads(told)["updatedFields"] for _, told in shop.events("_smelt_update") if told] == [{"v": 10}]
    assert shop.load().outcome == "unchanged"


def test_a_first_reading_that_is_overlapped_by_writes(shop) -> None:
    shop.replica.most = 3
    shop.insert(*({"_id": n, "v": n} for n in range(10, 30)))

    def write() -> None:
        shop.replica.update("shop", "t", 11, v=-11)
        shop.replica.delete("shop", "t", 10)
        shop.replica.delete("shop", "t", 29)
        shop.insert({"_id": 5, "v": 5}, {"_id": 40, "v": 40})
        shop.replica.update("shop", "t", 28, v=-28)
        shop.replica.delete("shop", "t", 28)
        shop.insert({"_id": 28, "v": 280})

    shop.replica.hooks += [("getMore", write)]
    shop.read()
    shop.load()
    assert shop.state("_id, v") == live(shop)
    assert not shop.replica.hooks


@pytest.mark.full
def test_keys_of_all_types_are_read_in_parts(shop, monkeypatch) -> None:
    monkeypatch.setattr("ingest.mongo.snapshot._PART_ROWS", 2)
    shop.replica.most = 4
    keys = [None, -5, 1.5, 7, Int64(2**40), "a", "b", {"a": 1}, {"b": {"c": "x"}}, b"xy", ObjectId(), True, False]
    shop.insert(*({"_id": key, "v": n} for n, key in enumerate(keys)))
    shop.read()
    assert shop.load().rows_loaded == len(keys)
    assert [n for (n,) in shop.bronze("select v from bronze order by v")] == list(range(len(keys)))


@pytest.mark.full
def test_fields_whose_type_changes_begin_a_version(shop) -> None:
    shop.insert({"_id": 1, "v": 1}, {"_id": 2, "v": 2})
    shop.read()
    shop.load()
    shop.insert({"_id": 3, "v": "three"}, {"_id": 4, "v": 4}, {"_id": 5, "v": {"n": 5}}, {"_id": 6, "v": 6.5})
    shop.load()
    assert shop.state("_id, v, v__v2, v__v3") == [
        ("1", 1, None, None), ("2", 2, None, None), ("3", None, "three", None), ("4", 4, None, None),
        ("5", None, '{"n": 5}', None), ("6", None, None, 6.5),
    ]  # fmt: skip


@pytest.mark.full
def test_hostile_documents_land_or_are_dead_letters(shop) -> None:
    twice = bson.encode({"_id": 2, "a": 1, "b": 2}).replace(b"b\x00\x02", b"a\x00\x02")
    latin = bson.encode({"_id": 3, "s": "ab"}).replace(b"ab", b"\xff\xfe")
    hostile = {
        "_id": 1, "a.b": 1, "": 2, "_smelt_op": "d", "A": 3, "a": 4, "$x": 5, 'q"\'': 6, "drop table": 7, "_ID": 8,
        "nul": "a\0b", "_smelt_update": 9, "k": "c0",
    }  # fmt: skip
    shop.insert(hostile, RawBSONDocument(twice), RawBSONDocument(latin))
    shop.read()
    result = shop.load()
    assert (result.rows_loaded, result.dead_letters) == (1, 2)
    ((extra, dotted, quoted, nul),) = shop.state('_smelt_extra, "a.b", "q""\'", nul')
    assert (dotted, quoted, nul) == (1, 6, "a\0b")
    assert json.loads(extra) == {"": 2, "_smelt_op": "d", "a": 4, "_ID": 8, "_smelt_update": 9}
    assert {reason.split(":")[0] for reason, _ in shop.letters()} == {
        "a field stands twice in the document, or is of a type that is no longer used", "not BSON",
    }  # fmt: skip
    shop.insert(RawBSONDocument(twice.replace(b"\x10_id\x00\x02", b"\x10_id\x00\x05")), {"_id": 6, "a": 1})
    result = shop.load()
    assert (result.rows_loaded, result.dead_letters) == (1, 1)
    assert shop.load(reset=["s.t"]).dead_letters == 1, "told again with its place in the collection"


def test_a_transaction_is_taken_whole(shop) -> None:
    shop.insert({"_id": 1, "v": 1})
    shop.insert({"_id": 1, "v": 1}, to="u")
    shop.read("t", "u")
    shop.loads()
    shop.replica.most = 2
    common = shop.replica.transaction()
    for n in range(2, 6):
        shop.insert({"_id": n, "v": n}, to="t" if n % 2 else "u", **common)
    shop.replica.update("shop", "t", 1, v=2, **common)
    shop.loads()
    told = "_id, _smelt_session, _smelt_txn_number, _smelt_cluster_time"
    found = shop.events(told, "t") + shop.events(told, "u")
    assert [row[:2] for row in found] == [("c", "3"), ("c", "5"), ("u", "1"), ("c", "2"), ("c", "4")]
    at = f"{common['at'].time:010d}.{common['at'].inc:010d}"
    assert {row[2:] for row in found} == {(common["transaction"][0].hex, 7, at)}
    log = shop.bronze("select events, transactions, cluster_time from bronze order by 1", "s__cdc_transactions")
    assert log[-1] == (5, 1, at)


@pytest.mark.full
def test_an_update_brings_what_is_there_when_it_is_looked_up(shop) -> None:
    shop.insert({"_id": 1, "v": 0}, {"_id": 2, "v": 0})
    shop.read()
    shop.load()
    shop.replica.update("shop", "t", 1, v=1)
    shop.replica.update("shop", "t", 1, v=2)
    shop.replica.update("shop", "t", 2, v=3)
    shop.replica.delete("shop", "t", 2)
    shop.load()
    assert shop.events("_id, v, _smelt_update is not null") == [
        ("u", "1", 2, True), ("u", "1", 2, True), ("d", "2", None, True), ("d", "2", None, False),
    ]  # fmt: skip
    assert shop.state("_id, v") == [("1", 2)]


@pytest.mark.full
def test_with_post_images_an_update_brings_what_it_made(shop) -> None:
    shop.insert({"_id": 1, "v": 0})
    shop.read(source={"mongo": {"full_document": "required"}})
    assert "changeStreamPreAndPostImages" in (shop.ingest().hint or "")
    shop.replica.images.add("t")
    shop.load()
    shop.replica.update("shop", "t", 1, v=1)
    shop.replica.update("shop", "t", 1, v=2)
    shop.load()
    assert shop.events("v") == [("u", 1), ("u", 2)]
    shop.replica.images.clear()
    shop.replica.update("shop", "t", 1, v=3)
    assert "post-image is not there" in (shop.ingest().error or "")


@pytest.mark.full
def test_collections_that_are_dropped_and_renamed(shop) -> None:
    shop.insert({"_id": 1, "v": 1}, {"_id": 2, "v": 2})
    shop.insert({"_id": 1, "v": 1}, to="u")
    shop.insert({"_id": 7, "v": 7}, {"_id": 8, "v": 8}, to="other")
    shop.read("t", "u")
    shop.loads()
    shop.insert({"_id": 3, "v": 3})
    shop.replica.drop("shop", "t")
    shop.insert({"_id": 2, "v": 20})
    shop.replica.rename("shop", "u", "v")
    shop.loads()
    assert [(op, key) for op, key in shop.events("_id")] == [
        ("c", "3"),
        ("d", "1"),
        ("d", "2"),
        ("d", "3"),
        ("c", "2"),
    ]
    assert shop.state("_id, v") == [("2", 20)]
    assert shop.state("_id, v", "u") == []
    shop.replica.rename("shop", "other", "u")
    shop.insert({"_id": 9, "v": 9}, to="u")
    shop.replica.delete("shop", "u", 7)
    results = shop.loads()
    assert any("renamed to it" in note for result in results.values() for note in result.notes)
    assert shop.state("_id, v", "u") == live(shop, "u")
    shop.replica.drop_database("shop")
    shop.insert({"_id": 5, "v": 5})
    shop.loads()
    assert (shop.state("_id, v"), shop.state("_id, v", "u")) == ([("5", 5)], [])
    shop.insert({"_id": 6, "v": 6})
    shop.loads()
    assert shop.state("_id, v") == [("5", 5), ("6", 6)]


@pytest.mark.full
def test_an_empty_collection_is_written_to_and_dropped(shop) -> None:
    twice = bson.encode({"_id": 1, "a": 1, "b": 2}).replace(b"b\x00\x02", b"a\x00\x02")
    shop.insert(RawBSONDocument(twice))

    def write() -> None:
        shop.insert({"_id": 2, "v": 2})
        shop.replica.drop("shop", "t")
        shop.insert({"_id": 3, "v": 3})

    shop.replica.hooks += [("getMore", write)]
    shop.read()
    shop.load()
    assert shop.state("_id, v") == [("3", 3)]
    shop.replica.drop("shop", "t")
    shop.load()
    assert shop.state("_id") == []


@pytest.mark.full
def test_a_watch_reads_a_renamed_collection_again(shop) -> None:
    from ingest.watch.engine import following

    shop.insert({"_id": 1, "v": 1})
    shop.insert({"_id": 7, "v": 7}, to="other")
    shop.read()
    shop.load()
    with following(load_settings(shop.project), [], every=0.1, poll=60.0, on_commit=lambda _: None) as engine:
        shop.replica.drop("shop", "t")
        shop.replica.rename("shop", "other", "t")
        shop.insert({"_id": 8, "v": 8})
        deadline = time.monotonic() + 60
        while shop.state("_id, v") != [("7", 7), ("8", 8)]:
            assert time.monotonic() < deadline, (engine.statuses(), shop.state("_id, v"))
            time.sleep(0.2)
    assert shop.state("_id, v") == [("7", 7), ("8", 8)]


@pytest.mark.full
def test_lost_changes_are_told_and_reading_again_mends_it(shop) -> None:
    shop.insert({"_id": 1, "v": 1}, {"_id": 2, "v": 2})
    shop.read()
    shop.load()
    shop.replica.delete("shop", "t", 1)
    shop.replica.update("shop", "t", 2, v=20)
    shop.insert({"_id": 3, "v": 3})
    shop.replica.forget()
    result = shop.ingest()
    assert "no longer has the changes" in (result.error or "")
    assert "--reset s" in (result.hint or "")
    assert shop.state("_id, v") == [("1", 1), ("2", 2)]
    assert "read again and compared" in shop.load(reset=["s.t"]).notes[0]
    assert shop.state("_id, v") == live(shop)
    shop.insert({"_id": 4, "v": 4})
    shop.load()
    assert shop.state("_id, v") == live(shop)


@pytest.mark.full
def test_streams_come_go_and_come_back(shop) -> None:
    for name in ("t", "u", "w"):
        shop.insert({"_id": 1, "v": 1}, to=name)
    shop.read("t")
    shop.loads()
    shop.insert({"_id": 2, "v": 2})
    shop.read("t", "u")
    shop.loads()
    # The last event that was read is of a collection that is left out then.
    shop.insert({"_id": 3, "v": 3}, to="u")
    shop.loads()
    shop.read("t", "w")
    shop.insert({"_id": 4, "v": 4}, to="u")
    shop.insert({"_id": 4, "v": 4})
    shop.loads()
    shop.read("t", "u", "w")
    shop.insert({"_id": 5, "v": 5}, to="w")
    shop.loads()
    for name in ("t", "u", "w"):
        assert shop.state("_id, v", name) == live(shop, name)


@pytest.mark.full
def test_several_databases_share_a_stream(shop) -> None:
    shop.insert({"_id": 1, "v": 1})
    shop.replica.insert("crm", "people", {"_id": 1, "v": 1})
    shop.read("t")
    shop.loads()
    shop.read("t", "crm.people")
    shop.loads()
    shop.replica.insert("crm", "people", {"_id": 2, "v": 2})
    shop.insert({"_id": 2, "v": 2})
    shop.loads()
    assert shop.state("_id, v", "people") == shop.state("_id, v") == [("1", 1), ("2", 2)]


@pytest.mark.full
def test_a_pulled_stream_is_captured_from_then_on(shop) -> None:
    shop.insert({"_id": 1, "v": 1}, {"_id": 2, "v": 2})
    shop.read(sync_mode="full")
    assert shop.load().rows_loaded == 2
    shop.replica.delete("shop", "t", 1)
    shop.read()
    assert shop.load().tombstones == 1
    shop.replica.update("shop", "t", 2, v=3)
    shop.load()
    assert shop.state("_id, v") == [("2", 3)]
