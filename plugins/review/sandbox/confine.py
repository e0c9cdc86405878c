"""Runs tasks in processes of their own that see no secrets, reach no network and write only where they may.

Each has a scrubbed environment, its own process group, and a kernel (Landlock) and interpreter (audit hook)
that refuse what is not listed. It dies with its parent, and with everything it started at a timeout. To load
dbt takes several seconds: a server does it once, and each task is a fork of it.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from plugins.core.errors import SmeltError
from plugins.core.settings import mask

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConfinementLimits:
    """seconds: wall clock. memory_bytes: of data that the process may hold."""

    seconds: int
    memory_bytes: int


class ForkServer:
    """Starts confined processes; a context manager. It loads dbt while its user does something else.

    folder: where it writes its log, and what it warms up with. Start it from a thread that stays.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "server.log"
        self._control, theirs = socket.socketpair()
        # -I: neither the working directory nor PYTHONPATH can put other modules in front of ours.
        command = [sys.executable, "-I", "-m", "plugins.review.sandbox.forkserver", str(theirs.fileno())]
        with theirs, self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=_scrubbed(folder),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server and all that it started."""
        self._control.close()
        self._process.kill()
        self._process.wait()

    def run(
        self,
        task: str,
        arguments: Mapping[str, Any],
        *,
        adapter: str = "duckdb",
        has_network: bool = False,
        limits: ConfinementLimits,
        readable: Sequence[Path],
        writable: Sequence[Path],
        environment: Mapping[str, str],
    ) -> dict[str, Any]:
        """Call `task` ("module:function" of Smelt, taking and returning JSON) in a confined process.

        adapter: dbt's, which is loaded before the doors close. has_network: for tasks that ask a database
        server. The first of `writable` is its home; its output goes to `sandbox.log` there. Raises SmeltError
        with the task's reason if it fails, or if it takes longer than `limits.seconds`.
        """
        home = writable[0]
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        request = {
            "task": task,
            "adapter": adapter,
            "has_network": has_network,
            "arguments": arguments,
            "limits": asdict(limits),
            "readable": [str(path) for path in readable],
            "writable": [str(path) for path in writable],
            "environment": {**_scrubbed(home), **environment},
        }
        ours, theirs = socket.socketpair()
        log = home / "sandbox.log"
        with ours:
            try:
                with theirs, log.open("ab") as output:
                    socket.send_fds(self._control, [b"!"], [theirs.fileno(), output.fileno()])
                ours.sendall(json.dumps(request).encode())
                ours.shutdown(socket.SHUT_WR)
                answer = self._wait(ours, limits.seconds)
            except (BrokenPipeError, ConnectionError) as error:
                raise SmeltError(f"the sandbox did not start: {_end_of(self._log)}") from error
        if not answer:
            raise SmeltError(f"the sandbox did not start: {_end_of(self._log)}")
        return _read(task, answer, log)

    def _wait(self, connection: socket.socket, seconds: int) -> bytes:
        """All that the process says; what it started is gone by then."""
        deadline = time.monotonic() + seconds
        answer = bytearray()
        try:
            while True:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                part = connection.recv(1 << 16)
                if not part:
                    return bytes(answer)
                answer += part
        except TimeoutError:
            self._kill(answer)
            raise SmeltError(
                f"the sandbox took longer than {seconds} s", "raise `seconds` in [review] of smelt.toml"
            ) from None
        except BaseException:
            self._kill(answer)
            raise

    def _kill(self, answer: bytearray) -> None:
        pid = bytes(answer).partition(b"\n")[0]
        if not pid:
            # It was not even started.
            self._process.kill()
            return
        try:
            os.killpg(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            return


def _scrubbed(home: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
        "DO_NOT_TRACK": "1",
    }


def _read(task: str, answer: bytes, log: Path) -> dict[str, Any]:
    """The result: between the process's id and its exit code."""
    lines = [line for line in answer.splitlines() if line]
    if len(lines) != 3:
        code = int(lines[-1])
        why = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise SmeltError(
            f"the sandbox died ({why}): {_end_of(log)}", "raise `memory_gb` in [review] of smelt.toml"
        )
    document = json.loads(lines[1])
    _log.debug("%s of %s: %.1f s of CPU", task.rpartition(":")[2], log.parent.name, document["cpu_seconds"])
    if "error" in document:
        raise SmeltError(mask(document["error"]), document.get("hint"))
    return document["result"]


def _end_of(log: Path) -> str:
    return mask(log.read_text(errors="replace").strip())[-500:]
