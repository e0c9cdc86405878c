"""Which small files are written together.

Files are merged by size, as in a log-structured merge tree: only with others of about their size, so that each row
is written again a few times until its file is large enough, and never once for each load.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from plugins.core.lake.maintenance.policy import Policy

# Files below this are of one size.
_BASE = 64 * 1024
# Files that are opened at once.
_MOST = 500


@dataclass(frozen=True)
class DataFile:
    """A data file of a table's current snapshot: where it is, its bytes and rows."""

    path: str
    bytes: int
    rows: int


def plan_compaction(files: Sequence[DataFile], policy: Policy) -> list[tuple[DataFile, ...]]:
    """Groups of `files`, in their order, each to become one file."""
    if policy.merge is None:
        return []
    levels: dict[int, list[DataFile]] = defaultdict(list)
    for file in files:
        if file.bytes < policy.target // 2:
            levels[_level(file, policy.merge)].append(file)
    groups = []
    for _, alike in sorted(levels.items()):
        if len(alike) >= policy.merge:
            groups += _packed(alike, policy.target)
    return [group for group in groups if len(group) > 1]


def _level(file: DataFile, merge: int) -> int:
    return 0 if file.bytes <= _BASE else 1 + int(math.log(file.bytes / _BASE, merge))


def _packed(files: Sequence[DataFile], target: int) -> list[tuple[DataFile, ...]]:
    groups: list[list[DataFile]] = [[]]
    size = 0
    for file in files:
        if groups[-1] and (size + file.bytes > target or len(groups[-1]) == _MOST):
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.bytes
    return [tuple(group) for group in groups]
