"""Runs tasks in processes of their own that see no secrets, reach no network and write only where they may.

Each process has a scrubbed environment, its own process group, and a kernel (Landlock) and interpreter (audit
hook) that refuse what is not listed. It dies with its parent, and with everything it started at a timeout. To load
dbt takes several seconds: a server does it once, and each process is a fork of it. A process does one task after
another, so that what a task has parsed is there for the next.
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
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

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
        self._connections: list[socket.socket] = []
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
        for connection in self._connections:
            connection.close()

    def start(
        self,
        *,
        adapter: str = "duckdb",
        has_network: bool = False,
        limits: ConfinementLimits,
        readable: Sequence[Path],
        writable: Sequence[Path],
        environment: Mapping[str, str],
    ) -> ConfinedProcess:
        """Start a process, which waits for tasks.

        adapter: dbt's, which is loaded before the doors close. has_network: for tasks that ask a database
        server. The first of `writable` is its home; its output goes to `sandbox.log` there. limits: `seconds` of
        each task. Raises SmeltError if the server is gone.
        """
        home = writable[0]
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        confinement = {
            "adapter": adapter,
            "has_network": has_network,
            "limits": asdict(limits),
            "readable": [str(path) for path in readable],
            "writable": [str(path) for path in writable],
            "environment": {**_scrubbed(home), **environment},
        }
        ours, theirs = socket.socketpair()
        self._connections.append(ours)
        log = home / "sandbox.log"
        try:
            with theirs, log.open("ab") as output:
                socket.send_fds(self._control, [b"!"], [theirs.fileno(), output.fileno()])
            ours.sendall(_line(confinement))
        except (BrokenPipeError, ConnectionError) as error:
            raise SmeltError(f"the sandbox did not start: {_end_of(self._log)}") from error
        return ConfinedProcess(ours, log, limits.seconds, self)

    def told(self) -> str:
        """The end of what the server itself has written."""
        return _end_of(self._log)

    def kill(self) -> None:
        """End the server at once, and with it all that it started."""
        self._process.kill()


class ConfinedProcess:
    """A process that does tasks, one at a time; a context manager, at whose end nothing of it is left."""

    def __init__(self, connection: socket.socket, log: Path, seconds: int, server: ForkServer) -> None:
        self._connection, self._log, self._seconds, self._server = connection, log, seconds, server
        self._unread = bytearray()
        self._pid: int | None = None
        self.is_alive = True

    def __enter__(self) -> ConfinedProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the process end, and wait until all that it started is gone."""
        if not self.is_alive:
            return
        self.is_alive = False
        with self._connection, suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.settimeout(self._seconds)
            while self._connection.recv(1 << 16):
                pass

    def run(self, task: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call `task` ("module:function" of Smelt, taking and returning JSON) in the process.

        Raises SmeltError with the task's reason if it fails, if the process dies of it, or if it takes longer
        than `limits.seconds`: then the process is gone.
        """
        try:
            self._connection.settimeout(self._seconds)
            self._connection.sendall(_line({"task": task, "arguments": arguments}))
            document = self._answer()
        except TimeoutError:
            self._kill()
            raise SmeltError(
                f"the sandbox took longer than {self._seconds} s", "raise `seconds` in [review] of smelt.toml"
            ) from None
        except (BrokenPipeError, ConnectionError) as error:
            self._kill()
            raise SmeltError(f"the sandbox did not start: {self._server.told()}") from error
        except BaseException:
            self._kill()
            raise
        _log.debug(
            "%s of %s: %.1f s of CPU", task.rpartition(":")[2], self._log.parent.name, document["cpu_seconds"]
        )
        if "error" in document:
            raise SmeltError(mask(document["error"]), document.get("hint"))
        return document["result"]

    def _answer(self) -> dict[str, Any]:
        """The next answer. The first line that a process writes is its id; after its last comes how it ended."""
        deadline = time.monotonic() + self._seconds
        if self._pid is None:
            self._pid = int(self._read_line(deadline) or self._died(b""))
        line = self._read_line(deadline)
        if not line.startswith(b"{"):
            self._died(line)
        # It may have died while it was answering.
        return json.loads(line) if line.endswith(b"}") else self._died(self._read_line(deadline))

    def _read_line(self, deadline: float) -> bytes:
        """The next line that is not empty; nothing if there is none any more."""
        searched = 0
        while (end := self._unread.find(b"\n", searched)) < 0:
            searched = len(self._unread)
            self._connection.settimeout(max(0.001, deadline - time.monotonic()))
            part = self._connection.recv(1 << 16)
            if not part:
                return b""
            self._unread += part
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line or self._read_line(deadline)

    def _died(self, code: bytes) -> NoReturn:
        self.is_alive = False
        self._connection.close()
        if not code:
            raise SmeltError(f"the sandbox did not start: {self._server.told()}")
        why = f"signal {-int(code)}" if int(code) < 0 else f"exit code {int(code)}"
        raise SmeltError(
            f"the sandbox died ({why}): {_end_of(self._log)}", "raise `memory_gb` in [review] of smelt.toml"
        )

    def _kill(self) -> None:
        self.is_alive = False
        self._connection.close()
        if self._pid is None:
            # It was not even started.
            self._server.kill()
            return
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)


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


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode() + b"\n"


def _end_of(log: Path) -> str:
    return mask(log.read_text(errors="replace").strip())[-500:]
