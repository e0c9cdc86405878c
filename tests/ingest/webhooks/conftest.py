"""A project with a source of webhooks, the server that receives them, and a sender."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from tests.ingest.landed import Landed
from tests.ingest.webhooks.serving import serve_hooks
from tests.ingest.worker import run

KEY = b"a secret of twenty-four b"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass
class Sender:
    """A client of one server, over one connection."""

    url: str
    count: int = 0

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)

    def post(
        self, body: bytes, headers: dict[str, str], path: str = "/s/t", method: str = "POST"
    ) -> tuple[int, Any]:
        """The status and the headers of the answer."""
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            raise
        return answer.status, answer.headers

    def send(self, record: Any, identifier: str | None = None, path: str = "/s/t", **signing: Any) -> int:
        """Send what JSON says, signed; returns the status."""
        self.count += 1
        body = record if isinstance(record, bytes) else json.dumps(record).encode()
        return self.post(body, signed(body, identifier or f"msg_{self.count}", **signing), path)[0]


def signed(body: bytes, identifier: str, at: float | None = None, key: bytes = KEY) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.new(key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": identifier, "webhook-timestamp": timestamp, "webhook-signature": signature}


@dataclass
class Hooks(Landed):
    """The stream `t` of the source `s`, received at /s/t."""

    servers: list[BaseProcess] = field(default_factory=list)

    def source(
        self, webhook: dict[str, Any] | None = None, spool: dict[str, Any] | None = None, **more: Any
    ) -> None:
        """Declare it. webhook, spool: keys of the stream's `webhook` and the source's `webhooks`."""
        (self.project / "secret").write_text(SECRET)
        (self.project / "smelt.toml").write_text(
            '[webhooks]\nport = 0\n[connections.c]\ntype = "webhooks"\n'
            '[connections.c.secrets]\ncurrent = "file:secret"\n'
        )
        folder = self.project / "sources" / "s"
        folder.mkdir(exist_ok=True)
        stream = {"name": "t", "webhook": {"rate_limit": None, **(webhook or {})}, **more}
        tree = {
            "kind": "webhooks",
            "connection": "c",
            "owner": "tests",
            "webhooks": {"commit_every": "PT0.1S", "keep_free": 0, **(spool or {})},
            "streams": [stream],
        }
        with (folder / "source.yml").open("w") as file:
            YAML(typ="safe", pure=True).dump(tree, file)

    def serve(self, failpoint: str = "", *, fills_bronze: bool = False, limit: int = 0) -> Sender:
        """Start a server; killed at `failpoint`. limit: no file may be longer than so many bytes."""
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = run(
            serve_hooks,
            str(self.project),
            theirs,
            fills_bronze,
            limit,
            failpoint=failpoint,
            hit=self.project / "hit",
        )
        self.servers.append(process)
        theirs.close()
        try:
            return Sender(ours.recv())
        except EOFError:
            pytest.fail("the server did not start")

    def kill(self) -> None:
        """As `kill -9` does."""
        self.servers[-1].kill()
        self.servers[-1].join()

    def stop(self) -> None:
        """As Ctrl-C does."""
        process = self.servers[-1]
        if process.is_alive():
            os.kill(process.pid, signal.SIGTERM)
        process.join(60)
        assert process.exitcode is not None

    def assert_killed(self, failpoint: str) -> None:
        process = self.servers[-1]
        process.join(30)
        assert process.exitcode == -signal.SIGKILL
        assert (self.project / "hit").read_text() == failpoint.partition(":")[0]

    @property
    def spool(self) -> Path:
        return self.project / "lake" / "webhooks" / "s"


@pytest.fixture
def hooks(project: Path) -> Iterator[Hooks]:
    made = Hooks(project, "webhooks")
    made.source()
    yield made
    for process in made.servers:
        if process.is_alive():
            process.kill()
            process.join()
