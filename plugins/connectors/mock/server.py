"""The mock on a port of this machine."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from plugins.connectors.mock.api import Faults, Held, MockApi
from plugins.connectors.mock.credentials import Gate, Secrets, Tokens
from plugins.connectors.mock.endpoints import Specification
from plugins.connectors.mock.holdings import Holdings
from plugins.connectors.mock.labels import Labels, read_labels

_MAX_BODY = 1_000_000


@dataclass(frozen=True)
class Mock:
    """A running mock: where it is, what a client has to send, and what it holds.

    `url` stands for the base URL of the labels; `token_url` is for OAuth2 and None if that is not accepted.
    `headers` and `query` are the credentials as they are sent.
    """

    url: str
    token_url: str | None
    secrets: Secrets
    headers: Mapping[str, str]
    query: Mapping[str, str]
    _api: MockApi
    _holdings: Holdings
    _labels: Labels

    @property
    def held(self) -> Held:
        """What it holds, and what it was asked until now."""
        return self._api.held()

    def records(self, path: str) -> list[Any]:
        """All records of a labelled stream.

        Raises:
            KeyError: if the path is no labelled stream.

        """
        stream = self._labels.stream(path)
        if stream is None:
            raise KeyError(path)
        return self._holdings.records(stream)


@contextlib.contextmanager
def serve(
    specification: Mapping[str, Any] | str | Path,
    behaviour: Labels | str | Path,
    records_per_stream: int | Mapping[str, int] = 137,
    *,
    seed: int = 1,
    faults: Faults | None = None,
    token_lifetime_s: float = 3600,
    port: int = 0,
) -> Iterator[Mock]:
    """Serve an API on loopback until the block ends.

    Args:
        specification: an OpenAPI 2 or 3 document, or the path of one.
        behaviour: the labels that say how it behaves, or the path of a label file.
        records_per_stream: how many records each stream holds; by path, streams that aren't named hold 137.
        seed: the records are the same for the same seed.
        faults: which requests fail for no reason of theirs; by default each 20th with 429 and each 50th with 503.
        token_lifetime_s: after how many seconds an OAuth2 token is refused.
        port: the port, 0 for one that is free.

    Raises:
        SmeltError: if the specification or the labels can't be read, or don't fit each other.

    """
    labels = behaviour if isinstance(behaviour, Labels) else read_labels(Path(behaviour))
    read = Specification.read(specification)
    holdings = Holdings(read, labels, records_per_stream, seed)
    secrets = Secrets()
    gate = Gate(labels.auth, Tokens(secrets, token_lifetime_s), secrets)
    api = MockApi(read, labels, holdings, gate, Faults() if faults is None else faults)
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(api))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        origin = f"http://127.0.0.1:{server.server_port}"
        token_url = f"{origin}{api.token_paths[0]}" if api.token_paths else None
        headers, query = gate.headers_and_query()
        yield Mock(f"{origin}{api.base_path}", token_url, secrets, headers, query, api, holdings, labels)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(api: MockApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # headers and body go out in two packets: without this the second waits for the client's acknowledgement
        disable_nagle_algorithm = True

        def _respond(self) -> None:
            length = self.headers.get("Content-Length", "0")
            body = self.rfile.read(min(int(length), _MAX_BODY)) if length.isdigit() else b""
            origin = f"http://127.0.0.1:{self.connection.getsockname()[1]}"
            answer = api.answer(self.command, self.path, dict(self.headers.items()), body, origin)
            content = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _respond

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet: the mock counts what is asked, and clients tell the rest."""

    return Handler
