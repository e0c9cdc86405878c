"""Builds in the background: a process for each, so that a build's memory and crashes stay its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import IO, Any

from plugins.core.settings import Settings

# A build that failed is tried again with the next rows, but not sooner.
_AFTER_FAILURE_SECONDS = 30.0


@dataclass(frozen=True)
class Built:
    """What became of a build. published_at: seconds since 1970. error: what failed first; None: nothing."""

    seconds: float
    published_at: float | None
    error: str | None
    hint: str | None = None


class Rebuilder:
    """Builds after changes, one build at a time, at most every `every` seconds (None: never)."""

    def __init__(self, settings: Settings, every: float | None, target: str | None) -> None:
        self._settings, self._every, self._target = settings, every, target
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._is_wanted = False
        self._not_before = self._started = 0.0
        self.last: Built | None = None

    @property
    def running_for(self) -> float | None:
        """Seconds since the running build was started; None: none runs."""
        return time.monotonic() - self._started if self._process is not None else None

    def want(self) -> None:
        """Rows came: build when it is time."""
        self._is_wanted = self._every is not None

    def tick(self) -> bool:
        """Look after the running build, start one that is due; True if one has just ended."""
        ended = False
        if self._process is not None and self._process.poll() is not None:
            self.last = self._result(self._process.returncode)
            self._process, ended = None, True
            pause = (self._every or 0.0) if self.last.error is None else _AFTER_FAILURE_SECONDS
            self._not_before = time.monotonic() + pause
        if self._process is None and self._is_wanted and time.monotonic() >= self._not_before:
            self._start()
        return ended

    def stop(self) -> None:
        """End the running build: what it hasn't published comes with the next one."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._is_wanted = False
        self._started = time.monotonic()
        self._settings.local_root.mkdir(parents=True, exist_ok=True)
        path = self._settings.local_root / "watch-build.json"
        self._output = path.open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "plugins.watch.building", json.dumps({"target": self._target})],
            cwd=self._settings.project_dir,
            env={**os.environ, "SMELT_PROJECT_DIR": str(self._settings.project_dir)},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )

    def _result(self, code: int) -> Built:
        seconds = time.monotonic() - self._started
        assert self._output is not None
        with self._output as file:
            file.seek(0)
            lines = file.read().decode(errors="replace").strip().splitlines()
        try:
            told: dict[str, Any] = json.loads(lines[-1]) if lines else {}
        except json.JSONDecodeError:
            told = {"error": lines[-1][:300]}
        if code == 0 and "error" not in told:
            return Built(seconds, time.time(), None)
        return Built(seconds, None, told.get("error") or f"exit code {code}", told.get("hint"))
