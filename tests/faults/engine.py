"""The engine under test, in a process of its own: it follows the project's sources as `smelt watch` does.

Forked from a server that has everything imported, because starting Python anew for each fault would take seconds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import tests.ingest.worker  # noqa: F401 - what the server of forks has imported
from plugins.core.errors import SmeltError

_CONTEXT = multiprocessing.get_context("forkserver")
EVERY, POLL, CARE = 0.3, 0.5, 1.5
_START_SECONDS, _STOP_SECONDS = 60.0, 90.0


@dataclass
class Engine:
    """Follows all sources of `project`; started again after each kill, as a supervisor does.

    log: what the process prints. clock: seconds by which its clock is off. commits: how many were heard of;
    troubles: what it said it couldn't do, newest last; states: of its sources.
    """

    project: Path
    log: Path
    clock: float = 0.0
    commits: int = 0
    starts: int = 0
    troubles: deque[str] = field(default_factory=lambda: deque(maxlen=1000))
    trouble_count: int = 0
    states: dict[str, str] = field(default_factory=dict)
    _process: BaseProcess | None = None
    _line: Connection | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def is_following(self) -> bool:
        return self.is_alive and bool(self.states) and set(self.states.values()) == {"following"}

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def hit(self) -> Path:
        """Where a failpoint leaves its name."""
        return self.log.with_name("hit")

    def start(self, failpoint: str = "") -> None:
        """Start it; killed at `failpoint` if one is named. A process that is there is killed."""
        self.kill()
        self.hit.unlink(missing_ok=True)
        self.states = {}
        self._line, theirs = _CONTEXT.Pipe(duplex=True)
        arguments = (str(self.project), str(self.log), theirs, self.clock, failpoint, str(self.hit))
        self._process = _CONTEXT.Process(target=_main, args=arguments)
        self._process.start()
        theirs.close()
        self.starts += 1
        threading.Thread(target=self._listen, args=(self._line,), daemon=True).start()

    def ensure(self) -> None:
        """Start it if it isn't there."""
        if not self.is_alive:
            self.start()

    def follow(self, seconds: float = _START_SECONDS) -> bool:
        """Wait until it follows, started again should it die; whether it does."""
        return self._wait(seconds, lambda: self.is_following, self.ensure)

    def wait(self, seconds: float, until: Callable[[], bool]) -> bool:
        """Wait until something is so; whether it became so."""
        return self._wait(seconds, until, lambda: None)

    def kill(self) -> bool:
        """As `kill -9` does; whether it was alive until then."""
        if self._process is None:
            return False
        self._process.kill()
        self._process.join()
        return self._process.exitcode == -signal.SIGKILL

    def died(self, seconds: float) -> int | None:
        """Wait for its end; the exit code, None if it lives."""
        assert self._process is not None
        self._process.join(seconds)
        return self._process.exitcode

    def stop(self) -> int | None:
        """As SIGTERM does; the exit code, None if it did not end."""
        os.kill(self.pid, signal.SIGTERM)
        return self.died(_STOP_SECONDS)

    def said_since(self, count: int) -> list[str]:
        """What it said it couldn't do, after the first `count` troubles."""
        said = list(self.troubles)
        return said[len(said) - (self.trouble_count - count) :] if self.trouble_count > count else []

    def move_clock(self, seconds: float) -> bool:
        """Move its clock away from ours; whether it said that it is so."""
        self.clock = seconds
        if self._line is None or not self.is_alive:
            return False
        self.states["clock"] = "moving"
        try:
            self._line.send_bytes(json.dumps({"clock": seconds}).encode())
        except OSError:
            return False
        return self.wait(10, lambda: "clock" not in self.states)

    def _listen(self, line: Connection) -> None:
        while True:
            try:
                told = json.loads(line.recv_bytes())
            except (EOFError, OSError):
                return
            if line is not self._line:
                continue  # of a process that is gone
            self.commits += told.get("committed", 0)
            if "states" in told:
                moving = {"clock": "moving"} if "clock" in self.states else {}
                self.states = {**told["states"], **moving}
            if "moved" in told:
                self.states.pop("clock", None)
            for trouble in told.get("troubles", ()):
                self.troubles.append(trouble)
                self.trouble_count += 1

    def _wait(self, seconds: float, until: Callable[[], bool], meanwhile: Callable[[], None]) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            meanwhile()
            if until():
                return True
            time.sleep(0.02)
        return until()


def _main(project: str, log: str, line: Connection, clock: float, failpoint: str, hit: str) -> None:
    import logging

    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    # The most that libraries tell, so that it can be searched for passwords.
    logging.basicConfig(level=logging.DEBUG, force=True)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)
    if failpoint:
        os.environ |= {"SMELT_FAILPOINT": failpoint, "SMELT_FAILPOINT_HIT": hit}
    _Followed(line, clock).run(Path(project))


class _Followed:
    """The other end of an `Engine`."""

    def __init__(self, line: Connection, clock: float) -> None:
        self._line, self._lock = line, threading.Lock()
        self._stopping = threading.Event()
        self._travelling: Any = None
        signal.signal(signal.SIGTERM, lambda *_: self._stopping.set())
        if clock:
            self._move(clock)
        threading.Thread(target=self._obey, daemon=True).start()

    def run(self, project: Path) -> None:
        from ingest.watch.engine import following
        from plugins.core.lake.state import LOG
        from plugins.core.settings import load_settings
        from plugins.core.warehouse.caretaking import Caretaker

        settings = load_settings(project)
        caretaker = Caretaker(settings, CARE, on_trouble=lambda why: self._tell(troubles=[why]))

        def committed(results: Any) -> None:
            tables = {f"{result.source}__{result.stream}" for result in results}
            beside = {f"{result.source}{name}" for result in results for name in ("__dead_letters", LOG)}
            caretaker.wrote(tables | beside)
            self._tell(committed=1)

        caretaker.start()
        try:
            with following(settings, (), every=EVERY, poll=POLL, on_commit=committed) as engine:
                self._look_after(engine)
        except SmeltError as error:
            self._tell(troubles=[error.message])
            raise SystemExit(1) from None
        finally:
            caretaker.close()

    def _look_after(self, engine: Any) -> None:
        told: dict[str, tuple[int, str | None]] = {}
        while not self._stopping.wait(0.05):
            statuses = engine.statuses()
            news = [
                f"{status.error} {status.hint or ''}"
                for status in statuses
                if status.error and told.get(status.name) != (status.restarts, status.error)
            ]
            told = {status.name: (status.restarts, status.error) for status in statuses}
            self._tell(states={status.name: status.state for status in statuses}, troubles=news)

    def _tell(self, **what: Any) -> None:
        with self._lock:
            self._line.send_bytes(json.dumps(what).encode())

    def _obey(self) -> None:
        while True:
            try:
                asked = json.loads(self._line.recv_bytes())
            except (EOFError, OSError):
                os._exit(3)  # whoever tests us is gone
            self._move(asked["clock"])
            self._tell(moved=asked["clock"])

    def _move(self, seconds: float) -> None:
        import time_machine

        if self._travelling is not None:
            self._travelling.stop()
        self._travelling = time_machine.travel(time.time() + seconds, tick=True)
        self._travelling.start()
