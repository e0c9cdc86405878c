"""dlt's own connectors, read through `kind: dlt`."""

from __future__ import annotations

import json
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

SQL_TABLE = "dlt.sources.sql_database:sql_table"


class Database:
    """A SQLite file."""

    def __init__(self, path) -> None:
        self.path = path

    def run(self, script: str) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.executescript(script)


@pytest.fixture
def database(feed) -> Database:
    made = Database(feed.project / "shop.db")
    made.run(
        "create table items (id integer primary key, name text, price numeric(10, 2), at timestamp);"
        "insert into items values (1, 'a', 1.10, '2020-01-01 10:00:00'), (2, null, null, '2020-01-02 10:00:00');"
    )
    feed.connection = {"type": "dlt", "dsn": f"sqlite:///{made.path}"}
    return made


def test_sql_table_in_full(feed, database) -> None:
    feed.stream(SQL_TABLE, {"credentials": "connection:", "table": "items"}, resource="items")
    assert feed.load().rows_loaded == 2
    rows = feed.bronze('select id, name, price::varchar, "at"::varchar from bronze order by id')
    assert rows == [(1, "a", "1.10", "2020-01-01 10:00:00"), (2, None, None, "2020-01-02 10:00:00")]
    assert feed.load().outcome == "unchanged"
    database.run("update items set name = 'b' where id = 1; delete from items where id = 2")
    result = feed.load()
    assert (result.rows_loaded, result.tombstones) == (1, 1)


def test_sql_table_in_increments(feed, database) -> None:
    feed.stream(
        SQL_TABLE,
        {"credentials": "connection:", "table": "items"},
        resource="items",
        sync_mode="incremental",
        cursor={"column": "at"},
    )
    assert feed.load().rows_loaded == 2
    database.run("insert into items values (3, 'c', 3, '2020-01-03 10:00:00')")
    result = feed.load()
    assert result.rows_loaded == 1
    assert result.rows_read <= 2, "the boundary row may come again, older ones don't"
    assert feed.bronze("select id from bronze order by id") == [(1,), (2,), (3,)]
    assert feed.load().outcome == "unchanged"


def test_the_lag_reads_late_rows(feed, database) -> None:
    arguments = {"credentials": "connection:", "table": "items"}
    feed.stream(
        SQL_TABLE,
        arguments,
        resource="items",
        sync_mode="incremental",
        cursor={"column": "at", "lag": "PT1H"},
    )
    feed.load()
    database.run("insert into items values (3, 'late', 3, '2020-01-02 09:30:00')")
    assert feed.load().rows_loaded == 1
    assert feed.load().outcome == "unchanged"


def test_a_table_that_is_not_there(feed, database) -> None:
    feed.stream(SQL_TABLE, {"credentials": "connection:", "table": "nothing"}, resource="nothing")
    failed = feed.ingest()
    assert "nothing" in failed.error
    assert "\n" not in failed.error


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
        rows = [{"id": page * 10 + n, "tags": ["x", {"n": n}]} for n in range(3)] if page <= 3 else []
        following = f"http://{self.headers['Host']}/things?page={page + 1}" if page < 3 else None
        body = json.dumps({"items": rows, "next": following}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args) -> None:
        """Keep quiet."""


def test_rest_api_source(feed) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    feed.connection = {"type": "dlt", "url": f"http://127.0.0.1:{server.server_address[1]}"}
    endpoint = {
        "path": "things",
        "data_selector": "items",
        "paginator": {"type": "json_link", "next_url_path": "next"},
    }
    feed.stream(
        "dlt.sources.rest_api:rest_api_source",
        {"config": {"client": {"base_url": "connection:"}, "resources": [{"name": "t", "endpoint": endpoint}]}},
    )
    try:
        assert feed.load().rows_loaded == 9
        assert feed.load().outcome == "unchanged"
    finally:
        server.shutdown()
        server.server_close()
    rows = feed.bronze("select id, tags from bronze order by id")
    assert [row[0] for row in rows] == [10, 11, 12, 20, 21, 22, 30, 31, 32]
    assert json.loads(rows[1][1]) == ["x", {"n": 1}]
