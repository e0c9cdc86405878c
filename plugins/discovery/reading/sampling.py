"""A bucket → a folder with a sample of it: of each stream's objects a few, and of big ones their beginnings."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import duckdb

from plugins.core.duck import literal
from plugins.core.errors import SmeltError
from plugins.core.objects import allow_storage
from plugins.discovery.reading.buckets import Bucket
from plugins.discovery.reading.files import JSON, PARQUET, group_of, is_hidden, suffix_of
from plugins.discovery.reading.place import Progress
from plugins.discovery.reading.sheets import SHEETS

_LISTED = 100_000
_GROUPS = 500
# Of each stream: the first, one from the middle, and the last, as names tell times more often than not.
_FILES = 3
_ALL_BYTES, _HEAD, _SHORTEST_HEAD = 256 << 20, 4 << 20, 64 << 10
# Documents and workbooks can't be read in part.
_WHOLE = 32 << 20


@dataclass
class Group:
    """Objects of one stream, by their names: path below the prefix → size. taken: those with a copy."""

    sizes: dict[PurePosixPath, int] = field(default_factory=dict)
    taken: list[PurePosixPath] = field(default_factory=list)
    is_cut: bool = False

    @property
    def note(self) -> str | None:
        """What of it was looked at, if not all."""
        if len(self.taken) == len(self.sizes) and not self.is_cut:
            return None
        parts = "the beginnings of " if self.is_cut else ""
        size = sum(self.sizes.values()) / 1e6
        return f"a sample: {parts}{len(self.taken):,} of {len(self.sizes):,} objects ({size:,.1f} MB)"


@dataclass
class Sample:
    """groups: by what `group_of` says of each path; keys: all paths that were listed."""

    groups: dict[tuple[str, str, str], Group]
    keys: tuple[PurePosixPath, ...]
    notes: list[str]


def fetch_sample(
    con: duckdb.DuckDBPyConnection, bucket: Bucket, folder: Path, rows: int, on_progress: Progress
) -> Sample:
    """Copy a sample of the bucket's objects to `folder`, under their names. Raises SmeltError if that fails."""
    sample = _listed(bucket)
    groups = list(sample.groups.values())
    head = max(_SHORTEST_HEAD, min(_HEAD, _ALL_BYTES // max(1, len(groups) * _FILES)))
    for group in groups[:_GROUPS]:
        for path in _spread([path for path, size in group.sizes.items() if size] or list(group.sizes)):
            on_progress(f"reading {path}")
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                group.is_cut |= _copy(con, bucket, path, group.sizes[path], target, head, rows)
                group.taken.append(path)
            except _Unsampled as error:
                sample.notes.append(f"{path} {error}")
    if len(groups) > _GROUPS:
        sample.notes.append(f"of {len(groups):,} streams, the first {_GROUPS:,} by name were looked at")
    return sample


class _Unsampled(Exception):
    """The object can't be looked at without all of it, and it is large."""


def _listed(bucket: Bucket) -> Sample:
    sample = Sample({}, (), [])
    keys: list[PurePosixPath] = []
    others = 0
    for path, size in bucket.objects():
        if len(keys) == _LISTED:
            sample.notes.append(f"the first {_LISTED:,} objects of the bucket by name were considered")
            break
        if is_hidden(path):
            continue
        keys.append(path)
        if (group := group_of(path, bucket.name)) is None:
            others += 1
        else:
            sample.groups.setdefault(group, Group()).sizes[path] = size
    if others:
        sample.notes.append(f"objects of other kinds, left out: {others:,}")
    sample.keys = tuple(keys)
    return sample


def _spread(paths: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    if len(paths) <= _FILES:
        return list(paths)
    return [paths[number * (len(paths) - 1) // (_FILES - 1)] for number in range(_FILES)]


def _copy(
    con: duckdb.DuckDBPyConnection,
    bucket: Bucket,
    path: PurePosixPath,
    size: int,
    target: Path,
    head: int,
    rows: int,
) -> bool:
    """Copy an object, or what a sample needs of it; returns whether the copy is cut."""
    kind = suffix_of(path)
    if size <= head:
        target.write_bytes(bucket.read(path))
        return False
    if kind in PARQUET and (bucket.url.startswith("s3") or bucket.storage.service_account):
        _copy_rows(con, bucket, path, target, rows)
        return True
    if kind in (*PARQUET, *SHEETS) or (kind in JSON and kind == "json"):
        if size > _WHOLE:
            raise _Unsampled(f"has {size / 1e6:,.0f} MB, which is too much to be looked at as a whole")
        target.write_bytes(bucket.read(path))
        return False
    begin = bucket.read(path, head)
    if path.name.lower().endswith(".gz"):
        # Readers tell packed files by their first bytes, so an unpacked beginning may keep the name.
        begin = zlib.decompressobj(wbits=31).decompress(begin, 8 * head)
    target.write_bytes(_whole_lines(begin))
    return True


def _whole_lines(text: bytes) -> bytes:
    """Up to the last line end that isn't within quotes, as far as a few lines can tell."""
    end = len(text)
    for _ in range(100):
        end = text.rfind(b"\n", 0, end)
        if end < 0:
            return text
        if text.count(b'"', 0, end) % 2 == 0:
            return text[: end + 1]
    return text


def _copy_rows(
    con: duckdb.DuckDBPyConnection, bucket: Bucket, path: PurePosixPath, target: Path, rows: int
) -> None:
    """The first rows of a Parquet object; DuckDB asks for their row groups only."""
    allow_storage(con, bucket.url, bucket.storage, bucket.project_dir, bucket.what)
    place = literal(f"{bucket.url}/{path}".replace("[", "[[]").replace("*", "[*]"))
    first = f"select * from read_parquet({place}) limit {int(rows)}"
    try:
        con.execute(f"copy ({first}) to {literal(str(target))} (format parquet)")
    except duckdb.Error as error:
        told = str(error).splitlines()[0][:300]
        raise SmeltError(f"{bucket.url}/{path} cannot be read: {told}", "check that the file is whole") from error
