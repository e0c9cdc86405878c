"""Pins of running builds, a file each: what they name stays, and other processes can read the same snapshots.

<local root>/pins/<id>.json
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from ulid import ULID

from plugins.core.lake.pin import Pin
from plugins.core.settings import Settings


def pins_folder(settings: Settings) -> Path:
    """Where they are."""
    return settings.local_root / "pins"


def save_pins(path: Path, pins: Sequence[Pin]) -> None:
    """Write `pins` for later dbt invocations, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps([asdict(pin) for pin in pins], indent=1))
    os.replace(temporary, path)


def load_pins(path: Path) -> list[Pin]:
    """Read pins that `save_pins` wrote."""
    return [Pin(**pin) for pin in json.loads(path.read_text())]


@contextmanager
def registered(settings: Settings, pins: Sequence[Pin]) -> Iterator[None]:
    """Keep what `pins` refer to for as long as the block runs."""
    path = pins_folder(settings) / f"{ULID()}.json"
    save_pins(path, pins)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
