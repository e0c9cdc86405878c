"""What maintenance keeps, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.core.settings import Settings

_MINUTE = 60 * 1000
_MB = 1_000_000


@dataclass(frozen=True)
class Policy:
    """snapshots: newest ones that are kept. days: for how long states of whole hours and days are kept besides.

    merge: files of about one size that are worth writing together; None: never. target: bytes of a file that is
    large enough. grace: milliseconds for which files that nothing refers to any more stay.
    """

    snapshots: int
    days: int
    merge: int | None
    target: int
    grace: int

    @property
    def slack(self) -> int:
        """Snapshots beyond what is kept that are waited for, so that not each commit brings another commit."""
        return max(1, self.snapshots // 4)


def policy_of(settings: Settings, namespace: str) -> Policy:
    """The policy of bronze; of published tables, whose history is that of runs, only what is pinned is kept."""
    wanted = settings.maintenance
    grace = int(wanted.grace_minutes * _MINUTE)
    target = wanted.target_mb * _MB
    if namespace != "bronze":
        return Policy(snapshots=1, days=0, merge=None, target=target, grace=grace)
    return Policy(wanted.snapshots, settings.retention.bronze_days, wanted.small_files, target, grace)
