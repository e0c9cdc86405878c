"""Names of data files and staging folders, and the removal of those whose writer was killed.

A name carries batch, host and process, so that what belongs to a living writer is never touched.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import time
from pathlib import Path

from ulid import ULID

from plugins.core.lake import Lake
from plugins.core.lake.catalog import data_folder, local_path

_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
_NAME = re.compile(r"^(?P<batch>[0-9A-Z]{26})-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)(\.parquet)?$")
# A writer on another host can't be looked at: its files are left alone for longer than any load takes.
_SAFE_AGE_SECONDS = 7 * 24 * 3600


def file_stem(batch_id: str) -> str:
    """The name, without suffix, of what this process writes for `batch_id`."""
    return f"{batch_id}-{_HOST}-{os.getpid()}"


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
    table = lake.table(identifier)
    current = {local_path(task.file.file_path) for task in table.scan().plan_files()}
    orphans = [path for path in candidates if str(path) not in current]
    if orphans:
        # Older snapshots may still need a file that the newest one dropped.
        kept = {local_path(name) for name in table.inspect.all_files().column("file_path").to_pylist()}
        orphans = [path for path in orphans if str(path) not in kept]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(dead_folders) + len(orphans)


def _abandoned(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    named = ((path, _NAME.match(path.name)) for path in folder.iterdir())
    return [path for path, match in named if match and not _may_live(match)]


def _may_live(name: re.Match[str]) -> bool:
    if name["host"] != _HOST:
        return time.time() - ULID.from_str(name["batch"]).timestamp < _SAFE_AGE_SECONDS
    try:
        os.kill(int(name["pid"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
