"""Maintaining one table: compact, expire, sweep. Readers and writers go on meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pyiceberg.table import Table

from plugins.core.failpoints import reach
from plugins.core.lake.catalog import Lake
from plugins.core.lake.maintenance.compacting import DataFile, plan_compaction
from plugins.core.lake.maintenance.expiring import Expiry
from plugins.core.lake.maintenance.history import epoch_of, expire, expiry_of, has_epochs
from plugins.core.lake.maintenance.marks import Memory, alone, read_memory, write_memory
from plugins.core.lake.maintenance.policy import Policy, policy_of
from plugins.core.lake.maintenance.references import files_of, referenced
from plugins.core.lake.maintenance.rewriting import compact, current_files
from plugins.core.lake.maintenance.storage import delete_files, list_files
from plugins.core.lake.maintenance.sweeping import Mark, Sweep, plan_sweep
from plugins.core.lake.pin import Pin
from plugins.core.lake.state import LOG

# How often files are looked for where nothing is known to wait.
_RARELY = 3600 * 1000


@dataclass(frozen=True)
class Maintained:
    """What was done to a table, or would be.

    expired: snapshots that went. snapshots: those left; pinned: those of them that stay for a pin's sake alone.
    compacted: small files that became `made` larger ones. deleted, bytes: files that went, and their bytes.
    waiting: files that nothing refers to any more and that stay for the grace. seconds: what it took.
    is_busy: another process was at it, so nothing was done.
    """

    table: str
    expired: int = 0
    snapshots: int = 0
    pinned: int = 0
    compacted: int = 0
    made: int = 0
    deleted: int = 0
    bytes: int = 0
    waiting: int = 0
    seconds: float = 0.0
    is_busy: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.expired or self.compacted or self.deleted)


@dataclass(frozen=True)
class _Work:
    """One table, what to keep of it, and when this is. thorough: also what could wait."""

    lake: Lake
    identifier: str
    policy: Policy
    pins: Callable[[], Sequence[Pin]]
    memory: Path
    now: int
    thorough: bool
    is_dry: bool

    def table(self) -> Table:
        return self.lake.table(self.identifier)

    def pinned(self) -> list[Pin]:
        namespace, name = self.identifier.split(".", 1)
        return [pin for pin in self.pins() if (pin.namespace, pin.table) == (namespace, name)]


def maintain_table(
    lake: Lake,
    identifier: str,
    pins: Callable[[], Sequence[Pin]],
    *,
    thorough: bool = False,
    is_dry: bool = False,
) -> Maintained:
    """Compact small files of a table, expire snapshots, delete files that nothing needs; see `Policy`.

    pins: asked for what readers pinned, only if there is anything to decide; it must name all of it.
    thorough: don't wait for enough to do. is_dry: change nothing, and tell what would be.
    Costs a look at the table's metadata when there is nothing to do. Safe beside writers, readers and itself, and
    to be killed anywhere. Raises SmeltError if there is no such table.
    """
    started = time.monotonic()
    memory = lake.settings.local_root / ".maintenance" / f"{identifier}.json"
    policy = policy_of(lake.settings, identifier.split(".", 1)[0])
    work = _Work(lake, identifier, policy, pins, memory, int(time.time() * 1000), thorough, is_dry)
    if not _may_have_work(work, table := work.table()):
        return Maintained(identifier, snapshots=len(table.metadata.snapshots), seconds=time.monotonic() - started)
    with alone(memory) as may:
        if not may:
            return Maintained(identifier, is_busy=True)
        done = _swept(work, _expired(work, _compacted(work, Maintained(identifier))))
    return replace(done, seconds=time.monotonic() - started)


def _may_have_work(work: _Work, table: Table) -> bool:
    """Whether a step might find something to do, as far as its metadata tells without what is pinned."""
    return (
        _has_many_files(work, table)
        or _is_due(work, expiry_of(table, (), None, work.policy, work.now))
        or _is_sweep_due(work, read_memory(work.memory, work.now), table)
    )


def _compacted(work: _Work, done: Maintained) -> Maintained:
    groups = _groups(work)
    for group in groups:
        if work.is_dry or compact(work.lake, work.identifier, group):
            done = replace(done, compacted=done.compacted + len(group), made=done.made + 1)
    return done


def _groups(work: _Work) -> list[tuple[DataFile, ...]]:
    table = work.table()
    return plan_compaction(current_files(table), work.policy) if _has_many_files(work, table) else []


def _has_many_files(work: _Work, table: Table) -> bool:
    """Whether there are enough files for any to be merged, as far as the snapshot's summary tells."""
    snapshot = table.current_snapshot()
    if snapshot is None or work.policy.merge is None:
        return False
    total = snapshot.summary["total-data-files"] if snapshot.summary else None
    return total is None or int(total) >= work.policy.merge


def _expired(work: _Work, done: Maintained) -> Maintained:
    # The log is looked at first: the table is then as far, or further.
    complete = _complete(work)
    table = work.table()
    # Most often there is nothing to decide, whatever is pinned.
    expiry = expiry_of(table, (), complete, work.policy, work.now)
    there = len(table.metadata.snapshots)
    if not _is_due(work, expiry):
        return replace(done, snapshots=there)
    pinned = {pin.snapshot_id for pin in work.pinned() if pin.snapshot_id is not None}
    expiry = expiry_of(table, pinned, complete, work.policy, work.now)
    if _is_due(work, expiry) and not work.is_dry:
        _release(work, table, expiry)
        reach("expire-before-commit")
        expire(work.lake, work.identifier, expiry)
        reach("expire-after-commit")
    if not _is_due(work, expiry):
        return replace(done, snapshots=there, pinned=len(expiry.tagged))
    gone = len(expiry.expired)
    return replace(done, expired=gone, snapshots=there - gone, pinned=len(expiry.tagged))


def _is_due(work: _Work, expiry: Expiry) -> bool:
    return len(expiry.expired) >= (1 if work.thorough else work.policy.slack)


def _complete(work: _Work) -> str | None:
    """Up to where the table's source is complete; None if the table is committed on its own."""
    namespace, _, name = work.identifier.partition(".")
    if not has_epochs(work.table()):
        return None
    log = work.lake.find(f"{namespace}.{name.partition('__')[0]}{LOG}")
    return epoch_of(log) if log else None


def _release(work: _Work, table: Table, expiry: Expiry) -> None:
    """Remember, before they are let go, files that were committed: then nobody is thought to be writing them."""
    gone = set(expiry.expired)
    parts = {True: [], False: []}
    for snapshot in table.metadata.snapshots:
        parts[snapshot.snapshot_id in gone].append(snapshot)
    released = files_of(parts[True], table.io) - files_of(parts[False], table.io)
    memory = read_memory(work.memory, work.now)
    marks = {**{path: Mark(work.now, is_released=True) for path in released}, **memory.marks}
    write_memory(work.memory, Memory(memory.swept, marks))


def _swept(work: _Work, done: Maintained) -> Maintained:
    memory = read_memory(work.memory, work.now)
    if not _is_sweep_due(work, memory, work.table()):
        return replace(done, waiting=len(memory.marks))
    sweep = _sweep(work, memory)
    if not work.is_dry:
        reach("sweep-before-delete")
        delete_files(work.table(), sweep.deleted)
        reach("sweep-after-delete")
        write_memory(work.memory, Memory(work.now, sweep.marks))
    freed = sum(file.bytes for file in sweep.deleted)
    return replace(done, deleted=len(sweep.deleted), bytes=freed, waiting=len(sweep.waiting))


def _is_sweep_due(work: _Work, memory: Memory, table: Table) -> bool:
    if work.thorough:
        return True
    if memory.marks:
        return work.now - memory.swept >= work.policy.grace // 3
    if memory.swept:
        return work.now - memory.swept >= _RARELY
    oldest = min((one.timestamp_ms for one in table.metadata.snapshots), default=work.now)
    return work.now - oldest >= _RARELY


def _sweep(work: _Work, memory: Memory) -> Sweep:
    """The folder is listed first, then what is needed: a file that is committed in between is needed."""
    found = list_files(work.table())
    pins = work.pinned()
    needed = referenced(work.table(), pins)
    return plan_sweep(found, needed, memory.marks, work.policy.grace, work.now)
