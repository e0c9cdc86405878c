"""Folders and buckets as sources: what discovery found of their files becomes `source.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from ingest.extract.globs import matcher
from plugins.core.discovery import SourceProfile, StreamProfile
from plugins.core.editing.yaml_text import Flow
from plugins.core.errors import SmeltError
from plugins.core.settings import StorageSettings, mask
from plugins.discovery import Place, Stream, written
from plugins.onboard.drafted import Drafted, source_yml, toml_section
from plugins.onboard.naming import stream_names
from plugins.onboard.places import synced

_FORMATS = {"csv": "csv", "tsv": "csv", "tab": "csv", "txt": "csv", "ndjson": "ndjson", "jsonl": "ndjson",
            "parquet": "parquet", "pq": "parquet"}  # fmt: skip


def draft_folder(folder: Path, name: str, owner: str, place: Place, found: SourceProfile) -> Drafted:
    """Each group of files a stream. Raises SmeltError if none of them is of a kind that is loaded."""
    keys = {one.name: [PurePosixPath(path.relative_to(folder)) for path in one.paths] for one in place.streams}
    # All that is there counts, also what was not chosen or can't be read: no stream may take it along.
    there = [PurePosixPath(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    section = toml_section(name, {"type": "files", "url": str(folder.resolve())})
    return _drafted(f"The files of {folder.name}.", name, owner, section, place, found, keys, there)


def draft_bucket(
    url: str, storage: StorageSettings, name: str, owner: str, place: Place, found: SourceProfile
) -> Drafted:
    """Each group of objects a stream; the connection has references to keys, and no key."""
    keys = {one.name: list(one.keys) for one in place.streams}
    reached = storage.model_dump(exclude_defaults=True)
    section = toml_section(name, {"type": "files", "url": url} | ({"storage": reached} if reached else {}))
    return _drafted(f"The files of {mask(url)}.", name, owner, section, place, found, keys, place.keys)


def _drafted(
    description: str,
    name: str,
    owner: str,
    section: str,
    place: Place,
    found: SourceProfile,
    keys: Mapping[str, Sequence[PurePosixPath]],
    there: Sequence[PurePosixPath],
) -> Drafted:
    """keys: of each stream, below the place; there: all that the place has."""
    profiles = {profile.name: profile for profile in found.streams}
    entries: list[Mapping[str, Any]] = []
    loaded: list[Stream] = []
    notes = list(place.notes)
    for stream in place.streams:
        why_not = _why_not(stream)
        if why_not is not None:
            notes.append(f"{stream.name} is not loaded: {why_not}")
            continue
        loaded.append(stream)
    names, renamed = stream_names([("", stream.name) for stream in loaded])
    notes += renamed
    for stream_name, stream in zip(names, loaded, strict=True):
        own = set(keys[stream.name])
        others = [path for path in there if path not in own]
        entries.append(_files(keys[stream.name], stream_name, stream, profiles[stream.name], others))
    if not entries:
        raise SmeltError(
            f"nothing in {place.name} can be loaded: {'; '.join(notes)}", "give CSV, NDJSON or Parquet files"
        )
    text = source_yml(description, "files", name, owner, entries)
    return Drafted(name, "files", {f"sources/{name}/source.yml": text}, section, notes=tuple(notes))


def _why_not(stream: Stream) -> str | None:
    kinds = {_format(path) for path in stream.paths}
    if None in kinds or len(kinds) != 1:
        listed = ", ".join(sorted({_ending(path.name) for path in stream.paths}))
        return f"{listed} files are discovered but not loaded: unpack or convert them to CSV, NDJSON or Parquet"
    if kinds != {"csv"}:
        return None
    header = [name.strip() for name in written(stream.paths[0]).header]
    if not header:
        return f"{stream.paths[0].name} has no header line: give it one"
    is_unique = len({name.casefold() for name in header}) == len(header)
    if not all(header) or not is_unique or any("\n" in name for name in header):
        name = stream.paths[0].name
        return f"names in the header of {name} are missing, repeated or broken: give each column one of its own"
    return None


def _format(path: PurePath) -> str | None:
    """The format as which the file is loaded; its packing is told by its ending then, too."""
    return _FORMATS.get(_ending(path.name.lower()).split(".")[1]) if path.suffix else None


def _ending(name: str) -> str:
    """The suffix, with that of the packed file if it is packed."""
    path = PurePath(name)
    return "".join(path.suffixes[-2:]) if path.suffix.lower() == ".gz" else path.suffix


def _files(
    keys: Sequence[PurePosixPath],
    name: str,
    stream: Stream,
    profile: StreamProfile,
    others: Sequence[PurePosixPath],
) -> dict[str, Any]:
    kind = _format(stream.paths[0])
    glob = _glob([str(path) for path in keys], others, has_header=kind == "csv")
    files: dict[str, Any] = {"glob": glob, "format": kind}
    if kind == "csv":
        found = written(stream.paths[0])
        if found.delimiter != ",":
            files["delimiter"] = found.delimiter
        if not found.encoding.startswith("utf-8"):
            files["encoding"] = found.encoding
        files["columns"] = list(found.header)
    entry: dict[str, Any] = {"name": name, "files": Flow(files)}
    found_in = synced(profile)
    return (
        entry
        | {"sync_mode": "incremental"}
        | {k: v for k, v in found_in.items() if k not in ("sync_mode", "cursor")}
    )


def _glob(names: Sequence[str], others: Sequence[PurePosixPath], *, has_header: bool) -> str:
    """A pattern below the folder that matches these files, later ones of the same name, and none of the others.

    has_header: each file is held against the stream's columns, so that a stranger of a like name is no danger.
    """
    for pattern in _patterns(names, has_header=has_header):
        wanted = matcher(pattern)
        if all(map(wanted.match, names)) and not any(wanted.match(str(path)) for path in others):
            return pattern
    return names[0]


def _patterns(names: Sequence[str], *, has_header: bool) -> Iterator[str]:
    numbers = {re.sub(r"\d+", "*", name) for name in names}
    counted = re.sub(r"\*(?:[-_.]?\*)+", "*", numbers.pop()) if len(numbers) == 1 else ""
    if "*" in counted:
        yield counted
    start = names[0]
    if len(names) == 1:
        if has_header and "*" not in counted:
            yield _later(start)
        yield start
    while not all(name.startswith(start) for name in names):
        start = start[:-1]
    yield f"{start}*{_ending(names[0])}"
    yield f"{start}*"


def _later(name: str) -> str:
    """`bookings.csv` → `bookings*.csv`: what is added as `bookings_2025.csv` is one of them."""
    suffix = _ending(name)
    return f"{name.removesuffix(suffix)}*{suffix}"
