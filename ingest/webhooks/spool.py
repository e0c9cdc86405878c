"""The folder of a source's spool: segments that wait for bronze, and how far bronze is.

<lake>/webhooks/<source>/
  spool.json                        the spool's id, and the last sequence number that is in bronze
  <first>.open                      the segment that is being written
  <first>-<last>.segment            segments that are complete
  keys.db                           idempotency keys that were seen
  server.lock, commit.lock          one process writes, one moves to bronze
"""

from __future__ import annotations

import json
import os
import re
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from ulid import ULID

from ingest.spec import SourceSpec
from ingest.webhooks.frames import Damaged, Frame, decode
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings

_SEALED = re.compile(r"^(?P<first>\d{18})-(?P<last>\d{18})\.segment$")
_OPEN = ".open"
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Segment:
    """A complete file of messages `first` to `last`."""

    path: Path
    first: int
    last: int
    seed: int

    def frames(self) -> Iterator[Frame]:
        """Its frames. Raises SmeltError if the file is damaged."""
        try:
            # What a failed write left behind the last durable message was never answered.
            yield from (frame for frame in decode(self.path.read_bytes(), self.seed) if frame.first <= self.last)
        except Damaged as error:
            raise damaged(self.path, error) from error


@dataclass(frozen=True)
class Spool:
    """The spool of one source; cheap to construct."""

    folder: Path

    @property
    def server_lock(self) -> FileLock:
        """Held by the process that receives."""
        return FileLock(self.folder / "server.lock", timeout=0)

    @property
    def commit_lock(self) -> FileLock:
        """Held while messages are moved to bronze."""
        return FileLock(self.folder / "commit.lock")

    @property
    def keys(self) -> Path:
        """The file of idempotency keys."""
        return self.folder / "keys.db"

    def make(self) -> None:
        """Make the folder and give the spool its id, which is how bronze tells it from others."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._state.exists():
            if any(self.folder.glob("*.segment")) or self._open_files():
                raise SmeltError(
                    f"{self._state} is gone, and there are messages beside it that are not in bronze, or are",
                    "restore the folder as a whole from a backup; without that file nobody can tell",
                )
            self._save({"id": str(ULID()), "committed": 0})

    def exists(self) -> bool:
        """Whether anything was ever received here."""
        return self._state.exists()

    @property
    def id(self) -> str:
        """Random, and the spool's for ever."""
        return self._read()["id"]

    @property
    def seed(self) -> int:
        """What checksums of frames begin with."""
        return zlib.crc32(self.id.encode())

    @property
    def committed(self) -> int:
        """Sequence number of the last message that is in bronze; 0: none is."""
        return self._read()["committed"]

    def forget(self, segments: list[Segment]) -> None:
        """Say that the messages of `segments` are in bronze, and delete the files."""
        last = max(segment.last for segment in segments)
        if last > self.committed:
            # First: a server that starts on an empty folder goes on counting from here.
            self._save({"id": self.id, "committed": last})
        for segment in segments:
            segment.path.unlink(missing_ok=True)

    def segments(self) -> list[Segment]:
        """The complete segments, in order."""
        if not self.folder.is_dir():
            return []
        found = [(path, m) for path in self.folder.iterdir() if (m := _SEALED.match(path.name))]
        seed = self.seed if found else 0
        return sorted(
            (Segment(path, int(m["first"]), int(m["last"]), seed) for path, m in found), key=lambda s: s.first
        )

    def open_file(self, first: int) -> Path:
        """The file of a new segment."""
        return self.folder / f"{first:018d}{_OPEN}"

    def seal(self, path: Path, last: int) -> None:
        """Name an open file, which holds messages up to `last`, a complete segment."""
        path.rename(self.folder / f"{path.name.removesuffix(_OPEN)}-{last:018d}.segment")
        sync_folder(self.folder)

    def recover(self) -> int:
        """Complete what a killed server left open; returns the last sequence number. Needs the server's lock.

        A frame that was cut off was never answered, and is cut away.
        """
        for path in self._open_files():
            end, last = 0, 0
            try:
                for frame in decode(path.read_bytes(), self.seed):
                    end, last = frame.end, frame.first + len(frame.messages) - 1
            except Damaged as error:
                raise damaged(path, error) from error
            if not last:
                path.unlink()
                continue
            with path.open("r+b") as file:
                file.truncate(end)
                os.fsync(file.fileno())
            self.seal(path, last)
        return max([self.committed, *(segment.last for segment in self.segments())])

    def newest(self, seconds: float) -> int:
        """The sequence number up to which messages were accepted before now, by a server that runs.

        Its open segment is waited for, for at most `seconds`.
        """
        until = time.monotonic() + seconds
        being_written = self._open_files()
        while any(path.exists() for path in being_written) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        last = [segment.last for segment in self.segments()]
        return max([self.committed, *last])

    def waiting_bytes(self) -> int:
        """Bytes that are not in bronze."""
        if not self.folder.is_dir():
            return 0
        sizes = 0
        for path in [*(segment.path for segment in self.segments()), *self._open_files()]:
            try:
                sizes += path.stat().st_size
            except FileNotFoundError:
                continue  # moved to bronze meanwhile
        return sizes

    def _open_files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{_OPEN}")) if self.folder.is_dir() else []

    @property
    def _state(self) -> Path:
        return self.folder / "spool.json"

    def _read(self) -> dict:
        try:
            return json.loads(self._state.read_text())
        except (OSError, ValueError) as error:
            raise SmeltError(
                f"{self._state} cannot be read: {error}", "restore the folder as a whole from a backup"
            ) from error

    def _save(self, state: dict) -> None:
        fresh = self._state.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._state)
        sync_folder(self.folder)


def spool_of(settings: Settings, source: SourceSpec) -> Spool:
    """The source's spool, on the disk of the lake's local state."""
    return Spool(settings.local_root / "webhooks" / source.name)


def damaged(path: Path, error: Damaged) -> SmeltError:
    """What to say of a segment that the disk has spoilt."""
    return SmeltError(
        f"{path} is damaged {error}: messages that were accepted cannot be read",
        "restore the file from a backup; or move it away, and ask the senders to send again what is in it",
    )


def sync_folder(folder: Path) -> None:
    """Make names of files durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
