"""How a delimited file is written, for whoever loads it: encoding, delimiter, header as it stands there."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path

from plugins.discovery.reading.delimited import layout
from plugins.discovery.reading.text import as_utf8, encoding_of


@dataclass(frozen=True)
class Written:
    """header: the cells of the first line, unchanged; empty if that line is data."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]


def written(path: Path) -> Written:
    """Look at the beginning of a file. Raises SmeltError if it is empty, or no text."""
    with tempfile.TemporaryDirectory(prefix="smelt-written-") as scratch:
        plain, _ = as_utf8(path, Path(scratch))
        found = layout(plain, path)
        encoding = encoding_of(path, Path(scratch))
        if not found.has_header:
            return Written(encoding, found.delimiter, ())
        with open(plain, encoding="utf-8-sig", errors="replace", newline="") as file:
            header = next(csv.reader(file, delimiter=found.delimiter), [])
    return Written(encoding, found.delimiter, tuple(header))
