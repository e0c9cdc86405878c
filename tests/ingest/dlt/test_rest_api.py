"""dlt's declarative REST source, told in source.yml alone, against a server with pages and a token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

TOKEN = "a-token-of-the-api"


@pytest.fixture
def api() -> Iterator[str]:
    """250 orders in pages of 100, and the lines of each; the next page is named in the body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                return self._answer(401, {})
            if parts.path == "/orders":
                after = int(query.get("after", ["0"])[0])
                since = int(query.get("since", ["0"])[0])
                rows = [{"id": n, "total": n * 1.5} for n in range(max(after, since) + 1, 251)][:100]
                more = rows[-1]["id"] if rows and rows[-1]["id"] < 250 else None
                return self._answer(200, {"data": rows, "next": more})
            number = int(parts.path.split("/")[2])
            return self._answer(200, {"data": [{"order": number, "line": line} for line in (1, 2)], "next": None})

        def _answer(self, status: int, body: object) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def _declare(feed, api: str, resource: dict, key: list[str]) -> None:
    feed.declare(
        primary_key=key,
        dlt={
            "source": "dlt.sources.rest_api:rest_api_source",
            "arguments": {
                "config": {
                    "client": {
                        "base_url": "connection:",
                        "auth": {"type": "bearer", "token": "secret:token"},
                        "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "after"},
                    },
                    "resources": [resource],
                }
            },
        },
    )
    toml = f'[connections.c]\ntype = "dlt"\nurl = "{api}"\nsecrets = {{ token = "file:token" }}\n'
    (feed.project / "smelt.toml").write_text(toml)
    (feed.project / "token").write_text(TOKEN)


def test_all_pages_are_read_and_what_is_gone_is_noticed(feed, api: str) -> None:
    resource = {"name": "t", "endpoint": {"path": "orders", "data_selector": "data"}}
    _declare(feed, api, resource, ["id"])
    assert feed.load().rows_loaded == 250
    assert feed.bronze("select min(id), max(id), sum(total) from bronze") == [(1, 250, 47062.5)]
    assert feed.load().outcome == "unchanged"


def test_a_secret_that_is_not_there_is_named(feed, api: str) -> None:
    _declare(feed, api, {"name": "t", "endpoint": {"path": "orders", "data_selector": "data"}}, ["id"])
    (feed.project / "smelt.toml").write_text(f'[connections.c]\ntype = "dlt"\nurl = "{api}"\n')
    assert "secrets has no token" in (feed.ingest().error or "")
