"""What maintenance remembers of a table: files that wait to be deleted, and when it last looked for more.

    <local root>/.maintenance/<table>.json

Lost or damaged, the files wait once more from the start. The file's lock lets one process at a time maintain a
table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from plugins.core.lake.maintenance.sweeping import Mark


@dataclass(frozen=True)
class Memory:
    """swept: when files were last looked for (milliseconds, UTC); 0: never. marks: those that wait, by path."""

    swept: int = 0
    marks: Mapping[str, Mark] = field(default_factory=dict)


def read_memory(path: Path, now: int) -> Memory:
    """What was remembered; nothing if there is no such file, or a damaged one.

    now: milliseconds, UTC. What is later was noted by a clock that was put back since: it counts from now, or
    nothing would be deleted until that clock's time has come.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        swept = int(kept["swept"])
        marks = {name: Mark(min(since, now), *rest) for name, (since, *rest) in kept["marks"].items()}
        return Memory(swept if swept <= now else 0, marks)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return Memory()


def write_memory(path: Path, memory: Memory) -> None:
    """Remember it, in one step."""
    marks = {name: [mark.since, mark.is_released] for name, mark in memory.marks.items()}
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps({"swept": memory.swept, "marks": marks}), encoding="utf-8")
    os.replace(temporary, path)


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether this process may maintain the table of this file now; it is the only one within the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
