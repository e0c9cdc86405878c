"""The ECB connector against an API on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from demo.rates_api import base_url, serve
from tests.ingest.landed import Landed

CONNECTOR = Path("sources/ecb/connector.yml")


class Rates(Landed):
    """The stream `rates` of the source `ecb`."""

    requests: list[str]

    def connect(self, url: str) -> None:
        """Let the connection point to `url`, and declare the source."""
        self.connection = {"type": "http", "url": url}
        self.declare(
            name="rates",
            sync_mode="incremental",
            primary_key=["date", "currency"],
            cursor={"column": "date", "lag": "P3D"},
        )
        (self.project / "sources" / "s" / "connector.yml").write_text(CONNECTOR.read_text())

    def rates(self, query: str) -> list[tuple]:
        return self.bronze(query, "s__rates")


@pytest.fixture
def running() -> Iterator[Callable[[ThreadingHTTPServer], str]]:
    """Serves a server in a thread and gives its URL; all are shut down after the test."""
    servers: list[ThreadingHTTPServer] = []

    def start(server: ThreadingHTTPServer) -> str:
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return base_url(server)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def rates(project: Path, running) -> Rates:
    """Connected to the demo's API; `requests` are the paths it was asked for."""
    made = Rates(project, "airbyte")
    made.requests = []
    server = serve(0)
    quiet = server.RequestHandlerClass

    class Listening(quiet):  # type: ignore[misc, valid-type]
        def do_GET(self) -> None:
            made.requests.append(self.path)
            super().do_GET()

    server.RequestHandlerClass = Listening
    made.connect(running(server))
    return made


def answering(status: int, body: bytes, content_type: str = "application/json") -> ThreadingHTTPServer:
    """A server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args) -> None:
            """Keep quiet."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
