"""Secrets that were meant for one place, looked for in all others."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote


def files_with(canaries: Iterable[str], places: Iterable[Path], *, apart_from: Collection[Path]) -> list[Path]:
    """Files in or below `places` that hold a canary, as it is, in base64 or in hexadecimal digits."""
    wanted = [form for canary in canaries for form in _forms(canary)]
    files = [file for place in places for file in _files(place) if file not in apart_from]
    return [file for file in files if any(form in content for content in [file.read_bytes()] for form in wanted)]


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    elif place.is_dir():
        yield from (path for path in place.rglob("*") if path.is_file())


def _forms(canary: str) -> list[bytes]:
    raw = canary.encode()
    # The last characters of base64 depend on what comes next.
    encoded = base64.b64encode(raw).rstrip(b"=")[:-1]
    return [raw, encoded, raw.hex().encode(), quote(canary, safe="").encode()]
