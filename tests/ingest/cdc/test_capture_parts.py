"""A large table is read in parts; killed at any, it goes on there, in a newer snapshot, and all is right."""

from __future__ import annotations

import random
import signal
import threading
import uuid

import psycopg
import pytest

from plugins.core.lake import Lake, read_state
from plugins.core.settings import load_settings
from tests.ingest.worker import start

ROWS = 4_000
_TABLE = "create table t (id bigint primary key, v int, note text)"
_FILL = f"insert into t select g, 0, repeat('x', 200) from generate_series(1, {ROWS}) as g"


def _declare(shop, chunk: str = "128KiB") -> None:
    shop.declare(t="[id]")
    path = shop.project / "sources" / "shop" / "source.yml"
    path.write_text(path.read_text().replace("cdc: {", f"cdc: {{chunk: {chunk}, "))


def _kill_at(shop, failpoint: str) -> None:
    process = start(shop.project, failpoint)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (shop.project / "hit").read_text() == failpoint.partition(":")[0]


def _position(shop) -> dict:
    return dict(read_state(Lake(load_settings(shop.project)).table("bronze.shop__t")).position)


def _assert_same(shop) -> None:
    assert shop.state("id, v, length(note)") == shop.rows("select id, v, length(note) from t order by id")


class Writer:
    """Changes rows all over the table, moves keys across it, and remembers each row's events."""

    def __init__(self, shop, seed: int) -> None:
        self.events: dict[int, list[tuple[str, int | None]]] = {}
        self._random, self._shop = random.Random(seed), shop
        self._live, self._next = set(range(1, ROWS + 1)), ROWS

    def write(self, transactions: int) -> None:
        with psycopg.connect(self._shop.dsn, autocommit=True) as connection:
            connection.execute(f'set search_path to "{self._shop.schema}"')
            for _ in range(transactions):
                with connection.transaction():
                    for _ in range(self._random.randint(1, 4)):
                        self._change(connection.execute)

    def _change(self, run) -> None:
        value = self._random.randint(1, 10**6)
        key = self._random.choice(tuple(self._live))
        what = self._random.choice("cuuudm")
        if what == "c":
            self._next += 1
            run("insert into t values (%s, %s, 'new')", [self._next, value])
            self._live.add(self._next)
            self._add(self._next, ("c", value))
        elif what == "u":
            run("update t set v = %s where id = %s", [value, key])
            self._add(key, ("u", value))
        elif what == "d":
            run("delete from t where id = %s", [key])
            self._live.remove(key)
            self._add(key, ("d", None))
        else:
            to = self._random.randint(1, ROWS)
            if to not in self._live:
                run("update t set id = %s, v = %s where id = %s", [to, value, key])
                self._live.remove(key)
                self._live.add(to)
                self._add(key, ("d", None))
                self._add(to, ("u", value))

    def _add(self, key: int, event: tuple[str, int | None]) -> None:
        self.events.setdefault(key, []).append(event)

    def assert_history(self) -> None:
        """Each row's events are the last ones of its history, in order, each once; its reading precedes them."""
        found: dict[int, list[tuple[str, int | None]]] = {}
        for op, key, value in self._shop.events("id, v"):
            found.setdefault(key, []).append((op, value))
        for key, events in found.items():
            read = [n for n, (op, _) in enumerate(events) if op == "r"]
            assert read in ([], [0]), (key, events)
            later = events[len(read) :]
            known = self.events.get(key, [])
            assert later == known[len(known) - len(later) :], (key, events, known)


def test_a_large_table_is_read_in_parts(shop) -> None:
    shop.sql(_TABLE, _FILL, "analyze t")
    _declare(shop)
    result = shop.load()["t"]
    assert (result.outcome, result.rows_loaded) == ("loaded", ROWS)
    assert shop.bronze("select count(distinct _smelt_batch_id) > 3, count(distinct id) from bronze") == [
        (True, ROWS)
    ]
    assert _position(shop)["unread"] is None
    shop.sql("update t set v = 1 where id = 5", "delete from t where id = 4000")
    shop.load()
    _assert_same(shop)


@pytest.mark.parametrize(
    "failpoint",
    [
        pytest.param("after-chunk-file", marks=pytest.mark.full),
        pytest.param("in-transaction:4", marks=pytest.mark.full),
        "after-chunk",
        pytest.param("after-chunk:3", marks=pytest.mark.full),
    ],
)
def test_killed_at_each_step_it_goes_on_where_it_was(shop, failpoint: str) -> None:
    shop.sql(_TABLE, _FILL, "analyze t")
    _declare(shop)
    writer = Writer(shop, seed=5)
    _kill_at(shop, failpoint)
    if failpoint != "after-chunk-file":
        # Nobody sees a part of the table.
        assert shop.bronze("select count(*) from bronze") == [(0,)]
    writer.write(60)
    if failpoint == "after-chunk:3":
        before = _position(shop)["unread"]["start"]
        _kill_at(shop, "after-catch-up")
        assert shop.bronze("select count(*) from bronze") == [(0,)]
        writer.write(60)
        _kill_at(shop, "after-chunk")
        assert int(_position(shop)["unread"]["start"]) > int(before)
        writer.write(60)
    shop.load()
    _assert_same(shop)
    writer.write(40)
    shop.load()
    _assert_same(shop)
    writer.assert_history()


@pytest.mark.full
def test_killed_again_and_again_while_it_is_written_to(shop) -> None:
    shop.sql(_TABLE, _FILL, "analyze t")
    _declare(shop, "64KiB")
    writer, is_ended, starts = Writer(shop, seed=9), threading.Event(), []

    def write() -> None:
        while not is_ended.is_set():
            writer.write(5)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for failpoint in ("after-chunk", "after-chunk-file", "after-chunk:2", "in-transaction:2", "after-chunk"):
            _kill_at(shop, failpoint)
            starts.append(int(_position(shop)["unread"]["start"]))
        shop.load()
    finally:
        is_ended.set()
        thread.join()
    assert starts == sorted(starts)
    assert starts[-1] > starts[0]
    shop.load()
    _assert_same(shop)
    writer.assert_history()


def test_values_that_were_not_sent_while_it_was_broken_off_are_not_lost(shop) -> None:
    shop.sql(_TABLE, "alter table t alter note set storage external", _FILL)
    shop.sql(f"update t set note = repeat('y', 9000) where id > {ROWS - 5}", "vacuum full t", "analyze t")
    _declare(shop)
    _kill_at(shop, "after-chunk:2")
    # Its value stays out of line, and its old key was in no part that is there.
    shop.sql("delete from t where id = 1", f"update t set id = 1, v = 7 where id = {ROWS}")
    shop.load()
    _assert_same(shop)
    assert shop.state("id, v, length(note)")[0] == (1, 7, 9000)


@pytest.mark.full
def test_a_table_that_was_emptied_while_it_was_broken_off(shop) -> None:
    shop.sql(_TABLE, _FILL, "analyze t")
    _declare(shop)
    _kill_at(shop, "after-chunk:2")
    shop.sql("truncate t")
    shop.load()
    assert shop.state("id") == []
    shop.sql("insert into t values (1, 1, null)")
    shop.load()
    _assert_same(shop)


@pytest.mark.full
def test_uuids_are_read_in_parts_where_rows_lie_in_their_order(shop) -> None:
    shop.sql("create table t (id uuid primary key, v int)")
    keys = sorted(uuid.UUID(int=random.Random(n).getrandbits(128)) for n in range(ROWS))
    listed = ", ".join(f"('{key}', {n})" for n, key in enumerate(keys))
    shop.sql(f"insert into t values {listed}")
    shop.sql("analyze t")
    _declare(shop, "64KiB")
    _kill_at(shop, "after-chunk")
    shop.sql("update t set v = -v", f"delete from t where id in ('{keys[0]}', '{keys[-1]}')")
    shop.load()
    assert shop.state("id, v") == [
        (str(key), value) for key, value in shop.rows("select id, v from t order by id")
    ]
