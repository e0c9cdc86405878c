"""The bronze commit: files, batch id and source position in one Iceberg transaction, exactly once.

1. Parquet files are written below the table's `data/` folder; nobody sees them yet.
2. One transaction adds the files and sets the table properties `smelt.batch-id` and `smelt.position`.
3. Only then does the caller acknowledge the source.

Killed before 2, a re-run reads the old position and pulls again; killed after 2, it reads the new one.
Two writers race by optimistic concurrency: the loser reloads and finds that the table is no longer
what its batch was based on (`StaleBatch`), so it must pull again from the new position.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyiceberg.table import Table, Transaction, _parquet_files_to_data_files
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.update import AssertRefSnapshotId, SetPropertiesUpdate

from plugins.core.failpoints import reach
from plugins.core.lake.catalog import Lake
from plugins.core.lake.in_place import IN_PLACE
from plugins.core.lake.state import BATCH_ID, EPOCH, POSITION, TableState, read_state
from plugins.core.lake.transaction import begin, retried


class StaleBatch(Exception):
    """Another writer committed since the batch was prepared; pull again from the table's position."""


@dataclass(frozen=True)
class Batch:
    """A load that is ready to commit.

    files: Parquet files, in the table's columns, below its data folder; may be empty.
    epoch: text that grows from batch to batch, the same for tables that are committed one after the other and
    belong together: a reader who pins them all gets none of them further than the last.
    based_on: the table's last batch id when the batch was prepared (None: the table had none).
    expected: position entries the batch starts from; advance: entries it ends at, merged into the position.
    """

    id: str
    files: Sequence[str]
    based_on: str | None
    expected: Mapping[str, Any] = field(default_factory=dict)
    advance: Mapping[str, Any] = field(default_factory=dict)
    # Writers that append independent pieces (partitions of a log) compare positions only.
    any_predecessor: bool = False
    epoch: str | None = None
    # Data files of the table that leave with this commit; their rows that stay are among `files` again.
    replaces: Sequence[str] = ()


@dataclass(frozen=True)
class Committed:
    """The table after the commit. `repeated` says that this very batch had been committed before."""

    state: TableState
    repeated: bool


@retried
def commit_batch(lake: Lake, identifier: str, batch: Batch) -> Committed:
    """Commit `batch` to the bronze table `identifier`.

    Raises StaleBatch if the table moved on since the batch was prepared.
    Every attempt loads the table anew: a stale handle would pass checks that no longer hold.
    """
    table = lake.table(identifier)
    state = read_state(table)
    if state.batch_id == batch.id:
        return Committed(state, repeated=True)
    _refuse_stale(state, batch)
    reach("before-commit")
    _transact(table, state, batch)
    reach("after-commit")
    return Committed(read_state(table), repeated=False)


def _refuse_stale(state: TableState, batch: Batch) -> None:
    if not batch.any_predecessor and state.batch_id != batch.based_on:
        raise StaleBatch(f"the table is at batch {state.batch_id}, not at {batch.based_on}")
    moved = {key for key, value in batch.expected.items() if state.position.get(key) != value}
    if moved:
        raise StaleBatch(f"the position moved in: {', '.join(sorted(moved))}")


def _transact(table: Table, state: TableState, batch: Batch) -> None:
    position = json.dumps({**state.position, **batch.advance}, sort_keys=True)
    properties = {BATCH_ID: batch.id, POSITION: position}
    transaction = begin(table)
    if batch.replaces:
        _replace(table, transaction, batch)
        transaction.set_properties(properties)
    elif batch.files:
        # The snapshot producer asserts that the branch is still where this handle saw it.
        summary = {EPOCH: batch.epoch} if batch.epoch else {}
        transaction.add_files(list(batch.files), summary, check_duplicate_files=False)
        transaction.set_properties(properties)
    else:
        unmoved = AssertRefSnapshotId.model_validate({"ref": MAIN_BRANCH, "snapshot-id": state.snapshot_id})
        transaction._apply((SetPropertiesUpdate(updates=properties),), (unmoved,))
    if IN_PLACE in table.properties:
        # From now on the rows are here.
        transaction.remove_properties(IN_PLACE)
    reach("in-transaction")
    transaction.commit_transaction()


def _replace(table: Table, transaction: Transaction, batch: Batch) -> None:
    """Files for files in one snapshot. Raises StaleBatch if one that must leave did already."""
    current = {task.file.file_path: task.file for task in table.scan().plan_files()}
    if missing := sorted(set(batch.replaces) - set(current)):
        raise StaleBatch(f"the table was rewritten meanwhile: {missing[0]} is gone")
    fresh = _parquet_files_to_data_files(transaction.table_metadata, list(batch.files), table.io)
    with transaction.update_snapshot(snapshot_properties={EPOCH: batch.epoch or ""}).overwrite() as update:
        for path in batch.replaces:
            update.delete_data_file(current[path])
        for file in fresh:
            update.append_data_file(file)
