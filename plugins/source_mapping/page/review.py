"""One mapping under review: the page's document of it as it stands, and saving what was decided to its file."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugins.core.errors import SmeltError
from plugins.source_mapping.document import SourceMapping, render_mapping
from plugins.source_mapping.page.content import review_document
from plugins.source_mapping.page.decisions import Decisions, apply_decisions

if TYPE_CHECKING:
    from plugins.source_mapping.reviewing import ReviewInputs

_NO_FILE = "none"


class ChangedOnDisk(SmeltError):
    """Somebody else wrote the file since the page was opened; nothing was written."""


@dataclass(frozen=True)
class _Opened:
    version: str
    mapping: SourceMapping
    inputs: ReviewInputs


@dataclass
class MappingReview:
    """load: gives the mapping as it stands, again whenever the file has changed. reviewer: who decides.

    Raises SmeltError if the file cannot be read or written.
    """

    load: Callable[[], ReviewInputs]
    reviewer: str
    _opened: _Opened | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def path(self) -> Path:
        """Of `mapping.yml`."""
        with self._lock:
            return self._current().inputs.path

    def document(self) -> dict[str, Any]:
        """The page's JSON (`review_document`), the reviewer, and the version of the file that it was made from."""
        with self._lock:
            return self._document(self._current())

    def save(self, decisions: Decisions) -> dict[str, Any]:
        """Write the mapping with the decisions in it; the document of what was written.

        Raises RefusedDecisions if some don't fit, and ChangedOnDisk if the file is not what the page was made of.
        """
        with self._lock:
            opened = self._opened or self._current()
            path = opened.inputs.path
            if decisions.version != _version(path) or decisions.version != opened.version:
                raise ChangedOnDisk(
                    f"{path.name} was changed by somebody else since this page was opened",
                    "reload the page: your edits are kept",
                )
            inputs = opened.inputs
            decided = apply_decisions(opened.mapping, decisions, inputs.sources, inputs.targets, self.reviewer)
            text = render_mapping(decided)
            _write(path, text)
            self._opened = replace(opened, mapping=decided, version=_digest(text.encode()))
            return self._document(self._opened)

    def settle(self) -> None:
        """Wait until what is being saved is saved."""
        with self._lock:
            return

    def _current(self) -> _Opened:
        if self._opened is None or self._opened.version != _version(self._opened.inputs.path):
            begun = time.time()
            inputs = self.load()
            # Loading takes a while; what is written meanwhile is not in what was loaded.
            if _written_at(inputs.path) > begun:
                inputs = self.load()
            self._opened = _Opened(_version(inputs.path), inputs.mapping, inputs)
        return self._opened

    def _document(self, opened: _Opened) -> dict[str, Any]:
        inputs = opened.inputs
        document = review_document(
            opened.mapping, inputs.sources, inputs.targets, inputs.readings, inputs.personal
        )
        return {**document, "version": opened.version, "reviewer": self.reviewer}


def _version(path: Path) -> str:
    try:
        return _digest(path.read_bytes())
    except FileNotFoundError:
        return _NO_FILE
    except OSError as error:
        raise SmeltError(f"{path} cannot be read: {error.strerror}", "check its rights") from error


def _written_at(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, text: str) -> None:
    """Replace the file in one step; its rights stay as they were."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        rights = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=".mapping-", delete=False, encoding="utf-8", newline=""
        ) as file:
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                os.chmod(file.name, rights)
                os.replace(file.name, path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise SmeltError(f"{path} cannot be written: {error.strerror}", "check the disk and its rights") from error
