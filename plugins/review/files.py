"""Writing files so that a reader, or a run after a crash, sees the old content or the new, never half."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from plugins.core.errors import SmeltError


def write_atomically(path: Path, text: str) -> None:
    """Replace the file at `path`, making its folder; raises SmeltError if the disk doesn't let it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="") as file:
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise SmeltError(f"{path} cannot be written: {error.strerror}", "check the disk and its rights") from error
