"""Files in a folder or bucket → one relation; what is new or changed is told by a manifest of path and etag.

A file that was re-read speaks for its own rows: those it no longer has become tombstones. A file that was
deleted says nothing about its rows: a drop folder is often cleared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from ingest.extract.base import DeadLetter, Pull, PullRequest, Scope
from ingest.extract.csv_files import read_csv_files
from ingest.extract.listing import list_files
from ingest.extract.readers import FilesRead, read_ndjson_files, read_parquet_files
from ingest.spec import FilesSpec, SourceSpec
from plugins.core.duck import literal
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, resolve

_READERS = {"csv": read_csv_files, "ndjson": read_ndjson_files, "parquet": read_parquet_files}
_DATA = (".csv", ".tsv", ".ndjson", ".jsonl", ".parquet")
_NAMED = 3


class FilesExtractor:
    """Reads CSV, NDJSON and Parquet files."""

    def pull(self, request: PullRequest) -> Pull:
        """Read the files that the position's manifest doesn't have yet, or has in another version."""
        spec = _files_spec(request)
        listed = list_files(request.settings, request.source, spec.glob)
        known: Mapping[str, str] = request.position.get("files", {})
        fresh = [file for file in listed if known.get(file.path) != file.etag]
        try:
            read = _READERS[spec.format](request, spec, fresh)
        except (duckdb.Error, OSError) as error:
            raise _unreadable(request.source, error) from error
        # Only what is still as it was when it was listed counts as read; the rest is for the next run.
        moved = {file.path for file in fresh if file.path in read.paths and not file.is_unchanged()}
        done = {file.path: file.etag for file in fresh if file.path in read.paths - moved}
        return Pull(
            relation=_without(read.relation, moved),
            scope=_scope(done, known),
            advance={"files": {**known, **done}} if done else {},
            dead_letters=[letter for letter in read.dead_letters if not _belongs(letter, moved)],
            notes=[*_notes(read, moved), *_left_out(request)],
            explain=lambda error: _unreadable(request.source, error),
        )

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """Count the files of every stream."""
        globs = [stream.files.glob for stream in source.streams if stream.files is not None]
        counts = [len(list_files(settings, source, glob)) for glob in globs]
        return f"{sum(counts)} files"


def _files_spec(request: PullRequest) -> FilesSpec:
    if request.stream.files is None:
        raise SmeltError(
            f"{request.source.folder / 'source.yml'}: stream {request.stream.name} says nothing about its files",
            "add `files: {glob: …, format: csv}` to the stream",
        )
    return request.stream.files


def _unreadable(source: SourceSpec, error: Exception) -> SmeltError:
    return SmeltError(
        f"{source.name}: a file cannot be read: {' '.join(str(error).split())[:300]}",
        f"repair it or move it away from connections.{source.connection}.url, and run again",
    )


def _is_row_of(path: str) -> str:
    """Positions of a file's rows begin with its path and a colon."""
    return f"starts_with(_smelt_source_position, {literal(path + ':')})"


def _scope(done: Mapping[str, str], known: Mapping[str, str]) -> Scope:
    """Rows of the files that were read before and are read again now."""
    again = [path for path in done if path in known]
    return Scope(" or ".join(_is_row_of(path) for path in again) or "false")


def _without(relation: str, moved: set[str]) -> str:
    if not moved:
        return relation
    return f"select * from ({relation}) where not ({' or '.join(_is_row_of(path) for path in moved)})"


def _belongs(letter: DeadLetter, paths: set[str]) -> bool:
    return letter.position.rsplit(":", 1)[0] in paths


def _notes(read: FilesRead, moved: set[str]) -> Sequence[str]:
    notes = list(read.notes)
    if moved:
        notes.append(f"changed while being read, left for the next run: {', '.join(sorted(moved))}")
    return notes


def _left_out(request: PullRequest) -> Iterator[str]:
    """A note on files of data that no stream takes; the source's first stream has it. A bucket isn't searched."""
    source = request.source
    globs = [stream.files.glob for stream in source.streams if stream.files is not None]
    url = request.settings.connection(source.connection).url or ""
    root = resolve(url, request.settings.project_dir, f"connections.{source.connection}.url").rstrip("/")
    if request.stream.name != source.streams[0].name or "://" in root:
        return
    folder = (request.settings.project_dir / root).resolve()
    taken = {path for glob in globs for path in folder.glob(glob)}
    strays = sorted(path.relative_to(folder).as_posix() for path in _data_files(folder) if path not in taken)
    if strays:
        named = ", ".join(strays[:_NAMED]) + (", …" if len(strays) > _NAMED else "")
        told = f"files that match no stream of {source.name} are not loaded: {named} ({len(strays):,})"
        yield f"{told}; widen a glob in its source.yml to take them"


def _data_files(folder: Path) -> Iterator[Path]:
    """Files by their ending; what begins with a dot or an underscore is hidden or half-written by convention."""
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        for name in names:
            if name.lower().endswith(_DATA) and not name.startswith((".", "_")):
                yield Path(above, name)
