"""What one watching works with: how it checks, how it proposes, and that whatever fails the run goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from plugins.core.errors import SmeltError
from plugins.core.lake import Pin
from plugins.core.ledger import Run
from plugins.core.project import Project
from plugins.core.settings import Settings, mask
from plugins.core.warehouse.published import PublishedRun
from plugins.schema_drift.healing.streams import Stream
from plugins.schema_drift.healing.watched import Watched

if TYPE_CHECKING:
    from plugins.schema_drift.drifting import Checked, Proposed

Progress = Callable[[str], None]
Found = TypeVar("Found")


class Check(Protocol):
    """Compares the sources with how they were; see `drifting.check`."""

    def __call__(
        self, project: Project, settings: Settings, before: str | None = None, select: Sequence[str] = ()
    ) -> Checked:
        """What changed; raises SmeltError."""
        ...


class Propose(Protocol):
    """Makes or updates the pull request of one source; see `drifting.propose`."""

    def __call__(
        self,
        project: Project,
        settings: Settings,
        checked: Checked,
        *,
        source: str,
        proposal_id: str | None,
        held_rows: int,
        on_progress: Progress,
    ) -> Proposed | None:
        """None: nothing that files can answer; raises SmeltError."""
        ...


@dataclass
class Watch:
    """One watching; what it needs throughout."""

    settings: Settings
    project: Project
    run: Run
    published: PublishedRun
    check: Check
    propose: Propose
    on_progress: Progress
    watched: Watched
    streams: Mapping[str, Stream]
    pins: Mapping[str, Pin] = field(default_factory=dict)


def guarded(watched: Watched, look: Callable[[], Found], failed: str) -> Found | None:
    """What `look` gives; None and a warning if it fails: whatever goes wrong here, the run goes on."""
    try:
        return look()
    except SmeltError as error:
        watched.tell("warning", f"{failed}: {error.message}", fix=error.hint)
    except Exception as error:  # noqa: BLE001 - a defect in looking for drift must not stop loads and builds
        fix = "`smelt drift check` shows it in full; please report it"
        watched.tell("warning", f"{failed}: {type(error).__name__}: {mask(str(error))}", fix=fix)
    return None
