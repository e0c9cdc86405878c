"""Servers that restart, fail over, lose their log, or speak TLS only."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import ingest
from ingest.connections import ConnectionPool
from ingest.load import Job
from ingest.mysql.feed import MysqlFeed, open_feed
from ingest.retry import Transient
from ingest.spec import load_sources
from plugins.core.lake import Lake
from plugins.core.ledger import Ledger, open_run
from plugins.core.settings import load_settings
from tests.ingest.mysql.conftest import Captured, captured
from tests.ingest.mysql.mariadb import Server, folder

pytestmark = pytest.mark.full


@pytest.fixture
def alone(project: Path, own_server: Server) -> Captured:
    """A project and a database of a server that nobody else needs."""
    made = captured(project, own_server)
    made.sql("create table t (id int primary key, v int)", "insert into t values (1, 1)")
    made.declare(t="[id]")
    return made


@pytest.fixture
def replica() -> Iterator[Server]:
    place = folder()
    server = Server(place, ("--server-id=2", "--log-slave-updates", "--gtid-strict-mode"))
    server.start()
    yield server
    server.stop()
    shutil.rmtree(place, ignore_errors=True)


def test_a_feed_goes_on_after_the_server_crashed(alone: Captured) -> None:
    alone.load()
    settings = load_settings(alone.project)
    (source,) = load_sources(settings.project_dir)
    with open_run(Ledger(settings), "watch") as run:
        jobs = [Job(Lake(settings), run, ConnectionPool(settings), source, source.streams[0])]
        feed = open_feed(jobs)
        alone.sql("insert into t values (2, 2)")
        taken = 0
        while not taken:
            taken = feed.take(1.0)
        feed.commit()
        assert feed.lag().bytes == 0
        alone.sql("insert into t values (3, 3)")
        alone.server.kill()
        alone.server.start()
        with pytest.raises(Transient):
            _take_on(feed)
        feed.close()
        alone.sql("insert into t values (4, 4)")
        feed = open_feed(jobs)
        taken = 0
        while taken < 2:
            taken += feed.take(1.0)
        feed.commit()
        feed.close()
    assert alone.events("id, v") == [("r", 1, 1), ("c", 2, 2), ("c", 3, 3), ("c", 4, 4)]
    alone.load()


def _take_on(feed: MysqlFeed) -> None:
    for _ in range(60):
        feed.take(1.0)


def test_a_log_that_was_deleted_is_told_and_read_again(alone: Captured) -> None:
    alone.load()
    alone.sql("update t set v = 2", "flush binary logs", "insert into t values (2, 2)", "flush binary logs")
    newest = alone.rows("show master status")[0][0]
    alone.sql(f"purge binary logs to '{newest}'")
    error, hint = alone.refused()
    assert "no longer in the server's log" in error
    assert "--reset shop" in hint
    assert alone.state("id, v") == [(1, 1)]
    alone.load(reset=["shop"])
    assert alone.state("id, v") == [(1, 2), (2, 2)]
    alone.sql("insert into t values (3, 3)")
    alone.load()
    assert alone.events("id, v")[-1] == ("c", 3, 3)


def test_values_larger_than_a_packet_of_the_protocol(alone: Captured) -> None:
    alone.sql("set global max_allowed_packet = 67108864", "alter table t add column b longblob")
    alone.sql("insert into t values (2, 2, repeat('x', 20000000))")
    alone.load()
    alone.sql("insert into t values (3, 3, repeat('y', 33554431)), (4, 4, 'z')")
    alone.load()
    assert alone.state("id, octet_length(b), b[:1]") == [
        (1, None, None), (2, 20_000_000, b"x"), (3, 33_554_431, b"y"), (4, 1, b"z"),
    ]  # fmt: skip


def test_a_log_that_was_reset_is_told(alone: Captured) -> None:
    alone.load()
    alone.sql("reset master", "insert into t values (2, 2)")
    error, _ = alone.refused()
    assert "no longer in the server's log" in error


def test_a_replica_that_took_over_is_followed_by_gtid(alone: Captured, replica: Server) -> None:
    with replica.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            f"change master to master_host = '127.0.0.1', master_port = {alone.server.port}, "
            "master_user = 'root', master_use_gtid = slave_pos"
        )
        cursor.execute("start slave")
        alone.load()
        alone.sql("insert into t values (2, 2)", "insert into t values (3, 3)")
        alone.load()
        alone.sql("insert into t values (4, 4)")
        ((end,),) = alone.rows("select @@gtid_binlog_pos")
        cursor.execute(f"select master_gtid_wait('{end}', 30)")
        assert cursor.fetchall() == ((0,),)
        alone.server.kill()
        cursor.execute("stop slave")
    taken_over = Captured(alone.project, replica, alone.database)
    taken_over.sql("insert into t values (5, 5)")
    taken_over.declare(t="[id]")
    taken_over.load()
    assert taken_over.events("id, v") == [("r", 1, 1), *(("c", n, n) for n in (2, 3, 4, 5))]


def test_another_server_is_told(alone: Captured, mariadb: Server) -> None:
    # Further than the other one has ever come: servers are told apart by what they lack.
    alone.sql("set session gtid_seq_no = 1000000", "insert into t values (2, 2)")
    alone.load()
    other = captured(alone.project, mariadb)
    other.sql("create table t (id int primary key, v int)")
    other.declare(t="[id]")
    error, _ = other.refused()
    assert "it is another server" in error


def test_tls_with_an_authority_and_without(alone: Captured, tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    alone.server.stop()
    alone.server.options = (f"--ssl-cert={certificate}", f"--ssl-key={key}", "--require-secure-transport")
    alone.server.start()
    shutil.copy(certificate, alone.project / "ca.pem")
    settings = alone.project / "smelt.toml"
    settings.write_text(settings.read_text() + '[connections.shop.mysql]\nssl_ca = "ca.pem"\n')
    results = ingest.run(load_settings(alone.project))
    assert [result.error for result in results] == [None]
    stranger = tmp_path / "stranger.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k", "-out", stranger,
         "-subj", "/CN=stranger"],
        check=True, capture_output=True,
    )  # fmt: skip
    shutil.copy(stranger, alone.project / "ca.pem")
    (result,) = ingest.run(load_settings(alone.project))
    assert "TLS failed" in (result.error or "")
