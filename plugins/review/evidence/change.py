"""What the kinds of evidence work on that look at the project rather than at data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from plugins.lineage import Impact
from plugins.review.evidence.finding import Finding
from plugins.review.sandbox.inputs import ChangedSources
from plugins.review.sandbox.selection import Changes, Selection
from plugins.review.sandbox.session import BuiltSide, Compiled, Later


@dataclass(frozen=True)
class ReviewedChange:
    """A change, compiled and built on both sides. is_machine_written: it must pass the SQL guard.

    sources: those that are not the same on both sides. later: what head did on what it will read once merged.
    """

    base: Compiled
    head: Compiled
    built: Mapping[str, BuiltSide]
    changes: Changes
    selection: Selection
    impact: Impact
    is_machine_written: bool = False
    sources: ChangedSources | None = None
    later: Later | None = None

    def name(self, node: str) -> str:
        """The node's name, for people."""
        for side in (self.head, self.base):
            if node in side.loaded.manifest.resources:
                return side.loaded.manifest.resources[node].name
        return node.split(".")[-1]


class ChangeEvidence(Protocol):
    """A kind of evidence that looks at the project and at what dbt did."""

    kind: str

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """Passed, changed, failed, or not checked and why."""
        ...
