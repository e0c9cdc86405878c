"""Files as they can be read: fetched from their bucket, unpacked, on the local disk; a bomb stops at its limit."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.extract.base import DeadLetter, PullRequest
from ingest.extract.bucket import Bucket, Folder, FoundFile, Moved, open_place
from ingest.spec import FilesSpec

# Larger files are named, not copied, in their dead letter.
RAW_LIMIT = 1 << 20
# Rows of a file are numbered by 12 digits: 3 for the member of an archive, 9 for the row in it.
MEMBER = 10**9
_MEMBERS = 999
_CHUNK = 1 << 20
_FETCHERS = 8
_PACKED = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd", ".zip": "zip"}


@dataclass(frozen=True)
class Part:
    """A file, or one of an archive, as it can be read: `readable` is on the local disk, and not compressed.

    name: by which its format is told. first: what the numbers of its rows begin after.
    """

    file: FoundFile
    readable: Path
    name: str
    first: int = 0

    def place(self, number: int) -> str:
        """Position of the part's row (or line) `number`, which begins at 1."""
        return f"{self.file.path}:{self.first + number:012d}"


@dataclass
class Fetched:
    """parts of files that can be read; moved: paths that are no longer what was listed; letters for the others."""

    parts: list[Part] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    letters: list[DeadLetter] = field(default_factory=list)


class Unpackable(Exception):
    """The archive is damaged, locked, or larger than it may be."""


def whole_file(file: FoundFile, readable: Path | None, reason: str) -> DeadLetter:
    """A dead letter for a file that is unreadable as a whole; it stays unread, so that a repaired one loads."""
    is_small = readable is not None and file.size <= RAW_LIMIT
    raw = readable.read_bytes() if is_small and readable else f"{file.location} ({file.size} bytes)".encode()
    return DeadLetter(f"{file.path}: {reason}", f"{file.path}:0", raw)


def fetch(request: PullRequest, spec: FilesSpec, files: Sequence[FoundFile]) -> Fetched:
    """All `files`, in their order. Raises what `Bucket.copy` raises."""
    fetched = Fetched()
    for number, (file, local) in enumerate(_local(request, files)):
        if local is None:
            fetched.moved.add(file.path)
            continue
        try:
            fetched.parts += _unpacked(file, local, spec, request.workdir, number)
        except Unpackable as error:
            fetched.letters.append(whole_file(file, local, str(error)))
            fetched.unread.add(file.path)
    return fetched


def _local(request: PullRequest, files: Sequence[FoundFile]) -> Iterator[tuple[FoundFile, Path | None]]:
    """Each file on the local disk; None for one that has moved."""
    place = open_place(request.settings, request.source) if files else None
    if place is None or isinstance(place, Folder):
        yield from ((file, Path(file.location)) for file in files)
        return
    with ThreadPoolExecutor(_FETCHERS, thread_name_prefix="fetch") as pool:
        copies = [request.workdir / f"object-{number:06d}" for number in range(len(files))]
        yield from zip(
            files, pool.map(lambda pair: _copied(place, *pair), zip(files, copies, strict=True)), strict=True
        )


def _copied(bucket: Bucket, file: FoundFile, copy: Path) -> Path | None:
    try:
        bucket.copy(file, copy)
    except Moved:
        return None
    return copy


def _unpacked(file: FoundFile, local: Path, spec: FilesSpec, folder: Path, number: int) -> list[Part]:
    name = file.path.rsplit("/", 1)[-1]
    ending = next((end for end in _PACKED if name.lower().endswith(end)), "")
    kind = spec.compression or _PACKED.get(ending, "none")
    if kind == "none":
        return [Part(file, local, name)]
    try:
        if kind == "zip":
            return _members(file, local, spec.max_unpacked, folder / f"unpacked-{number:06d}")
        target = folder / f"unpacked-{number:06d}"
        with _opened(local, kind) as source:
            _copy(source, target, spec.max_unpacked)
    except (
        OSError,
        EOFError,
        zlib.error,
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
        ValueError,
    ) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the file
        raise Unpackable(f"not a readable {kind} file: {' '.join(str(error).split())[:200]}") from error
    return [Part(file, target, name[: len(name) - len(ending)])]


def _opened(path: Path, kind: str) -> Any:
    if kind == "gzip":
        return gzip.open(path)
    import zstandard

    return _Zstd(zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True))


class _Zstd:
    """A zstd stream whose errors are those of a file; one that ends within a frame is one of them."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __enter__(self) -> _Zstd:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, size: int) -> bytes:
        import zstandard

        try:
            return self._stream.read(size)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error


def _copy(source: Any, target: Path, limit: int, before: int = 0) -> int:
    """Bytes unpacked of the file so far, `before` and now; raises Unpackable beyond `limit`."""
    size = before
    with target.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise Unpackable(f"it unpacks to more than {limit:,} bytes (files.max_unpacked)")
            copy.write(chunk)
    return size


def _members(file: FoundFile, local: Path, limit: int, folder: Path) -> list[Part]:
    """The files in an archive, in its order; what is hidden or a folder is none."""
    folder.mkdir()
    parts: list[Part] = []
    size = 0
    with zipfile.ZipFile(local) as archive:
        wanted = [one for one in archive.infolist() if not one.is_dir() and not _is_hidden(one.filename)]
        if len(wanted) > _MEMBERS:
            raise Unpackable(f"it has {len(wanted):,} files, which is more than {_MEMBERS}")
        for number, member in enumerate(wanted):
            # Names of members are of strangers: none becomes a path.
            target = folder / f"{number:03d}"
            with archive.open(member) as source:
                size = _copy(source, target, limit, size)
            parts.append(Part(file, target, member.filename.rsplit("/", 1)[-1], number * MEMBER))
    return parts


def _is_hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith(".")
