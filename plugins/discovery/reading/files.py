"""Files and folders: one stream a file, or a file of each day, month or part joined into one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import duckdb

from plugins.core.duck import literal, quote
from plugins.core.errors import SmeltError
from plugins.discovery.reading.delimited import header, read_delimited
from plugins.discovery.reading.documents import read_documents
from plugins.discovery.reading.place import Place, Progress, Stream, count, sampled
from plugins.discovery.reading.sheets import SHEETS, read_sheets

if TYPE_CHECKING:
    pass

DELIMITED, JSON, PARQUET = ("csv", "tsv", "tab", "txt"), ("json", "ndjson", "jsonl"), ("parquet", "pq")
DATABASES = ("sqlite", "sqlite3", "db", "duckdb", "ddb")
_KINDS = (("delimited", DELIMITED), ("json", JSON), ("parquet", PARQUET))
_READ = f"{', '.join((*DELIMITED, *JSON, *PARQUET))} files, each also as .gz, and {', '.join(SHEETS)} are read"
_MOST_FILES = 1_000
# What tells the files of one stream apart: dates, numbers, hashes, and the words about parts.
_APART = re.compile(
    r"[-_. ]?(?:\d{4}[-_.]?\d{2}(?:[-_.]?\d{2})?(?:[T_-]?\d{2,6}Z?)?"
    r"|(?:part|chunk|page|batch|split|shard|file|of|export|data)?[-_.]?\d+"
    r"|[0-9a-f]{8}-[0-9a-f-]{27,})(?=$|[-_. ])",
    re.IGNORECASE,
)
# Files whose names say that they are of one stream are, if so much of their columns is the same.
_ALIKE = 0.5
_COMPARED = 200


def read_file(con: duckdb.DuckDBPyConnection, path: Path, folder: Path, rows: int, on_progress: Progress) -> Place:
    """The stream of a file, or one for each sheet. Raises SmeltError if it can't be read."""
    if suffix_of(path) in SHEETS:
        on_progress(f"reading {path.name}")
        return Place(str(path), "file", read_sheets(path, _stem(path), rows))
    return Place(str(path), "file", (_read(con, _stem(path), [path], folder, rows, on_progress),))


def read_folder(
    con: duckdb.DuckDBPyConnection,
    place: Path,
    folder: Path,
    rows: int,
    on_progress: Progress,
    only: str | None = None,
) -> Place:
    """The streams of a folder and those below it. Raises SmeltError if there is nothing to read in it."""
    found = sorted(path for path in place.rglob("*") if path.is_file() and not is_hidden(path.relative_to(place)))
    known = [path for path in found if suffix_of(path) in (*DELIMITED, *JSON, *PARQUET)]
    sheets = [path for path in found if suffix_of(path) in SHEETS]
    if not known and not sheets:
        had = f"; of its {len(found):,} files none is of a known kind" if found else ""
        raise SmeltError(f"there is nothing to read in {place}{had}", _READ)
    others = len(found) - len(known) - len(sheets)
    notes = [f"files of other kinds, left out: {others:,}"] if others else []
    streams: list[Stream] = []
    failed: list[SmeltError] = []
    for path in sheets:
        try:
            streams += [one for one in read_sheets(path, _stem(path), rows) if only in (None, one.name)]
        except SmeltError as error:
            failed.append(error)
    for name, paths in _grouped(con, known, place, folder).items():
        if only is not None and name != only:
            continue
        try:
            streams.append(_read(con, name, paths, folder, rows, on_progress))
        except SmeltError as error:
            failed.append(error)
    if failed and not streams:
        raise failed[0]
    return Place(str(place), "folder", tuple(streams), notes=(*notes, *(error.message for error in failed)))


def is_hidden(path: PurePath) -> bool:
    """Whether a path below the place is of no data by convention."""
    return any(part.startswith((".", "_")) for part in path.parts)


def suffix_of(path: PurePath) -> str:
    """What the name ends in, but for its packing."""
    return path.name.lower().removesuffix(".gz").rpartition(".")[2]


def _stem(path: PurePath) -> str:
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return name.rpartition(".")[0] or name


def _grouped(
    con: duckdb.DuckDBPyConnection, paths: Iterable[Path], place: Path, folder: Path
) -> dict[str, list[Path]]:
    """Files by the stream that they are of: by name without what counts or dates them, else by folder."""
    groups: dict[tuple[str, str, str], list[Path]] = {}
    for path in paths:
        if group := group_of(path.relative_to(place), place.resolve().name):
            groups.setdefault(group, []).append(path)
    named: dict[str, list[Path]] = {}
    for (above, name, kind), found in groups.items():
        parts = _by_columns(con, found, kind, folder)
        for part in parts:
            # Alone in its group, a file is called by its whole name: `sales_2019` is no part of anything.
            plain = _stem(part[0]) if len(part) == 1 and _bare(_stem(part[0])) else name
            full = wanted = f"{above}__{plain}" if above else plain
            number = 1
            while full in named:
                number += 1
                full = f"{wanted}_{number}"
            named[full] = part
    return named


def group_of(path: PurePath, place: str) -> tuple[str, str, str] | None:
    """What the files of one stream have in common: folders, name, kind; None for kinds that aren't read.

    path: below the place, which is called `place`.
    """
    words = [word for word in path.parts[:-1] if "=" not in word and _bare(word)]
    kind = next((kind for kind, ends in (*_KINDS, ("sheet", SHEETS)) if suffix_of(path) in ends), None)
    if kind is None:
        return None
    name = _bare(_stem(path))
    if not name:
        name = words.pop() if words else place
    return "__".join(words), name, kind


def _by_columns(con: duckdb.DuckDBPyConnection, paths: list[Path], kind: str, folder: Path) -> list[list[Path]]:
    """Files of a name, apart where their columns differ."""
    if len(paths) == 1 or kind == "json":
        return [paths]
    groups: list[tuple[frozenset[str], list[Path]]] = []
    for path in paths[:_COMPARED]:
        names = _columns(con, path, kind, folder)
        for known, group in groups:
            if len(known & names) >= _ALIKE * len(known | names):
                group.append(path)
                break
        else:
            groups.append((names, [path]))
    found = [group for _, group in groups]
    max(found, key=len).extend(paths[_COMPARED:])
    return found


def _columns(con: duckdb.DuckDBPyConnection, path: Path, kind: str, folder: Path) -> frozenset[str]:
    """The names of a file's columns; none, if it can't be read: that is told when it is."""
    try:
        if kind == "parquet":
            return frozenset(con.sql(f"select * from read_parquet({literal(str(path))}) limit 0").columns)
        return frozenset(header(path, folder))
    except (SmeltError, duckdb.Error, OSError):
        return frozenset()


def _bare(stem: str) -> str:
    return _APART.sub("", stem).strip("-_. ")


def _read(
    con: duckdb.DuckDBPyConnection, name: str, paths: list[Path], folder: Path, rows: int, on_progress: Progress
) -> Stream:
    stream = _read_as(con, name, paths, folder, rows, on_progress)
    return replace(stream, paths=tuple(paths))


def _read_as(
    con: duckdb.DuckDBPyConnection, name: str, paths: list[Path], folder: Path, rows: int, on_progress: Progress
) -> Stream:
    notes = [f"{len(paths):,} files joined"] if len(paths) > 1 else []
    if len(paths) > _MOST_FILES:
        notes, paths = [f"the first {_MOST_FILES:,} of {len(paths):,} files joined"], paths[:_MOST_FILES]
    on_progress(f"reading {name}")
    suffix = suffix_of(paths[0])
    if suffix in JSON:
        return _documents(name, paths, folder, rows, notes)
    if suffix in PARQUET:
        listed = ", ".join(literal(str(path)) for path in paths)
        return _relation(
            con, name, f"select * from read_parquet([{listed}], union_by_name = true)", rows, notes, paths[0]
        )
    if suffix in DELIMITED:
        return _tables(con, name, paths, folder, rows, notes)
    raise SmeltError(f"{paths[0]} is of no kind that is known", _READ)


def _documents(name: str, paths: list[Path], folder: Path, rows: int, notes: list[str]) -> Stream:
    found: list[Any] = []
    total = 0
    for path in paths:
        some, number, more = read_documents(path, folder, max(1, rows // len(paths)))
        found += some
        total += number
        notes += more
    return Stream(name, found, total, notes=tuple(notes))


def _relation(
    con: duckdb.DuckDBPyConnection, name: str, sql: str, rows: int, notes: list[str], path: Path
) -> Stream:
    try:
        total = count(con, sql)
        return Stream(name, sampled(con, sql, total, rows), total, con.sql(sql), notes=tuple(notes))
    except (duckdb.Error, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise SmeltError(
            f"{path} cannot be read: {reason}", "check that the file is whole, and of the kind its name says"
        ) from error


def _tables(
    con: duckdb.DuckDBPyConnection, name: str, paths: list[Path], folder: Path, rows: int, notes: list[str]
) -> Stream:
    tables = []
    for path in paths:
        table = f"t{con.execute('select count(*) from duckdb_tables()').fetchall()[0][0]}"
        more = read_delimited(con, path, folder, table)
        notes += [f"{path.name}: {note}" for note in more] if len(paths) > 1 else more
        tables.append(table)
    sql = " union all by name ".join(f"select * from {quote(table)}" for table in tables)
    return _relation(con, name, sql, rows, notes, paths[0])
