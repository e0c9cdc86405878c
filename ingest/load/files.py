"""Data files and staging folders of loads, and the removal of those whose writer was killed."""

from __future__ import annotations

import shutil
from pathlib import Path

from ulid import ULID

from plugins.core.lake import Lake
from plugins.core.lake.catalog import data_folder, local_path
from plugins.core.lake.writing import file_stem, is_loaded, may_be_written

__all__ = ["file_stem", "next_batch_id", "remove_orphans", "staging_folder"]


def next_batch_id(last: str | None) -> str:
    """A ULID that sorts after `last`, even if the clock went back."""
    fresh = str(ULID())
    return fresh if last is None or fresh > last else str(ULID.from_int(int(ULID.from_str(last)) + 1))


def staging_folder(root: Path, batch_id: str) -> Path:
    """A new folder for one pull's temporary files, on the lake's disk."""
    folder = root / ".staging" / file_stem(batch_id)
    folder.mkdir(parents=True)
    return folder


def remove_orphans(lake: Lake, identifier: str) -> int:
    """Delete data files of `identifier` and staging folders that killed writers left; returns how many.

    The order matters: what a writer that is dead now committed, it committed before the table is loaded here.
    """
    dead_folders = _abandoned(lake.settings.local_root / ".staging")
    for folder in dead_folders:
        shutil.rmtree(folder, ignore_errors=True)
    table = lake.find(identifier)
    if table is None or "://" in data_folder(table):
        return len(dead_folders)
    candidates = _abandoned(Path(data_folder(table)))
    if not candidates:
        return len(dead_folders)
    table = lake.table(identifier)
    snapshot = table.current_snapshot()
    committed = snapshot.timestamp_ms / 1000 if snapshot else 0.0
    # What is older may have been committed once, and still be read: it is for maintenance to tell.
    fresh = [path for path in candidates if _modified(path) > committed]
    if not fresh:
        return len(dead_folders)
    current = {local_path(task.file.file_path) for task in table.scan().plan_files()}
    orphans = [path for path in fresh if str(path) not in current]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(dead_folders) + len(orphans)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # another process was first to remove it


def _abandoned(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if is_loaded(path.name) and not may_be_written(path.name)]
