"""The page on loopback, for one person and as long as the command runs.

Other pages in the same browser can send requests to this address too, or make a name of their own lead here; so
each request needs the random token of the address and the right `Host`, and what saves needs this page's `Origin`.
"""

from __future__ import annotations

import json
import secrets
import socketserver
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import ValidationError

from plugins.core.errors import SmeltError
from plugins.source_mapping.page.decisions import Decisions, RefusedDecisions
from plugins.source_mapping.page.review import ChangedOnDisk, MappingReview
from plugins.source_mapping.page.write import render_page

_LOOPBACK = "127.0.0.1"
_MOST_BYTES = 16_000_000
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ReviewServer(ThreadingHTTPServer):
    """Serves one review at `url`; `on_saved` is called after each save."""

    daemon_threads = True

    def __init__(self, review: MappingReview, port: int, on_saved: Callable[[], None]) -> None:
        self.review = review
        self.on_saved = on_saved
        self.token = secrets.token_urlsafe(24)
        super().__init__((_LOOPBACK, port), _Handler)

    def server_bind(self) -> None:
        """Bind, without asking the network for this machine's name as http.server does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = _LOOPBACK, int(self.server_address[1])

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a browser that was sent here calls this server."""
        return tuple(f"{name}:{self.server_port}" for name in (_LOOPBACK, "localhost"))

    @property
    def url(self) -> str:
        """Where the page is; who knows it may save."""
        return f"http://{self.hosts[0]}/{self.token}/"

    def server_close(self) -> None:
        """Stop listening; a save that has begun is ended first."""
        self.review.settle()
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news."""


def open_server(review: MappingReview, port: int, on_saved: Callable[[], None] = lambda: None) -> ReviewServer:
    """A server that listens on 127.0.0.1; `serve_forever` lets it answer, until Ctrl-C.

    port: 0 takes any that is free. on_saved: called after each save. Raises SmeltError if the port is taken.
    """
    try:
        return ReviewServer(review, port, on_saved)
    except (OSError, OverflowError) as error:
        raise SmeltError(
            f"port {port} of {_LOOPBACK} cannot be used: {error}", "name another one: --port 0"
        ) from error


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    protocol_version = "HTTP/1.1"
    server_version = "smelt"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        """The page, made from the file as it stands."""
        if not self._is_meant("") or not self._is_own_origin(needed=False):
            return
        try:
            document = self.server.review.document()
        except SmeltError as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", str(error))
            return
        self._answer(HTTPStatus.OK, "text/html", render_page(document, save_to="save"))

    def do_POST(self) -> None:
        """`save`: decisions in; the new document, or what is wrong with them, out."""
        if not self._is_meant("save") or not self._is_own_origin(needed=True):
            return
        if self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "decisions are JSON")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdecimal() or int(length) > _MOST_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request has no length, or is too large")
            return
        try:
            decisions = Decisions.model_validate_json(self.rfile.read(int(length)))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the request"
            self._refuse(HTTPStatus.BAD_REQUEST, f"{place}: {first['msg']}")
            return
        self._save(decisions)

    def _save(self, decisions: Decisions) -> None:
        try:
            document = self.server.review.save(decisions)
        except ChangedOnDisk as error:
            self._refuse(HTTPStatus.CONFLICT, error.message)
        except RefusedDecisions as error:
            problems = [problem.model_dump() for problem in error.problems]
            self._send_json(HTTPStatus.UNPROCESSABLE_ENTITY, {"message": "not saved", "problems": problems})
        except SmeltError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, error.message)
        else:
            self.server.on_saved()
            self._send_json(HTTPStatus.OK, document)

    def _is_meant(self, name: str) -> bool:
        """Whether the request is for this server by one of its names, and for `name`; else it is refused."""
        if self.headers.get("Host") not in self.server.hosts:
            self._refuse(HTTPStatus.FORBIDDEN, "this server has another name")
            return False
        expected = f"/{self.server.token}/{name}"
        if not secrets.compare_digest(self.path.encode(), expected.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "the address is not the one that the command printed last")
            return False
        return True

    def _is_own_origin(self, *, needed: bool) -> bool:
        origin = self.headers.get("Origin")
        if origin == f"http://{self.headers.get('Host')}" or (origin is None and not needed):
            return True
        self._refuse(HTTPStatus.FORBIDDEN, "the request comes from another page")
        return False

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self._send_json(status, {"message": message})

    def _send_json(self, status: HTTPStatus, value: Any) -> None:
        self._answer(status, "application/json", json.dumps(value))

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        # Nothing is left of a request that was refused before it was read, or of a server that has ended.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not shown: the terminal is for what was saved."""
