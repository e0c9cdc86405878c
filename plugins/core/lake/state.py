"""What a table says about its own progress: last batch, source position, schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyiceberg.table import Table

BATCH_ID = "smelt.batch-id"
POSITION = "smelt.position"
# Of a snapshot: see `Batch.epoch`.
EPOCH = "smelt.epoch"
# How the table of a source's transactions is called: `<source>` and this.
LOG = "__cdc_transactions"
# Entry of a position: columns that change events may leave out, and the key by which to find the version before.
UNSENT = "unsent"


@dataclass(frozen=True)
class TableState:
    """Progress of a bronze table, kept in table properties so that it commits together with the data."""

    batch_id: str | None
    position: Mapping[str, Any]
    snapshot_id: int | None
    metadata_location: str


def read_state(table: Table) -> TableState:
    """The progress recorded in `table`'s current metadata. Never read from history: expiry erases it."""
    properties = table.properties
    snapshot = table.current_snapshot()
    return TableState(
        batch_id=properties.get(BATCH_ID),
        position=json.loads(properties.get(POSITION, "{}")),
        snapshot_id=snapshot.snapshot_id if snapshot else None,
        metadata_location=table.metadata_location,
    )
