"""A receiver of webhooks, and senders that send a message until it is accepted."""

from __future__ import annotations

import base64
import http.client
import json
import multiprocessing
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from plugins.core.settings import load_settings
from tests.faults.balance import Lanes
from tests.faults.histories.base import CARE, History, lanes
from tests.ingest.webhooks.conftest import signed
from tests.ingest.worker import run

LANES = 4
# A sender gives up waiting for an answer, and sends the same again.
_PATIENCE_SECONDS = 3.0


class WebhooksHistory(History):
    """Four senders, each of which sends one message after the other; what was answered with 2xx is the history."""

    kind = "webhooks"
    failpoints = [
        "before-commit", "in-transaction", "after-commit", "after-streams-commit", "after-forget",
        "before-commit:2", "after-commit:2", "after-streams-commit:2", "after-forget:3", *CARE,
    ]  # fmt: skip
    # In the process that receives.
    receiving: Sequence[str] = (
        "after-spool-write", "after-spool-sync", "before-seal", "after-seal", "after-spool-write:5",
        "after-spool-sync:20", "before-seal:3", "after-seal:3",
    )  # fmt: skip

    def prepare(self) -> None:
        self._key = self._new_key()
        self.keep("secret", _text(self._key))
        self.declare(
            '[webhooks]\nport = 0\n[connections.c]\ntype = "webhooks"\n'
            '[connections.c.secrets]\ncurrent = "file:secret"\n',
            kind="webhooks",
            webhooks={"commit_every": "PT0.1S", "keep_free": 0},
            streams=[{"name": "t", "webhook": {"rate_limit": None}}],
        )
        self._accepted: dict[int, list[int]] = {lane: [] for lane in range(LANES)}
        self._are_over = threading.Event()
        self.refusals = 0
        self._senders = [threading.Thread(target=self._send, args=(lane,), daemon=True) for lane in range(LANES)]
        self.hit = self.project.parent / "receiver.hit"
        self._receive()

    def begin(self) -> None:
        for sender in self._senders:
            sender.start()
        super().begin()

    def step(self) -> None:
        """The senders write; a receiver that died is started again, as a supervisor does."""
        if not self._process.is_alive():
            self._process.join()
            self._receive()
        time.sleep(0.02)

    def end(self) -> None:
        # First, for what they have begun needs a receiver.
        self._are_over.set()
        for sender in self._senders:
            if sender.ident is not None:
                sender.join(60)
            assert not sender.is_alive(), "a sender did not end"
        super().end()
        if self._process.is_alive():
            assert self._process.pid
            os.kill(self._process.pid, signal.SIGTERM)
            self._process.join(60)
        assert self._process.exitcode == 0

    def written(self) -> Lanes:
        return lanes(
            (f"{lane}", f"{number}") for lane, numbers in self._accepted.items() for number in list(numbers)
        )

    def found(self) -> Lanes:
        rows = self.bronze("select lane, id from bronze order by _smelt_batch_id, _smelt_source_position", "s__t")
        return lanes((f"{lane}", f"{number}") for lane, number in rows)

    def restart(self, *, is_crash: bool) -> None:
        pid = self._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL if is_crash else signal.SIGTERM)
        deadline = time.monotonic() + 60
        while self._listening in (None, pid):
            assert time.monotonic() < deadline, f"the receiver did not start again: {self.defect!r}"
            time.sleep(0.02)

    def kill_receiver_at(self, failpoint: str) -> bool:
        """Let it be killed at `failpoint`, and started again; whether it was."""
        self.hit.unlink(missing_ok=True)
        self._failpoint = failpoint
        self.restart(is_crash=True)
        deadline = time.monotonic() + 60
        while not self.hit.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.hit.exists() and self.hit.read_text() == failpoint.partition(":")[0]

    def fill_disk(self, size: int, seconds: float) -> bool:
        """No file of the receiver may grow beyond `size` bytes for a while; whether it refused something."""
        before, pid = self.refusals, self._process.pid
        assert pid is not None
        try:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            time.sleep(seconds)
            deadline = time.monotonic() + 10
            while self.refusals == before and time.monotonic() < deadline:
                time.sleep(0.02)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except ProcessLookupError:
            return False
        return self.refusals > before

    def rotate(self) -> None:
        """Senders sign with another secret first; the receiver refuses them until it is told."""
        self._key = self._new_key()
        time.sleep(self.chance.uniform(0.2, 1.5))
        self.keep("secret", _text(self._key))

    def close(self) -> None:
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    _failpoint = ""
    _listening: int | None = None

    def _new_key(self) -> bytes:
        key = f"canary-{self.chance.getrandbits(80):020x}".encode()
        self.canaries += [key.decode(), base64.b64encode(key).decode()]
        return key

    def _receive(self) -> None:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        failpoint, self._failpoint = self._failpoint, ""
        log = str(self.project.parent / "receiver.log")
        self._process = run(_serve, str(self.project), theirs, log, failpoint=failpoint, hit=self.hit)
        theirs.close()
        try:
            self.proxy.upstream = ours.recv()
        except EOFError:
            return  # killed before it listened: `step` starts another
        self._listening = self._process.pid

    def _send(self, lane: int) -> None:
        number, chance = 0, random.Random(lane)
        connection = self._connection()
        while not self._are_over.is_set():
            body = json.dumps({"lane": lane, "id": number}).encode()
            is_accepted = False
            # What was begun is brought to an end: nobody knows whether a message without an answer was stored.
            while not is_accepted:
                try:
                    headers = signed(body, f"msg_{lane}_{number}", key=self._key)
                    connection.request("POST", "/s/t", body, headers)
                    answer = connection.getresponse()
                    answer.read()
                    is_accepted = answer.status == 202
                    self.refusals += not is_accepted
                except (http.client.HTTPException, OSError):
                    connection.close()
                    connection = self._connection()
                if not is_accepted:
                    time.sleep(0.05)
            self._accepted[lane].append(number)
            number += 1
            time.sleep(chance.uniform(0.0, 0.02))
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=_PATIENCE_SECONDS)


def _text(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def _serve(project: str, ready: Connection, log: str) -> None:
    import logging

    from ingest.webhooks.server import serve

    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    logging.basicConfig(level=logging.INFO)

    def tell(listening) -> None:
        ready.send(urlsplit(listening.url).port)
        ready.close()

    serve(load_settings(Path(project)), (), fills_bronze=False, on_start=tell)
