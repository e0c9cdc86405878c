"""Killed anywhere, cut off, restarted: bronze holds the writer's history, each event once and in order."""

from __future__ import annotations

import random
import signal
import threading
import time
from pathlib import Path

import pytest

from plugins.core.settings import load_settings
from tests.ingest.mongo.conftest import Collected
from tests.ingest.worker import run, start

FIRST = ["after-start", "after-begin", "after-piece", "after-letters", "in-transaction:2", "after-part",
         "after-part:3", "after-reading", "after-stream-commit", "after-place"]  # fmt: skip
# Steps after which the first collection may be seen.
SEEN = {"after-stream-commit", "after-place"}
ONWARD = ["after-piece", "after-letters", "before-commit", "in-transaction:2", "after-commit:2",
          "after-stream-commit", "after-stream-commit:2", "before-place", "in-transaction:3",
          "after-place"]  # fmt: skip


class History:
    """Writes to two collections, some of it in transactions, and remembers each event."""

    def __init__(self, shop: Collected, seed: int, full_document: str = "required") -> None:
        self.shop, self.events = shop, {"t": [], "u": []}
        self.letters = 0
        self._random, self._next = random.Random(seed), 0
        self._live: dict[str, set[int]] = {"t": set(), "u": set()}
        shop.replica.images |= {"t", "u"}
        shop.read("t", "u", source={"mongo": {"full_document": full_document}})

    def write(self, count: int) -> None:
        for _ in range(count):
            common = self.shop.replica.transaction() if self._random.random() < 0.2 else {}
            for _ in range(self._random.randint(1, 5) if common else 1):
                self._change(self._random.choice("tu"), common)

    def spoil(self) -> None:
        """A document that can't be read."""
        import bson
        from bson.raw_bson import RawBSONDocument

        self._next += 1
        twice = bson.encode({"_id": -self._next, "a": 1, "b": 2}).replace(b"b\x00\x02", b"a\x00\x02")
        self.shop.insert(RawBSONDocument(twice))
        self.letters += 1

    def _change(self, name: str, common: dict) -> None:
        live, replica = self._live[name], self.shop.replica
        what = self._random.choice("ccuurd") if live else "c"
        key = self._random.choice(sorted(live)) if live else 0
        self._next += 1
        if what == "c":
            key = self._next
            live.add(key)
            replica.insert("shop", name, {"_id": key, "v": self._next}, **common)
        elif what == "u":
            replica.update("shop", name, key, v=self._next, **common)
        elif what == "r":
            replica.replace("shop", name, {"_id": key, "v": self._next}, **common)
        else:
            live.remove(key)
            replica.delete("shop", name, key, **common)
        op = "u" if what == "r" else what
        self.events[name].append((op, str(key), None if op == "d" else self._next))

    def require(self, *, is_whole: bool = True) -> None:
        """What is there is what was written. is_whole: no event was before the first reading began."""
        for name in ("t", "u"):
            found = self.shop.events("_id, v", name)
            expected = self.events[name]
            assert found == (expected if is_whole else expected[len(expected) - len(found) :])
            documents = self.shop.replica.documents("shop", name)
            live = sorted((str(d["_id"]), d["v"]) for d in documents if d["_id"] >= 0)
            assert self.shop.state("_id, v", name) == live
            ((rows, places),) = self.shop.bronze(
                "select count(*), count(distinct (_smelt_batch_id, _smelt_source_position)) from bronze",
                f"s__{name}",
            )
            assert rows == places
            assert not self.shop.bronze(
                "select _id from bronze where _smelt_op = 'r' group by 1 having count(*) > 1", f"s__{name}"
            )
        if self.letters:
            assert len(self.shop.letters()) == self.letters


@pytest.fixture
def history(shop: Collected) -> History:
    shop.replica.most = 7
    return History(shop, seed=7)


def kill_at(shop: Collected, failpoint: str) -> None:
    process = run(ingest_in_parts, str(shop.project), failpoint=failpoint, hit=shop.project / "hit")
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (shop.project / "hit").read_text() == failpoint.partition(":")[0]


def ingest_in_parts(project: str) -> None:
    """Ingest, with first readings in parts of ten documents."""
    import ingest
    import ingest.mongo.snapshot as snapshot

    snapshot._PART_ROWS = 10
    for result in ingest.run(load_settings(Path(project))):
        if result.error:
            raise SystemExit(result.error)


@pytest.mark.full
def test_a_first_capture_of_collections_killed_at_each_step(shop, history: History) -> None:
    history.write(200)
    history.spoil()
    for failpoint in FIRST:
        kill_at(shop, failpoint)
        history.write(20)
        assert failpoint in SEEN or shop.bronze("select count(*) from bronze") == [(0,)], "half of it is seen"
    shop.loads()
    # A document that can't be read is told with its key, and with its place in the stream.
    assert len(shop.letters()) in (1, 2)
    history.letters = 0
    history.require(is_whole=False)


@pytest.mark.full
def test_reading_a_change_stream_killed_at_each_step(shop, history: History) -> None:
    shop.insert({"_id": 0, "v": 0}, to="t")
    shop.insert({"_id": 0, "v": 0}, to="u")
    shop.loads()
    for failpoint in ONWARD:
        history.write(25)
        history.spoil()
        kill_at(shop, failpoint)
    history.write(20)
    shop.loads()
    history.require()


@pytest.mark.full
def test_readers_see_no_transaction_in_one_collection_and_not_in_the_other(shop, history: History) -> None:
    history.write(20)
    shop.loads()
    before = {name: shop.events("_id, v", name) for name in ("t", "u")}
    history.write(40)
    kill_at(shop, "after-stream-commit")
    assert {name: shop.events("_id, v", name) for name in ("t", "u")} == before
    shop.loads()
    history.require(is_whole=False)


@pytest.mark.full
def test_what_a_killed_run_committed_is_seen_without_any_new_event(shop) -> None:
    shop.insert({"_id": 1, "v": 1})
    shop.read()
    shop.load()
    shop.insert({"_id": 2, "v": 2})
    kill_at(shop, "after-stream-commit")
    assert shop.state("_id") == [("1",)]
    shop.load()
    assert shop.state("_id") == [("1",), ("2",)]


@pytest.mark.full
def test_two_ingests_at_once_double_nothing(shop, history: History) -> None:
    history.write(40)
    shop.loads()
    for _ in range(2):
        history.write(60)
        both = [start(shop.project), start(shop.project)]
        for process in both:
            process.join()
            # One may be told that the other was first.
            assert process.exitcode in (0, 1)
    shop.loads()
    history.require(is_whole=False)


@pytest.mark.full
@pytest.mark.parametrize(
    "failpoint", ["after-stream-commit", "after-place", "after-parquet", "before-acknowledge"]
)
def test_reading_a_renamed_collection_again_is_killed(shop, failpoint: str) -> None:
    shop.insert({"_id": 1, "v": 1})
    shop.insert({"_id": 7, "v": 7}, to="other")
    shop.read()
    shop.load()
    shop.insert({"_id": 2, "v": 2}, {"_id": 3, "v": 3})
    shop.replica.rename("shop", "other", "t")
    kill_at(shop, failpoint)
    shop.insert({"_id": 8, "v": 8})
    shop.load()
    assert [event for event in shop.events("_id") if event[0] == "c"] == [("c", "2"), ("c", "3"), ("c", "8")]
    assert shop.state("_id, v") == [("7", 7), ("8", 8)]


def reset(project: str) -> None:
    import ingest

    ingest.run(load_settings(Path(project)), reset=["s"])


@pytest.mark.full
def test_reading_again_killed_at_each_step_is_not_forgotten(shop) -> None:
    """The oplog has lost events; what was begun to mend it goes on without being asked for again."""
    history = History(shop, 3)
    history.write(60)
    shop.loads()
    for failpoint in ("after-start", "before-commit:3", "after-parquet", "in-transaction:4", "after-acknowledge"):
        history.write(30)
        shop.replica.forget()
        process = run(reset, str(shop.project), failpoint=failpoint, hit=shop.project / "hit")
        process.join()
        assert process.exitcode == -signal.SIGKILL, failpoint
        history.write(10)
        shop.loads()
        for name in ("t", "u"):
            documents = shop.replica.documents("shop", name)
            assert shop.state("_id, v", name) == sorted((str(d["_id"]), d["v"]) for d in documents), failpoint


@pytest.mark.full
def test_killed_at_random_while_an_application_writes(shop) -> None:
    history = History(shop, 11, "lookup")
    for name in ("t", "u"):
        shop.insert({"_id": 0, "v": 0}, to=name)
    chance, is_over = random.Random(5), threading.Event()

    def write() -> None:
        while not is_over.is_set():
            history.write(3)
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    kills = 0
    while kills < 10:
        process = start(shop.project, repeat=50)
        process.join(chance.uniform(0.3, 2.0))
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
        if kills % 4 == 3:
            shop.wire.cut()
    is_over.set()
    writer.join()
    shop.loads()
    for name in ("t", "u"):
        documents = shop.replica.documents("shop", name)
        assert shop.state("_id, v", name) == sorted((str(d["_id"]), d["v"]) for d in documents)
        # An update whose document was gone when it was looked up is a deletion.
        found, written = shop.events("_id", name), history.events[name]
        assert [key for _, key in found] == [key for _, key, _ in written[len(written) - len(found) :]]


def follow(project: str, seconds: float) -> None:
    """Follow the stream as `smelt watch` does, for a while; opened anew when the connection is lost."""
    from ingest import runner
    from ingest.connections import ConnectionPool
    from ingest.load import Job
    from ingest.mongo import open_feed
    from ingest.retry import Transient
    from ingest.spec import load_sources
    from plugins.core.lake import Lake
    from plugins.core.ledger import Ledger, open_run

    settings, deadline = load_settings(Path(project)), time.monotonic() + seconds
    with open_run(Ledger(settings), "watch") as record:
        pool = ConnectionPool(settings)
        pairs = runner.select(load_sources(Path(project)), ())
        jobs = [Job(Lake(settings), record, pool, *pair) for pair in pairs]
        while time.monotonic() < deadline:
            try:
                feed = open_feed(jobs)
            except Transient:
                continue
            try:
                while time.monotonic() < deadline:
                    feed.take(0.2)
                    feed.commit()
                    assert feed.lag().events is not None or not feed.is_full
            except Transient:
                pass
            finally:
                feed.close()


@pytest.mark.full
def test_a_server_that_is_cut_off_and_restarted(shop, history: History) -> None:
    history.write(30)
    shop.loads()
    member = run(follow, str(shop.project), 8.0)
    for n in range(4):
        time.sleep(1.2)
        history.write(20)
        if n % 2:
            shop.wire.stop()
            history.write(10)
            time.sleep(0.3)
            shop.wire.start()
        else:
            shop.wire.cut()
    member.join()
    assert member.exitcode == 0
    followed = sum(len(shop.events("_id", name)) for name in ("t", "u"))
    assert followed >= 80
    shop.loads()
    history.require(is_whole=False)
