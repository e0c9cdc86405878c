"""What snapshots refer to: manifest lists, manifests and data files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pyiceberg.io import FileIO
from pyiceberg.table import StaticTable, Table
from pyiceberg.table.snapshots import Snapshot

from plugins.core.lake.maintenance.storage import plain
from plugins.core.lake.pin import Pin


@dataclass(frozen=True)
class _Stored:
    """A file that never changes, told from others by its path. what: what is read of it; io: by which."""

    path: str
    what: Any = field(compare=False)
    io: FileIO = field(compare=False)


def files_of(snapshots: Iterable[Snapshot], io: FileIO) -> set[str]:
    """Every file that one of the snapshots needs, without schemes. What several share is read once."""
    found: set[str] = set()
    for snapshot in snapshots:
        found.add(plain(snapshot.manifest_list))
        for manifest in _manifests(_Stored(snapshot.manifest_list, snapshot, io)):
            path = plain(manifest.path)
            if path not in found:
                found.add(path)
                found |= _data_files(manifest)
    return found


# A process that follows sources looks at the same files again and again.
@lru_cache(maxsize=2048)
def _manifests(stored: _Stored) -> tuple[_Stored, ...]:
    return tuple(_Stored(found.manifest_path, found, stored.io) for found in stored.what.manifests(stored.io))


@lru_cache(maxsize=2048)
def _data_files(stored: _Stored) -> frozenset[str]:
    entries = stored.what.fetch_manifest_entry(stored.io, discard_deleted=True)
    return frozenset(plain(entry.data_file.file_path) for entry in entries)


def referenced(table: Table, pins: Iterable[Pin]) -> set[str]:
    """Every file that the table or one of its pins needs: metadata files too, those of its log among them."""
    metadata = table.metadata
    found = files_of(metadata.snapshots, table.io)
    found.add(plain(table.metadata_location))
    found.update(plain(entry.metadata_file) for entry in metadata.metadata_log)
    for pin in pins:
        found.add(plain(pin.metadata_location))
        if pin.snapshot_id is not None and metadata.snapshot_by_id(pin.snapshot_id) is None:
            found |= _files_of_pin(pin, table.io)
    return found


def _files_of_pin(pin: Pin, io: FileIO) -> set[str]:
    """Of a snapshot that the table itself has no more: it was dropped and made anew, or expired by others."""
    try:
        snapshot = StaticTable.from_metadata(pin.metadata_location, io.properties).snapshot_by_id(
            pin.snapshot_id or 0
        )
        return files_of([snapshot], io) if snapshot else set()
    except FileNotFoundError:
        return set()  # what isn't there can't be read, so nothing of it is needed
