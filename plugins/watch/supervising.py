"""Starts the process that follows, and starts it again should it die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from rich.console import Console

from plugins.core.settings import Settings
from plugins.watch.wishes import Wishes

# Exit codes of a process that ended because it was asked to, or because it can't do what it was asked.
_ENDED = (0, 1, 2, 130, 143)
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
# One that lived so long is no longer dying of what it started with.
_LIVED_SECONDS = 60.0
# Who ends a group of processes may reach us twice.
_ONCE_SECONDS = 1.0


def supervised(settings: Settings, wishes: Wishes) -> int:
    """Keep a process running that does what `wishes` say; returns its exit code when it ends by itself.

    Signals to end are handed on to it, and it is waited for.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    supervisor = _Supervisor(settings, wishes)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, supervisor.end)
    wait = _FIRST_WAIT
    while True:
        started = time.monotonic()
        code = supervisor.run()
        if code in _ENDED or supervisor.is_ending:
            return code
        wait = _FIRST_WAIT if time.monotonic() - started > _LIVED_SECONDS else min(wait * 2, _LONGEST_WAIT)
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        console.print(
            f"[yellow]restart[/]  the watching process died ({how}); it goes on where it was in {wait:.0f} s"
        )
        if supervisor.rest(wait):
            return code


class _Supervisor:
    def __init__(self, settings: Settings, wishes: Wishes) -> None:
        self._command = [sys.executable, "-P", "-m", "plugins.watch.session", wishes.as_text()]
        self._environment = {**os.environ, "SMELT_PROJECT_DIR": str(settings.project_dir)}
        self._folder = settings.project_dir
        self._child: subprocess.Popen[bytes] | None = None
        self._asked: float | None = None

    @property
    def is_ending(self) -> bool:
        """Whether a signal to end came."""
        return self._asked is not None

    def run(self) -> int:
        """The exit code of the child, once it has ended."""
        # A group of its own: Ctrl-C reaches it through us, once, and it can be told from one that died. Nothing is
        # ever written to its input: when that ends, we are gone, and it must not go on alone.
        with subprocess.Popen(
            self._command, cwd=self._folder, env=self._environment, process_group=0, stdin=subprocess.PIPE
        ) as child:
            self._child = child
            return child.wait()

    def end(self, number: int, _: FrameType | None) -> None:
        """A signal came: the child ends in its own time; at another one later, at once."""
        now = time.monotonic()
        is_again = self._asked is not None and now - self._asked > _ONCE_SECONDS
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGKILL if is_again else signal.SIGTERM)
        self._asked = self._asked or now

    def rest(self, seconds: float) -> bool:
        """Wait; True if we were asked to end meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.is_ending:
            time.sleep(0.1)
        return self.is_ending
