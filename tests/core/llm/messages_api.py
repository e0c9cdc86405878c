"""A loopback server that speaks the Messages API: real HTTP and server-sent events, scripted answers."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-ant-api03-canary-0123456789abcdef"


@dataclass
class Say:
    """An answer of content blocks; a str is a text block. `cut`: stop the stream after so many events."""

    blocks: list[dict[str, Any] | str]
    stop_reason: str = "end_turn"
    usage: dict[str, int] = field(default_factory=lambda: {"input_tokens": 100, "output_tokens": 20})
    cut: int | None = None
    reset: bool = False  # with `cut`: break the connection off rather than end it


@dataclass
class Fail:
    """An error by status, or, with status 200, by an event inside the stream."""

    status: int
    type: str
    message: str = "scripted"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Hang:
    """Accepts the request and stays silent until the test is over."""


@dataclass
class Page:
    """Something that is not the API, such as a proxy's sign-in page."""

    html: str = "<html>sign in</html>"


def say(text: str, **more: Any) -> Say:
    """One text block."""
    return Say([text], **more)


def use(name: str, arguments: dict[str, Any], call_id: str = "toolu_01") -> dict[str, Any]:
    """A block in which the model calls a tool."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


@dataclass
class MessagesApi:
    """What it answers, in order, and what it was asked."""

    script: list[Say | Fail | Hang | Page] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""


def _events(answer: Say) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a stream, as the API's documentation lists them; text and JSON come in small pieces."""
    started = {**answer.usage, "output_tokens": 1}
    message = {"id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5", "content": []}
    yield "message_start", {"message": {**message, "stop_reason": None, "stop_sequence": None, "usage": started}}
    yield "ping", {}
    for index, block in enumerate(answer.blocks):
        block = {"type": "text", "text": block} if isinstance(block, str) else block
        deltas: list[dict[str, Any]]
        match block["type"]:
            case "text":
                start = {**block, "text": ""}
                deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
            case "tool_use":
                start = {**block, "input": {}}
                whole = json.dumps(block["input"])
                deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in _pieces(whole)]
            case "thinking":
                start = {**block, "thinking": "", "signature": ""}
                deltas = [
                    {"type": "thinking_delta", "thinking": block["thinking"]},
                    {"type": "signature_delta", "signature": block["signature"]},
                ]
        yield "content_block_start", {"index": index, "content_block": start}
        for delta in deltas:
            yield "content_block_delta", {"index": index, "delta": delta}
        yield "content_block_stop", {"index": index}
    ended = {"stop_reason": answer.stop_reason, "stop_sequence": None}
    yield "message_delta", {"delta": ended, "usage": {"output_tokens": answer.usage["output_tokens"]}}
    yield "message_stop", {}


def _pieces(text: str) -> list[str]:
    return [text[start : start + 7] for start in range(0, len(text), 7)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: MessagesApi

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"])).decode()
        self.api.raw.append(raw)
        self.api.headers.append({name.lower(): value for name, value in self.headers.items()})
        body = json.loads(raw)
        self.api.bodies.append(body)
        if self.path != "/v1/messages" or not body.get("stream"):
            self._answer(404, json.dumps(_error("not_found_error", f"no {self.path}, streaming only")))
            return
        match self.api.script.pop(0):
            case Say() as answer:
                self._stream(answer)
            case Fail(status=200) as fail:
                self._begin()
                self._event("error", _error(fail.type, fail.message))
                self._chunk(b"")
            case Fail() as fail:
                self._answer(fail.status, json.dumps(_error(fail.type, fail.message)), fail.headers)
            case Hang():
                self.api.over.wait(30)
                self.close_connection = True
            case Page(html):
                self._answer(200, html, {"content-type": "text/html"})

    def _stream(self, answer: Say) -> None:
        self._begin()
        for number, (event, data) in enumerate(_events(answer)):
            if number == answer.cut:
                if answer.reset:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                break
            self._event(event, {"type": event, **data})
        self._chunk(b"")

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def _event(self, event: str, data: dict[str, Any]) -> None:
        self._chunk(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


@contextmanager
def serve() -> Iterator[MessagesApi]:
    """The server, until the block ends."""
    api = MessagesApi()
    handler = type("Handler", (_Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
