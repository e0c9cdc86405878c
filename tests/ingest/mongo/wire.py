"""MongoDB's wire protocol on the loopback: OP_MSG, the old handshake, SCRAM-SHA-256, TLS.

https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Mapping
from typing import Any, Protocol

import bson

from ingest.mongo.values import OPTIONS

_HEADER = struct.Struct("<iiii")
_QUERY, _REPLY, _MSG = 2004, 1, 2013


class Refused(Exception):
    """A command that fails. labels: error labels."""

    def __init__(self, code: int, message: str, *labels: str) -> None:
        super().__init__(message)
        self.code, self.labels = code, labels


class Backend(Protocol):
    def command(self, name: str, body: Mapping[str, Any], database: str) -> dict[str, Any]:
        """Answer a command. Raises Refused."""
        ...


class Wire:
    """Listens at a port, which stays its own between `stop` and `start`. password: None: nobody signs in."""

    def __init__(self, backend: Backend, password: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.backend, self.password, self.tls = backend, password, tls
        self.port = 0
        self.seen: list[str] = []
        self._server: socketserver.ThreadingTCPServer | None = None
        self._open: set[socket.socket] = set()

    def start(self) -> None:
        wire = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                wire.serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Every connection breaks."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def serve(self, connection: socket.socket) -> None:
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        self._open.add(connection)
        signing = _Signing(self.password)
        try:
            while True:
                head = _exactly(connection, _HEADER.size)
                length, request, _, code = _HEADER.unpack(head)
                body = _command(code, _exactly(connection, length - _HEADER.size))
                answer = self._answer(body, signing)
                connection.sendall(_packed(code, request, bson.encode(answer)))
        except (OSError, EOFError):
            pass
        finally:
            self._open.discard(connection)
            connection.close()

    def _answer(self, body: dict[str, Any], signing: _Signing) -> dict[str, Any]:
        name = next(iter(body))
        self.seen.append(name)
        try:
            if name.startswith("sasl"):
                return {**signing.step(body), "ok": 1.0}
            if not signing.is_done and name.lower() not in ("hello", "ismaster"):
                raise Refused(13, f"command {name} requires authentication")
            return {**self.backend.command(name, body, str(body.get("$db", "admin"))), "ok": 1.0}
        except Refused as refused:
            return {"ok": 0.0, "errmsg": str(refused), "code": refused.code, "errorLabels": list(refused.labels)}


class _Signing:
    """The server's side of SCRAM-SHA-256, RFC 7677."""

    def __init__(self, password: str | None) -> None:
        self._password = password
        self.is_done = password is None
        self._salt, self._first, self._nonce = os.urandom(16), "", ""

    def step(self, body: Mapping[str, Any]) -> dict[str, Any]:
        payload = bytes(body["payload"]).decode()
        if "saslStart" in body:
            bare = payload.partition(",,")[2]
            fields = dict(part.split("=", 1) for part in bare.split(","))
            self._nonce = fields["r"] + base64.b64encode(os.urandom(12)).decode()
            told = f"r={self._nonce},s={base64.b64encode(self._salt).decode()},i=4096"
            self._first = f"{bare},{told}"
            return {"conversationId": 1, "done": False, "payload": told.encode()}
        assert self._password is not None
        salted = hashlib.pbkdf2_hmac("sha256", self._password.encode(), self._salt, 4096)
        without, _, proof = payload.rpartition(",p=")
        signed = f"{self._first},{without}".encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        mask = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        if bytes(a ^ b for a, b in zip(key, mask, strict=True)) != base64.b64decode(proof):
            raise Refused(18, "Authentication failed.")
        self.is_done = True
        server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        return {"conversationId": 1, "done": True, "payload": b"v=" + base64.b64encode(server)}


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        found = connection.recv(count - len(parts))
        if not found:
            raise EOFError
        parts += found
    return parts


def _command(code: int, payload: bytes) -> dict[str, Any]:
    if code == _QUERY:
        return bson.decode(payload[payload.index(b"\0", 4) + 9 :])
    assert code == _MSG, code
    assert payload[4] == 0
    (size,) = struct.unpack_from("<i", payload, 5)
    return bson.decode(payload[5 : 5 + size], OPTIONS)


def _packed(code: int, request: int, body: bytes) -> bytes:
    if code == _QUERY:
        content = struct.pack("<iqii", 8, 0, 0, 1) + body
        return _HEADER.pack(_HEADER.size + len(content), 1, request, _REPLY) + content
    content = struct.pack("<ib", 0, 0) + body
    return _HEADER.pack(_HEADER.size + len(content), 1, request, _MSG) + content
