"""What a build came to: values that the command line, `smelt run` and tests read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from plugins.core.project import Built
from plugins.core.warehouse.published import PublishedRun
from plugins.quality import GateResult, RuleCount


@dataclass(frozen=True)
class Failure:
    """Something that stopped the build: what, where it is defined, why, and up to ten of the rows to blame."""

    what: str
    where: str
    message: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True)
class RowAccount:
    """Where the bronze rows of one stream are, counted in rows. Balanced: nothing is lost or counted twice."""

    stream: str
    bronze: int
    silver: int
    quarantined: int
    superseded: int
    tombstones: int
    expired: int
    is_balanced: bool


@dataclass(frozen=True)
class HeldStream:
    """A stream that builds read as it was, until a proposal is decided.

    since: UTC. reason: what changed, in a line. rows: how many came to bronze since and wait there.
    """

    stream: str
    since: datetime
    proposal_id: str | None
    reason: str
    rows: int


@dataclass(frozen=True)
class BuildResult:
    """One build. `published` is None if it failed, was `--as-of` or `--no-publish`.

    held: streams that were read as they were before their source changed. stale: models that were not built for
    that, as `schema.table`. unaccounted: streams that models read and whose rows nothing accounts for.
    """

    run_id: str
    target: str
    warehouse: Path
    as_of: datetime | None
    outcome: Literal["published", "built", "failed"]
    seconds: float
    layers: dict[str, Built]
    gates: tuple[GateResult, ...]
    quarantined: tuple[RuleCount, ...]
    quarantined_rows: int
    accounts: tuple[RowAccount, ...]
    unaccounted: tuple[str, ...]
    scores: int
    published: PublishedRun | None
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...] = ()
    held: tuple[HeldStream, ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 if all went well, else 1."""
        return 1 if self.outcome == "failed" else 0
