"""Runs one piece of work in a process of its own and says what it cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Cost:
    """wall: seconds of the work itself where the worker prints them, else of the process; cpu: seconds of
    the process and its children; peak_mib: greatest resident set of the process, sampled every 20 ms."""

    wall: float
    cpu: float
    peak_mib: float
    output: str


def measure(command: list[str], environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> Cost:
    """Run `command`; raises RuntimeError with its output if it fails.

    A worker may print a last line `{"seconds": …}` to leave its own start-up out of `wall`.
    """
    started = time.perf_counter()
    process = psutil.Popen(
        command,
        env={**os.environ, **(environment or {})},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak, cpu = 0, 0.0
    while process.poll() is None:
        try:
            peak = max(peak, process.memory_info().rss)
            times = process.cpu_times()
            cpu = times.user + times.system + times.children_user + times.children_system
        except psutil.Error:
            break  # it ended between the two looks; what was seen so far stands
        time.sleep(0.02)
    output, _ = process.communicate()
    wall = time.perf_counter() - started
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{output[-3000:]}")
    last = output.strip().splitlines()[-1] if output.strip() else ""
    if last.startswith('{"seconds"'):
        wall = json.loads(last)["seconds"]
    return Cost(wall, cpu, peak / 2**20, output)


def python(*arguments: str) -> list[str]:
    """A command line that runs this interpreter."""
    return [sys.executable, *arguments]


def tool(name: str, *arguments: str) -> list[str]:
    """A command line that runs a program of this interpreter's environment."""
    return [str(Path(sys.executable).with_name(name)), *arguments]
