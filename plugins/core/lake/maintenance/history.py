"""Expiring snapshots of a table, and tagging those that are pinned: one commit, without a new snapshot."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pyiceberg.table import Table
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.update import (
    RemoveSnapshotRefUpdate,
    RemoveSnapshotsUpdate,
    SetPropertiesUpdate,
    SetSnapshotRefUpdate,
    TableUpdate,
)

from plugins.core.failpoints import reach
from plugins.core.lake.catalog import Lake
from plugins.core.lake.gaps import GAPS, read_gaps, write_gaps
from plugins.core.lake.maintenance.expiring import Expiry, Moment, plan_expiry
from plugins.core.lake.maintenance.policy import Policy
from plugins.core.lake.state import EPOCH
from plugins.core.lake.transaction import begin, retried

_TAG = "smelt-pinned-"
# Each commit writes the names of so many metadata files before it.
_LOGGED = {"write.metadata.previous-versions-max": "10"}


def expiry_of(table: Table, pinned: Collection[int], complete: str | None, policy: Policy, now: int) -> Expiry:
    """What to expire of the table as it is. Snapshots that others than Smelt tagged or branched stay too."""
    kept = {ref.snapshot_id for name, ref in table.metadata.refs.items() if not name.startswith(_TAG)}
    gaps = read_gaps(table.properties)
    return plan_expiry(_history(table), {*pinned, *kept}, complete, gaps, policy, now)


def epoch_of(table: Table) -> str:
    """The epoch of the table's current snapshot; "" if it has none."""
    return (_history(table) or [Moment(0, 0)])[-1].epoch


def has_epochs(table: Table) -> bool:
    """Whether the table is committed together with others."""
    return any(moment.epoch for moment in _history(table))


def _history(table: Table) -> list[Moment]:
    snapshots = sorted(table.metadata.snapshots, key=lambda one: one.sequence_number or 0)
    epochs = [(one.summary[EPOCH] or "") if one.summary else "" for one in snapshots]
    return [Moment(one.snapshot_id, one.timestamp_ms, epoch) for one, epoch in zip(snapshots, epochs, strict=True)]


@retried
def expire(lake: Lake, identifier: str, expiry: Expiry) -> None:
    """Commit it. Appends that came meanwhile stay: what is expired is named, and none of it is current."""
    table = lake.table(identifier)
    there = {snapshot.snapshot_id for snapshot in table.metadata.snapshots}
    gone = [one for one in expiry.expired if one in there]
    updates = (
        *_tags(table, expiry.tagged & there),
        RemoveSnapshotsUpdate.model_validate({"snapshot-ids": gone}),
        SetPropertiesUpdate(updates={GAPS: write_gaps(expiry.gaps), **_LOGGED}),
    )
    transaction = begin(table)
    transaction._apply(updates, ())
    reach("expire-in-transaction")
    transaction.commit_transaction()


def _tags(table: Table, tagged: Iterable[int]) -> list[TableUpdate]:
    """One tag for each pinned snapshot; tags of those that are pinned no more go."""
    wanted = {f"{_TAG}{one}": one for one in tagged}
    there = {name for name in table.metadata.refs if name.startswith(_TAG)}
    removed: list[TableUpdate] = [
        RemoveSnapshotRefUpdate.model_validate({"ref-name": name}) for name in sorted(there - wanted.keys())
    ]
    added: list[TableUpdate] = [
        SetSnapshotRefUpdate.model_validate(
            {"ref-name": name, "type": SnapshotRefType.TAG.value, "snapshot-id": wanted[name]}
        )
        for name in sorted(wanted.keys() - there)
    ]
    return [*removed, *added]
