"""`bronze.<source>__cdc_transactions`: one row for each place of the change stream where all tables are complete.

It is committed last of all tables of its source, so its position says from where the stream is read on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from ingest.load.files import file_stem, next_batch_id, remove_orphans
from ingest.load.types import AUDIT_TYPES
from ingest.mongo.stream import Place
from plugins.core.lake import LOG, Batch, Lake, TableState, commit_batch, ensure_columns, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import write_rows

_SCHEMA = pa.schema(
    [
        ("cluster_time", pa.string()),
        ("committed_at", pa.timestamp("us", tz="UTC")),
        ("resume_token", pa.string()),
        ("events", pa.int64()),
        ("transactions", pa.int64()),
        *AUDIT_TYPES.items(),
    ]
)


@dataclass(frozen=True)
class Taken:
    """What a commit brings. transactions: of several documents.

    cluster_time, committed: of its last event; None: it has none.
    """

    events: int = 0
    transactions: int = 0
    cluster_time: str | None = None
    committed: int | None = None


@dataclass
class PlaceWriter:
    """Writes the places of one source."""

    lake: Lake
    source: str

    def __post_init__(self) -> None:
        self.identifier = f"bronze.{self.source}{LOG}"
        ensure_columns(self.lake, self.identifier, _SCHEMA)
        remove_orphans(self.lake, self.identifier)
        self.state: TableState = read_state(self.lake.table(self.identifier))

    @property
    def place(self) -> Place | None:
        """Everything before it is in bronze; None: nothing was read yet."""
        return Place.read(self.state.position)

    @property
    def streams(self) -> Mapping[str, str]:
        """The collections that get the stream, by name of their stream in source.yml."""
        return self.state.position.get("streams", {})

    def note(self, **entries: object) -> None:
        """Write down what the position says beside the place, if it says something else."""
        if any(self.state.position.get(name) != value for name, value in entries.items()):
            self._commit([], next_batch_id(self.state.batch_id), entries, None)

    def commit(self, place: Place, taken: Taken, *, is_seen: bool) -> None:
        """All tables of the source are complete up to `place`. is_seen: readers see them as they are there."""
        batch_id = next_batch_id(self.state.batch_id)
        files: list[str] = []
        if is_seen:
            table = self.lake.table(self.identifier)
            files.append(f"{data_folder(table)}/{file_stem(batch_id)}.parquet")
            write_rows(table, _row(place, taken, batch_id), files[0])
        self._commit(files, batch_id, place.entries(), place.text)

    def _commit(self, files: list[str], batch_id: str, entries: Mapping[str, Any], epoch: str | None) -> None:
        expected = {"resume": self.state.position.get("resume")}
        batch = Batch(batch_id, files, self.state.batch_id, expected, entries, epoch=epoch)
        self.state = commit_batch(self.lake, self.identifier, batch).state


def _row(place: Place, taken: Taken, batch_id: str) -> pa.Table:
    values = {
        "cluster_time": taken.cluster_time, "committed_at": taken.committed, "resume_token": place.text,
        "events": taken.events, "transactions": taken.transactions, "_smelt_batch_id": batch_id,
        "_smelt_loaded_at": datetime.now(UTC), "_smelt_source_position": place.text, "_smelt_op": "c",
        "_smelt_extra": None,
    }  # fmt: skip
    return pa.Table.from_arrays([pa.array([values[f.name]], f.type) for f in _SCHEMA], schema=_SCHEMA)
