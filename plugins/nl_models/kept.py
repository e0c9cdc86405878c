"""What takes a while to find out, kept in files beside the catalog index for the next process."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Of one file: more is forgotten all at once, since what is in it can be found out again.
_MOST_ENTRIES = 200_000


@dataclass(frozen=True)
class Kept:
    """A file of texts by key. It is data, never code: a project that came from elsewhere may bring one along.

    version: of what found them out; those of another version, and of a damaged file, are none.
    """

    path: Path
    version: str

    def read(self) -> dict[str, str]:
        """What is kept."""
        try:
            document = json.loads(self.path.read_bytes())
            if document["version"] == self.version:
                return {key: value for key, value in document["entries"].items() if isinstance(value, str)}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass
        return {}

    def add(self, entries: Mapping[str, str]) -> None:
        """Keep these as well; a folder that can't be written to only costs the time."""
        every = {**self.read(), **entries}
        document = {"version": self.version, "entries": every if len(every) <= _MOST_ENTRIES else dict(entries)}
        half = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            half.write_text(json.dumps(document), encoding="utf-8")
            os.replace(half, self.path)
