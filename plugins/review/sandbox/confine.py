"""Runs a task in a process of its own that sees no secrets, reaches no network and writes only where it may.

The child has a scrubbed environment, its own process group, and a kernel (Landlock) and interpreter (audit
hook) that refuse what is not listed. It dies with its parent, and with everything it started at a timeout.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plugins.core.errors import SmeltError
from plugins.core.settings import mask


@dataclass(frozen=True)
class ConfinementLimits:
    """seconds: wall clock. memory_bytes: of data that the process may hold."""

    seconds: int
    memory_bytes: int


def run_confined(
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

    adapter: dbt's, which is loaded before the doors close. has_network: for tasks that ask a database server.
    The first of `writable` is its home; its output goes to `sandbox.log` there. Raises SmeltError with the
    task's reason if it fails, or if it takes longer than `limits.seconds`.
    """
    home = writable[0]
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    log = home / "sandbox.log"
    request = json.dumps(
        {
            "task": task,
            "adapter": adapter,
            "has_network": has_network,
            "arguments": arguments,
            "limits": asdict(limits),
            "readable": [str(path) for path in readable],
            "writable": [str(path) for path in writable],
        }
    )
    reading, writing = os.pipe()
    # -I: neither the working directory nor PYTHONPATH can put other modules in front of ours.
    command = [sys.executable, "-I", "-m", "plugins.review.sandbox.child", str(writing)]
    with log.open("ab") as output, os.fdopen(reading, "rb") as answers:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=home,
                env={**_scrubbed(home), **environment},
                pass_fds=(writing,),
                start_new_session=True,
            )
        finally:
            os.close(writing)
        _wait(child, request.encode(), limits.seconds)
        answer = answers.read()
    return _read(answer, child.returncode, log)


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


def _wait(child: subprocess.Popen[bytes], request: bytes, seconds: int) -> None:
    try:
        child.communicate(request, timeout=seconds)
    except subprocess.TimeoutExpired:
        _kill(child)
        raise SmeltError(
            f"the sandbox took longer than {seconds} s", "raise `seconds` in [review] of smelt.toml"
        ) from None
    except BaseException:
        _kill(child)
        raise
    finally:
        # What the task started and left behind goes too.
        _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    child.wait()


def _read(answer: bytes, returncode: int, log: Path) -> dict[str, Any]:
    if not answer:
        said = mask(log.read_text(errors="replace").strip())[-500:]
        why = f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
        raise SmeltError(f"the sandbox died ({why}): {said}", "raise `memory_gb` in [review] of smelt.toml")
    document = json.loads(answer)
    if "error" in document:
        raise SmeltError(mask(document["error"]), document.get("hint"))
    return document["result"]
