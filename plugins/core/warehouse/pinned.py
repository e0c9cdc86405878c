"""Everything that readers may still open by its metadata file: published runs, running builds, held streams."""

from __future__ import annotations

import json
import time
from functools import lru_cache
from pathlib import Path

from plugins.core.errors import SmeltError
from plugins.core.lake import Pin
from plugins.core.lake.saved_pins import load_pins, pins_folder
from plugins.core.ledger import Ledger, open_holds
from plugins.core.settings import Settings
from plugins.core.warehouse.published import read_run

# No build takes longer; the file of one that was killed stays behind.
_LONGEST_BUILD_SECONDS = 2 * 24 * 3600


def all_pins(settings: Settings) -> list[Pin]:
    """Every pin that must stay readable; published tables are among them, as pins of their namespace.

    Raises SmeltError if a file that says what is pinned can't be read: then nothing may be thrown away.
    """
    # In this order: a build's pins are in its run's file before its own file goes.
    building = [pin for path in _of_builds(settings) for pin in _pins_of(path)]
    published = [pin for path in run_files(settings) for pin in _published_pins(path, *_stamp(path))]
    held = [hold.pin for hold in open_holds(Ledger(settings)) if hold.pin is not None]
    return [*building, *published, *held]


def run_files(settings: Settings) -> list[Path]:
    """The catalog file of each published run, oldest first."""
    return sorted((settings.published_dir / "runs").glob("*.duckdb"))


def _of_builds(settings: Settings) -> list[Path]:
    folder = pins_folder(settings)
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return [path for path in paths if time.time() - _modified(path) < _LONGEST_BUILD_SECONDS]


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # the build has ended meanwhile


def _pins_of(path: Path) -> list[Pin]:
    try:
        return load_pins(path)
    except FileNotFoundError:
        return []  # likewise
    except (json.JSONDecodeError, TypeError) as error:
        raise SmeltError(
            f"{path} should say what a running build reads, and cannot be read: {error}",
            "delete it if no build is running",
        ) from error


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns


@lru_cache(maxsize=4096)
def _published_pins(path: Path, inode: int, _modified_ns: int) -> tuple[Pin, ...]:
    """What the file of a run refers to; such a file never changes. None if the run was removed meanwhile."""
    if not inode:
        return ()
    run = read_run(path)
    names = ((table, *table.dataset.partition(".")) for table in run.tables)
    tables = (Pin(schema, name, table.metadata_location, table.snapshot_id) for table, schema, _, name in names)
    return (*run.pins, *tables)


def remove_pins_of_killed_builds(settings: Settings) -> None:
    """Files of builds that can't be running any more."""
    current = set(_of_builds(settings))
    for path in pins_folder(settings).glob("*.json"):
        if path not in current:
            path.unlink(missing_ok=True)
