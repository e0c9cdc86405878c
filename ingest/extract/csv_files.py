"""CSV files → text columns, exactly as written; broken records go to dead letters with their line.

Each file is looked at first (encoding, header); files with the same header are then read in one scan.
"""

from __future__ import annotations

import codecs
import csv
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ingest.extract.base import DeadLetter, PullRequest
from ingest.extract.listing import FoundFile
from ingest.extract.readers import NOTHING, FilesRead, local_copy, whole_file
from ingest.spec import FilesSpec
from plugins.core.duck import literal, quote

_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Sheet:
    """A file that can be scanned: `readable` is the file itself, or its copy in plain UTF-8."""

    file: FoundFile
    readable: str
    header: tuple[str, ...]


def read_csv_files(request: PullRequest, spec: FilesSpec, files: Sequence[FoundFile]) -> FilesRead:
    """Every good record of every file as text, with `_smelt_source_position` = path:place."""
    sheets: dict[tuple[str, ...], list[_Sheet]] = defaultdict(list)
    letters: list[DeadLetter] = []
    notes: list[str] = []
    read: set[str] = set()
    for number, file in enumerate(files):
        sheet = _look(request, spec, file, number, notes)
        if isinstance(sheet, DeadLetter):
            letters.append(sheet)
            continue
        read.add(file.path)
        if sheet.header:
            sheets[sheet.header].append(sheet)
    staged = [_scan(request, spec, header, group, n, letters) for n, (header, group) in enumerate(sheets.items())]
    relation = " union all by name ".join(f"select * from read_parquet({literal(file)})" for file in staged)
    return FilesRead(relation or _empty(spec), read, letters, notes)


def _empty(spec: FilesSpec) -> str:
    """No rows, but the columns that the stream declares: its table exists from the first run on."""
    columns = "".join(f"null::varchar as {quote(name)}, " for name in spec.columns)
    return NOTHING.replace("select ", f"select {columns}", 1)


def _look(
    request: PullRequest, spec: FilesSpec, file: FoundFile, number: int, notes: list[str]
) -> _Sheet | DeadLetter:
    """The file's header and a copy that DuckDB can read; a dead letter if the header is wrong."""
    local = local_copy(request, file, number)
    encoding = _encoding(local, spec.encoding)
    if encoding == "latin-1":
        notes.append(f"{file.path}: not {spec.encoding}, read as Latin-1")
    with local.open(encoding=encoding, newline="") as text:
        header = _header(text, spec.delimiter)
    if wrong := _wrong_with(header, spec.columns):
        return whole_file(file, wrong)
    is_plain = encoding in ("utf-8", "utf-8-sig")
    plain = local if is_plain else _transcoded(local, encoding, request.workdir / f"plain-{number:06d}.csv")
    return _Sheet(file, str(plain), header)


def _header(text: TextIO, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader(text, delimiter=delimiter), ()))
    except csv.Error:
        return ("\0",)


def _wrong_with(header: tuple[str, ...], declared: Sequence[str]) -> str | None:
    """Why records below this header cannot be read; an empty file has no header and no records."""
    if any("\0" in name for name in header):
        return "the first line is not text"
    if "" in header:
        return f"column {header.index('') + 1} has no name"
    lower = [name.lower() for name in header]
    if twice := [name for n, name in enumerate(header) if lower[n] in lower[:n]]:
        return f"column {twice[0]} is there twice"
    missing = [name for name in declared if name not in header]
    if header and missing:
        return f"column {', '.join(missing)} is missing (the file has: {', '.join(header)})"
    return None


def _encoding(path: Path, preferred: str) -> str:
    """`utf-8-sig` with a byte order mark, the preferred encoding if every byte fits it, else Latin-1."""
    decoder = codecs.getincrementaldecoder(preferred)()
    with path.open("rb") as source:
        if source.read(3) == codecs.BOM_UTF8:
            return "utf-8-sig"
        source.seek(0)
        try:
            while chunk := source.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return preferred


def _transcoded(path: Path, encoding: str, copy: Path) -> Path:
    with (
        path.open(encoding=encoding, newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        shutil.copyfileobj(source, target, _CHUNK)
    return copy


def _scan(
    request: PullRequest,
    spec: FilesSpec,
    header: tuple[str, ...],
    sheets: list[_Sheet],
    number: int,
    letters: list[DeadLetter],
) -> str:
    """Stage the records of files with one header as Parquet; what DuckDB rejects becomes dead letters."""
    con, target = request.con, str(request.workdir / f"csv-{number}.parquet")
    paths = {sheet.readable: sheet.file.path for sheet in sheets}
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    con.execute("create or replace temp table csv_paths (readable varchar, path varchar)")
    con.executemany("insert into csv_paths values (?, ?)", list(paths.items()))
    counted = con.execute(
        f"""
        copy (
            select {", ".join(f"records.{quote(name)}" for name in header)},
                csv_paths.path || ':' || lpad(records.place::varchar, 12, '0') as _smelt_source_position
            from (
                select *, row_number() over () as place
                from read_csv(
                    [{", ".join(literal(path) for path in paths)}], columns = {{{columns}}}, header = true,
                    auto_detect = false, delim = {literal(spec.delimiter)}, quote = '"', escape = '"',
                    nullstr = '', allow_quoted_nulls = false, filename = '_smelt_file', store_rejects = true,
                    rejects_table = 'csv_rejects_{number}', rejects_scan = 'csv_scans_{number}', rejects_limit = 0
                )
            ) as records
            inner join csv_paths on csv_paths.readable = records._smelt_file
        ) to {literal(target)} (format parquet)
        """
    ).fetchone()
    request.progress(counted[0] if counted else 0)
    rejected = con.execute(
        f"""
        select distinct on (scans.file_path, rejects.line)
            scans.file_path, rejects.line, rejects.error_message, rejects.csv_line
        from csv_rejects_{number} as rejects
        inner join csv_scans_{number} as scans using (scan_id, file_id)
        """
    ).fetchall()
    for readable, line, reason, raw in rejected:
        place = f"{paths[readable]}:{line:012d}"
        letters.append(DeadLetter(" ".join(reason.split())[:300], place, (raw or "").encode()))
    return target
