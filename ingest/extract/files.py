"""Files in a folder or bucket → one relation; what is new or changed is told by a manifest of path and etag.

A file that was re-read speaks for its own rows: those it no longer has become tombstones. A file that was
deleted says nothing about its rows: a drop folder is often cleared. Many files are loaded in batches, each of
them one commit of rows and manifest together.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from ingest.extract.base import DeadLetter, Pull, PullRequest, Scope
from ingest.extract.bucket import Folder, FoundFile, open_place
from ingest.extract.globs import matcher
from ingest.extract.manifest import Manifest
from ingest.extract.pending import Pending
from ingest.extract.readers import DATA_ENDINGS, read
from ingest.extract.unpacking import fetch
from ingest.retry import Transient
from ingest.spec import FilesSpec, SourceSpec
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings

_NAMED = 3
_PACKED = (".gz", ".zst", ".zip")
# Positions of a file's rows are its path, a colon and twelve digits.
_PATH = "left(_smelt_source_position, greatest(length(_smelt_source_position) - 13, 0))"


class FilesExtractor:
    """Reads files of all formats, local ones and objects."""

    def pull(self, request: PullRequest) -> Pull:
        """Read files that the position's manifest doesn't have yet, or has in another version: the next batch."""
        spec = _files_spec(request)
        manifest = Manifest(request.position, request.sidecar, request.workdir)
        pending = _pending(request, spec, manifest)
        batch, left = pending.batch()
        try:
            fetched = fetch(request, spec, batch)
            found = read(request, spec, fetched.parts)
        except (duckdb.Error, OSError) as error:
            raise _unreadable(request.source, error) from error
        # Only what is still as it was when it was listed counts as read; the rest is for the next run.
        moved = fetched.moved | {file.path for file in batch if not file.is_unchanged()}
        left_out = moved | fetched.unread | found.unread
        done = {file.path: file.mark for file in batch if file.path not in left_out}
        letters = [*fetched.letters, *found.dead_letters]
        inline = manifest.advance(request.con, done) if manifest.is_inline(done) else {}
        return Pull(
            relation=_without(request, found.relation, moved),
            scope=_scope(request, manifest, done),
            advance=inline,
            advance_from=lambda con, _loaded: inline or manifest.advance(con, done),
            dead_letters=[letter for letter in letters if not _belongs(letter, moved)],
            notes=[*found.notes, *_moved_note(moved), *_left_out(request, pending)],
            acknowledge=lambda: _acknowledge(manifest, pending, batch),
            is_last=left == 0,
            explain=lambda error: _unreadable(request.source, error),
        )

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """Count the files of every stream."""
        place = open_place(settings, source)
        globs = [stream.files.glob for stream in source.streams if stream.files is not None]
        try:
            return f"{sum(len(page) for glob in globs for page in place.pages(glob)):,} files"
        except Transient as error:
            raise SmeltError(str(error), f"start it, or correct connections.{source.connection}") from error


def _files_spec(request: PullRequest) -> FilesSpec:
    if request.stream.files is None:
        raise SmeltError(
            f"{request.source.folder / 'source.yml'}: stream {request.stream.name} says nothing about its files",
            "add `files: {glob: …, format: csv}` to the stream",
        )
    return request.stream.files


def _pending(request: PullRequest, spec: FilesSpec, manifest: Manifest) -> Pending:
    try:
        return Pending.of(request, spec, manifest)
    except FileNotFoundError as error:
        raise Transient(f"{request.source.name}: another load replaced the manifest meanwhile") from error


def _acknowledge(manifest: Manifest, pending: Pending, batch: Sequence[FoundFile]) -> None:
    pending.done(len(batch))
    manifest.forget_replaced()


def _unreadable(source: SourceSpec, error: Exception) -> SmeltError:
    return SmeltError(
        f"{source.name}: a file cannot be read: {' '.join(str(error).split())[:300]}",
        f"repair it or move it away from connections.{source.connection}.url, and run again",
    )


def _among(con: duckdb.DuckDBPyConnection, table: str, paths: Collection[str]) -> str:
    """A predicate over rows: theirs is one of the files `paths`, which are laid in a temporary table."""
    con.execute(f"create or replace temp table {table} (path varchar)")
    if paths:
        con.execute(f"insert into {table} select unnest(?::varchar[])", [list(paths)])
    return f"{_PATH} in (select path from {table})"


def _scope(request: PullRequest, manifest: Manifest, done: Mapping[str, Any]) -> Scope:
    """Rows of the files that were read before and are read again now."""
    again = manifest.known_among(request.con, done)
    return Scope(_among(request.con, "smelt_read_again", again)) if again else Scope.nothing()


def _without(request: PullRequest, relation: str, moved: set[str]) -> str:
    if not moved:
        return relation
    return f"select * from ({relation}) where not ({_among(request.con, 'smelt_moved', moved)})"


def _belongs(letter: DeadLetter, paths: set[str]) -> bool:
    return letter.position.rsplit(":", 1)[0] in paths


def _moved_note(moved: set[str]) -> Iterator[str]:
    if moved:
        named = sorted(moved)[:_NAMED]
        more = f", … ({len(moved):,})" if len(moved) > _NAMED else ""
        yield f"changed while being read, left for the next run: {', '.join(named)}{more}"


def _left_out(request: PullRequest, pending: Pending) -> Iterator[str]:
    """A note on files of data that no stream takes; the source's first stream has it. A bucket isn't searched."""
    source = request.source
    if request.stream.name != source.streams[0].name or pending.first:
        return
    place = open_place(request.settings, source)
    if not isinstance(place, Folder):
        return
    taken = [matcher(stream.files.glob) for stream in source.streams if stream.files is not None]
    strays = sorted(path for path in _data_files(place.root) if not any(glob.match(path) for glob in taken))
    if strays:
        named = ", ".join(strays[:_NAMED]) + (", …" if len(strays) > _NAMED else "")
        told = f"files that match no stream of {source.name} are not loaded: {named} ({len(strays):,})"
        yield f"{told}; widen a glob in its source.yml to take them"


def _data_files(folder: Path) -> Iterator[str]:
    """Files by their ending; what begins with a dot or an underscore is hidden or half-written by convention."""
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        for name in names:
            plain = name.lower()
            for packed in _PACKED:
                plain = plain.removesuffix(packed)
            if plain.endswith(DATA_ENDINGS) and not name.startswith((".", "_")):
                yield Path(above, name).relative_to(folder).as_posix()
