"""A loopback forge: pull requests over a real bare git repository, git over HTTP, and scripted failures."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

TOKEN = "tok-0123456789-canary"


@dataclass
class Note:
    """A comment."""

    id: int
    author: str
    body: str


@dataclass
class PullRecord:
    """A pull request; `frozen_head` is set when it is decided."""

    number: int
    branch: str
    base: str
    title: str
    body: str
    state: str = "open"
    frozen_head: str | None = None
    notes: list[Note] = field(default_factory=list)


@dataclass
class Fault:
    """What to answer once instead: a status, or a connection cut `before` or `after` the request took effect."""

    method: str
    path: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "scripted"
    cut: str = ""
    times: int = 1


@dataclass
class Answer:
    """An answer of the API. `rows`: a list that is sent in pages."""

    status: int
    value: Any = None
    rows: list[Any] | None = None


class Hub:
    """The forge's own state: what a person would see in its pages."""

    login = "smelt-bot"
    full_name = "acme/shop"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bare = root / "acme" / "shop.git"
        self.bare.mkdir(parents=True)
        self.git("init", "-q", "--bare", "-b", "main")
        self.git("config", "http.receivepack", "true")
        self.pulls: list[PullRecord] = []
        self.last_note = 0
        self.is_strict = True  # refuses a second open pull request for a branch, as both forges do for one base

    def git(self, *arguments: str) -> str:
        """A command in the bare repository."""
        return subprocess.run(
            ["git", *arguments], cwd=self.bare, check=True, capture_output=True, text=True
        ).stdout.strip()

    def tip(self, branch: str) -> str | None:
        """The newest commit of a branch."""
        done = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", f"refs/heads/{branch}"],
            cwd=self.bare,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() or None

    def head(self, pull: PullRecord) -> str:
        """The newest commit of a pull request."""
        return pull.frozen_head or self.tip(pull.branch) or ""

    def pull(self, number: int) -> PullRecord | None:
        """A pull request by number."""
        return next((pull for pull in self.pulls if pull.number == number), None)

    def open_pull(self, branch: str, base: str, title: str, body: str) -> PullRecord | str:
        """A new pull request, or what is wrong."""
        if self.tip(branch) is None:
            return "head does not exist"
        if self.is_strict and any(pull.branch == branch and pull.state == "open" for pull in self.pulls):
            return f"A pull request already exists for {branch}"
        self.pulls.append(PullRecord(len(self.pulls) + 1, branch, base, title, body))
        return self.pulls[-1]

    def note(self, pull: PullRecord, body: str, author: str | None = None) -> Note:
        """Write a comment."""
        self.last_note += 1
        pull.notes.append(Note(self.last_note, author or self.login, body))
        return pull.notes[-1]

    def decide(self, pull: PullRecord, state: str) -> None:
        """Merge or close, as a person does."""
        pull.frozen_head = self.head(pull)
        pull.state = state

    def files(self, pull: PullRecord) -> list[tuple[str, str, str]]:
        """Status letter, path and blob id of what a pull request changes."""
        base = self.git("merge-base", pull.base, self.head(pull))
        raw = self.git("diff", "--raw", "--abbrev=40", "--no-renames", base, self.head(pull))
        rows = (line.split(maxsplit=5) for line in raw.splitlines())
        return [(status, path, blob) for _, _, _, blob, status, path in rows]


class Dialect(Protocol):
    """One forge's REST API over a Hub."""

    hub: Hub
    prefix: str

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        """The answer to a request; `path` is without the API's prefix and as it came, quoted."""
        ...

    def token_of(self, headers: Any) -> str | None:
        """The token that a request carries."""
        ...


@dataclass
class LoopbackForge:
    """The running server."""

    dialect: Dialect
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    address: str = ""
    needs_token: bool = True

    @property
    def hub(self) -> Hub:
        """The forge's state."""
        return self.dialect.hub

    def count(self, method: str, pattern: str) -> int:
        """How many requests came."""
        return sum(bool(re.fullmatch(f"{method} {pattern}", line)) for line in self.seen)

    def fault(self, method: str, path: str) -> Fault | None:
        """The scripted failure for a request, used up."""
        for fault in self.faults:
            if fault.times and fault.method == method and re.fullmatch(fault.path, path):
                fault.times -= 1
                return fault
        return None


@contextmanager
def serve(dialect: Dialect) -> Iterator[LoopbackForge]:
    """Run a loopback forge."""
    forge = LoopbackForge(dialect)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(forge))
    forge.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()


def _handler(forge: LoopbackForge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = parts.path.removeprefix(forge.dialect.prefix)
            forge.seen.append(f"{self.command} {path}")
            fault = forge.fault(self.command, path)
            if fault is not None and fault.cut == "before":
                return self._cut()
            if fault is not None and fault.status:
                return self._send(Answer(fault.status, {"message": fault.message}), parts, fault.headers)
            if not parts.path.startswith(forge.dialect.prefix):
                return self._git(parts.path, parts.query, raw, is_cut=fault is not None and fault.cut == "after")
            if forge.needs_token and forge.dialect.token_of(self.headers) != TOKEN:
                return self._send(Answer(401, {"message": "Bad credentials"}), parts)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            answer = forge.dialect.answer(self.command, path, query, json.loads(raw or b"{}"))
            if fault is not None and fault.cut == "after":
                return self._cut()
            return self._send(answer, parts)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.close()

        def _send(self, answer: Answer, parts: Any, headers: dict[str, str] | None = None) -> None:
            headers = dict(headers or {})
            value = answer.value
            if answer.rows is not None:
                query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
                size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
                value = answer.rows[(page - 1) * size : page * size]
                if len(answer.rows) > page * size:
                    url = f"{forge.address}{parts.path}?per_page={size}&page={page + 1}"
                    headers["Link"] = f'<{url}>; rel="next"'
            content = b"" if answer.status == 204 else json.dumps(value).encode()
            self.send_response(answer.status)
            for key, text in {"Content-Type": "application/json", **headers}.items():
                self.send_header(key, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _git(self, path: str, query: str, raw: bytes, is_cut: bool) -> None:
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            if base64.b64decode(given).decode().partition(":")[2] != TOKEN:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                return self.end_headers()
            environment = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(forge.hub.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "REMOTE_USER": "someone",
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            done = subprocess.run(
                ["git", "http-backend"], input=raw, env=environment, capture_output=True, check=True
            )
            if is_cut:
                return self._cut()
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
            for key, text in headers.items():
                self.send_header(key, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return None

    return Handler
