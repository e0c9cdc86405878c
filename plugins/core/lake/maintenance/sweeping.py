"""Which files of a table's folder go: those that nothing refers to, and that nobody reads or writes any more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from plugins.core.lake.writing import is_written, may_be_written

_SUFFIXES = (".parquet", ".avro", ".metadata.json")
# Data files of writers that aren't Smelt's loads say nothing of who writes them.
_SAFE_AGE = 24 * 3600 * 1000


@dataclass(frozen=True)
class Found:
    """A file: its path as the file system has it, bytes, and when it was last written (milliseconds, UTC)."""

    path: str
    bytes: int
    modified: int


@dataclass(frozen=True)
class Mark:
    """Since when nothing is known to refer to a file. is_released: it was committed, so nobody still writes it."""

    since: int
    is_released: bool = False


@dataclass(frozen=True)
class Sweep:
    """deleted: files that go. waiting: files that will, later. marks: what to remember of those, by path."""

    deleted: tuple[Found, ...]
    waiting: tuple[Found, ...]
    marks: Mapping[str, Mark]


def plan_sweep(
    found: Sequence[Found], referenced: Collection[str], marks: Mapping[str, Mark], grace: int, now: int
) -> Sweep:
    """Choose among the files of a table's folder. grace: milliseconds that an unreferenced file stays."""
    deleted, waiting, left = [], [], {}
    for file in found:
        if file.path in referenced or not file.path.endswith(_SUFFIXES):
            continue
        mark = marks.get(file.path, Mark(now))
        is_due = now - mark.since >= grace and now - file.modified >= grace
        if is_due and (mark.is_released or not _may_be_uncommitted(file, now)):
            deleted.append(file)
        else:
            waiting.append(file)
            left[file.path] = mark
    return Sweep(tuple(deleted), tuple(waiting), left)


def _may_be_uncommitted(file: Found, now: int) -> bool:
    """Whether its writer may still be about to commit it. Metadata is committed at once, well within any grace."""
    name = file.path.rpartition("/")[2]
    if is_written(name):
        return may_be_written(name)
    return name.endswith(".parquet") and now - file.modified < _SAFE_AGE
