"""Where a table's history has gaps: snapshots that expired between others that are kept.

A kept snapshot is the table's state until the commit after it. If that one expired, its time and epoch are kept in
a table property, so that whoever asks for a time in the gap is told, and not given an older state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

GAPS = "smelt.gaps"
# Stands for the time before the first snapshot, when the table had no rows.
BEFORE_ALL = 0


@dataclass(frozen=True)
class Gap:
    """The commit that came next, and expired. at: in ms, UTC. epoch: see `Batch.epoch`; "" for none."""

    at: int
    epoch: str

    def hides(self, at: int | None, epoch: str | None) -> bool:
        """Whether the state at a time (None: now), and up to an epoch (None: any), may be one that expired."""
        return (at is None or self.at <= at) and (epoch is None or self.epoch <= epoch)


def read_gaps(properties: Mapping[str, str]) -> dict[int, Gap]:
    """The gap after each kept snapshot that has one, by snapshot id, of the properties of a table."""
    return {int(key): Gap(*value) for key, value in json.loads(properties.get(GAPS, "{}")).items()}


def write_gaps(gaps: Mapping[int, Gap]) -> str:
    """The property's text."""
    return json.dumps({str(key): [gap.at, gap.epoch] for key, gap in sorted(gaps.items())}, separators=(",", ":"))
