"""Builds in the background: a process that builds whenever it is told to, one build at a time."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plugins.core.settings import Settings, mask

# A build that failed is tried again with the next rows, but not sooner.
_AFTER_FAILURE_SECONDS = 30.0
# dbt keeps something of each invocation; a new process has the memory of none.
_BUILDS_OF_ONE = 50
_END_SECONDS = 10.0
_LONGEST_LOG = 2**20


@dataclass(frozen=True)
class Built:
    """What became of a build. published_at: seconds since 1970. error: what failed first; None: nothing.

    news: lines about sources that changed.
    """

    seconds: float
    published_at: float | None
    error: str | None
    hint: str | None = None
    news: tuple[str, ...] = ()


class Rebuilder:
    """Builds after changes, at most every `every` seconds (None: never)."""

    def __init__(self, settings: Settings, every: float | None, target: str | None) -> None:
        self._settings, self._every, self._target = settings, every, target
        self._builder: _Builder | None = None
        self._started: float | None = None
        self._is_wanted = False
        self._not_before = 0.0
        self.last: Built | None = None

    @property
    def running_for(self) -> float | None:
        """Seconds since the running build was started; None: none runs."""
        return time.monotonic() - self._started if self._started is not None else None

    def want(self) -> None:
        """Rows came: build when it is time."""
        self._is_wanted = self._every is not None

    def tick(self) -> bool:
        """Look after the running build, start one that is due; True if one has just ended."""
        ended = False
        if self._started is not None and self._builder is not None:
            answer = self._builder.answer()
            if answer is not None:
                self._end(answer, time.monotonic() - self._started)
                ended = True
        if self._started is None and self._is_wanted and time.monotonic() >= self._not_before:
            self._start()
        return ended

    def stop(self) -> None:
        """End the running build: what it hasn't published comes with the next one."""
        if self._builder is not None:
            self._builder.end()

    def _start(self) -> None:
        if self._builder is None or not self._builder.is_fit:
            self.stop()
            self._builder = _Builder(self._settings, self._target)
        self._is_wanted, self._started = False, time.monotonic()
        self._builder.build()

    def _end(self, answer: dict[str, Any], seconds: float) -> None:
        error, news = answer.get("error"), tuple(answer.get("news", ()))
        self.last = Built(seconds, None if error else time.time(), error, answer.get("hint"), news)
        self._started = None
        self._is_wanted = self._is_wanted or bool(error)
        self._not_before = time.monotonic() + (_AFTER_FAILURE_SECONDS if error else self._every or 0.0)


@dataclass
class _Builder:
    """The process that builds."""

    settings: Settings
    target: str | None
    builds: int = 0
    _answers: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        ours, theirs = os.pipe()
        self.settings.local_root.mkdir(parents=True, exist_ok=True)
        self._log = self.settings.local_root / "watch-build.log"
        # What the one before said stays, until it is much.
        with self._log.open("ab" if _is_short(self._log) else "wb") as log:
            self._begun = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "plugins.watch.building", json.dumps(self.target), str(theirs)],
                cwd=self.settings.project_dir,
                env={**os.environ, "SMELT_PROJECT_DIR": str(self.settings.project_dir)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[theirs],
                process_group=0,
            )
        os.close(theirs)
        threading.Thread(target=self._read, args=(ours,), name="builds", daemon=True).start()

    @property
    def is_fit(self) -> bool:
        """Whether it may do another build."""
        return self.builds < _BUILDS_OF_ONE and self._process.poll() is None

    def build(self) -> None:
        """Ask for a build; `answer` tells when it is through."""
        self.builds += 1
        assert self._process.stdin is not None
        # Had it died, `answer` would say so.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(b"build\n")
            self._process.stdin.flush()

    def answer(self) -> dict[str, Any] | None:
        """What became of the build; None: it is still going on."""
        return None if self._answers.empty() else self._answers.get()

    def end(self) -> None:
        """End the process, in the middle of a build too."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor) as answers:
            for line in answers:
                self._answers.put(json.loads(line))
        code = self._process.wait()
        how = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        told = f"the building process {how}{self._last_words()}"
        self._answers.put({"error": told, "hint": f"see {self._log}"})

    def _last_words(self) -> str:
        """The last line that the process wrote, which is what it died of; "" if it wrote none."""
        with self._log.open("rb") as log:
            log.seek(self._begun)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return f": {mask(lines[-1])[:300]}" if lines else ""


def _is_short(log: Path) -> bool:
    return not log.exists() or log.stat().st_size < _LONGEST_LOG
