"""Databases and folders as sources: what discovery found becomes `source.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote as quote_url
from urllib.parse import urlsplit

from plugins.core.discovery import SourceProfile, StreamProfile
from plugins.core.duck import quote
from plugins.core.editing.yaml_text import Flow
from plugins.core.errors import SmeltError
from plugins.discovery import Place, Stream, database_file, written
from plugins.onboard.drafted import Drafted, secret_path, source_yml, toml_section
from plugins.onboard.naming import stream_names

# A column of these is written anew whenever a row changes; other times only say when something happened.
_CHANGED = re.compile(
    r"(?:^|_)(?:updated|modified|changed|last_update|last_modified|synced)(?:_|$)|(?:update|modify|change)_?(?:at|date|time)",
    re.IGNORECASE,
)
_FORMATS = {"csv": "csv", "tsv": "csv", "tab": "csv", "txt": "csv", "ndjson": "ndjson", "jsonl": "ndjson",
            "parquet": "parquet", "pq": "parquet"}  # fmt: skip
_SURE_KEY = 0.8
_LAG = "P1D"


def draft_database(dsn: str, name: str, owner: str, place: Place, found: SourceProfile) -> Drafted:
    """PostgreSQL by Smelt's own fast path, SQLite through dlt. Raises SmeltError for others."""
    scheme = urlsplit(dsn).scheme.partition("+")[0]
    profiles = {profile.name: profile for profile in found.streams}
    streams = [stream for stream in place.streams if stream.name in profiles]
    names, notes = stream_names([stream.table or ("", stream.name) for stream in streams])
    keyed = [(name, stream, profiles[stream.name]) for name, stream in zip(names, streams, strict=True)]
    if scheme in ("postgres", "postgresql"):
        kind, entries = "postgres", [_table(*one) for one in keyed]
    elif scheme == "sqlite":
        kind, entries = "dlt", [_dlt(*one) for one in keyed]
        dsn = f"sqlite:///{quote_url(str(database_file(dsn)))}"
    else:
        raise SmeltError(
            f"{scheme}:// databases can be discovered, and are not loaded by themselves",
            "export the tables as Parquet files, and onboard their folder",
        )
    path = secret_path(name, "dsn")
    return Drafted(
        name,
        kind,
        {f"sources/{name}/source.yml": source_yml(f"The database {name}.", kind, name, owner, entries)},
        toml_section(name, {"type": kind, "dsn": f"file:{path}"}),
        {path: dsn},
        notes=(*place.notes, *notes, *(f"{one.name}: {note}" for one in streams for note in one.notes)),
    )


def _table(name: str, stream: Stream, profile: StreamProfile) -> dict[str, Any]:
    table = ".".join(map(_quoted, stream.table or ("public", stream.name)))
    return {"name": name, "table": table} | _synced(profile)


def _quoted(name: str) -> str:
    """A part of a table's name as `table:` of source.yml takes it: dots and quotes stand in quotes."""
    return quote(name) if set(name) & {".", '"'} else name


def _dlt(name: str, stream: Stream, profile: StreamProfile) -> dict[str, Any]:
    reads = {
        "source": "dlt.sources.sql_database:sql_table",
        "arguments": Flow(credentials="connection:", table=stream.name),
    }
    return {"name": name, "dlt": reads} | _synced(profile)


def _synced(profile: StreamProfile) -> dict[str, Any]:
    """Key, and a cursor if a column says when a row changed."""
    key = next((list(k.columns) for k in profile.keys if k.is_primary and k.confidence >= _SURE_KEY), [])
    entry: dict[str, Any] = {"sync_mode": "full"}
    changed = [c.name for c in profile.columns if c.semantic.value == "timestamp" and _CHANGED.search(c.name)]
    if key and changed:
        entry = {"sync_mode": "incremental", "cursor": Flow(column=changed[0], lag=_LAG)}
    if key:
        entry["primary_key"] = key
    if pii := [c.name for c in profile.columns if c.pii is not None and c.pii.confidence >= 0.5]:
        entry["pii"] = pii
    return entry


def draft_folder(folder: Path, name: str, owner: str, place: Place, found: SourceProfile) -> Drafted:
    """Each group of files a stream. Raises SmeltError if none of them is of a kind that is loaded."""
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
    # All that is there counts, also what was not chosen or can't be read: no stream may take it along.
    there = {path: path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    for stream_name, stream in zip(names, loaded, strict=True):
        own = set(stream.paths)
        others = [below for path, below in there.items() if path not in own]
        entries.append(_files(folder, stream_name, stream, profiles[stream.name], others))
    if not entries:
        raise SmeltError(
            f"nothing in {folder} can be loaded: {'; '.join(notes)}", "give CSV, NDJSON or Parquet files"
        )
    return Drafted(
        name,
        "files",
        {f"sources/{name}/source.yml": source_yml(f"The files of {folder.name}.", "files", name, owner, entries)},
        toml_section(name, {"type": "files", "url": str(folder.resolve())}),
        notes=tuple(notes),
    )


def _why_not(stream: Stream) -> str | None:
    kinds = {_FORMATS.get(path.suffix.lower().lstrip(".")) for path in stream.paths}
    if None in kinds or len(kinds) != 1:
        listed = ", ".join(sorted({path.suffix for path in stream.paths}))
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


def _files(
    folder: Path, name: str, stream: Stream, profile: StreamProfile, others: Sequence[Path]
) -> dict[str, Any]:
    kind = _FORMATS[stream.paths[0].suffix.lower().lstrip(".")]
    names = [path.relative_to(folder).as_posix() for path in stream.paths]
    files: dict[str, Any] = {"glob": _glob(names, others, has_header=kind == "csv"), "format": kind}
    if kind == "csv":
        found = written(stream.paths[0])
        if found.delimiter != ",":
            files["delimiter"] = found.delimiter
        if not found.encoding.startswith("utf-8"):
            files["encoding"] = found.encoding
        files["columns"] = list(found.header)
    entry: dict[str, Any] = {"name": name, "files": Flow(files)}
    synced = _synced(profile)
    return (
        entry
        | {"sync_mode": "incremental"}
        | {k: v for k, v in synced.items() if k not in ("sync_mode", "cursor")}
    )


def _glob(names: Sequence[str], others: Sequence[Path], *, has_header: bool) -> str:
    """A pattern below the folder that matches these files, later ones of the same name, and none of the others.

    has_header: each file is held against the stream's columns, so that a stranger of a like name is no danger.
    """
    for pattern in _patterns(names, has_header=has_header):
        if not any(path.match(pattern) for path in others):
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
    yield f"{start}*{Path(names[0]).suffix}"


def _later(name: str) -> str:
    """`bookings.csv` → `bookings*.csv`: what is added as `bookings_2025.csv` is one of them."""
    suffix = Path(name).suffix
    return f"{name.removesuffix(suffix)}*{suffix}"
