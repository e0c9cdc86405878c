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
from ingest.extract.readers import NOTHING, FilesRead
from ingest.extract.unpacking import Part, whole_file
from ingest.spec import FilesSpec
from plugins.core.duck import literal, quote

_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Sheet:
    """A part that can be scanned: `readable` is its file, or a copy in plain UTF-8."""

    part: Part
    readable: str
    header: tuple[str, ...]
    delimiter: str

    @property
    def kind(self) -> tuple[object, ...]:
        """What is scanned together has it in common; rows of archives' members are numbered for each alone."""
        alone = (self.part.file.path, self.part.first) if self.part.first else None
        return self.header, self.delimiter, alone


def read_csv_files(request: PullRequest, spec: FilesSpec, parts: Sequence[Part]) -> FilesRead:
    """Every good record of every file as text, with `_smelt_source_position` = path:place."""
    sheets: dict[tuple[object, ...], list[_Sheet]] = defaultdict(list)
    letters: list[DeadLetter] = []
    notes: list[str] = []
    unread: set[str] = set()
    for number, part in enumerate(parts):
        sheet = _look(request, spec, part, number, notes)
        if isinstance(sheet, DeadLetter):
            letters.append(sheet)
            unread.add(part.file.path)
        elif sheet.header:
            sheets[sheet.kind].append(sheet)
    staged = [_scan(request, group, n, letters) for n, group in enumerate(sheets.values())]
    relation = " union all by name ".join(f"select * from read_parquet({literal(file)})" for file in staged)
    return FilesRead(relation or _empty(spec), unread, letters, notes)


def _empty(spec: FilesSpec) -> str:
    """No rows, but the columns that the stream declares: its table exists from the first run on."""
    columns = "".join(f"null::varchar as {quote(name)}, " for name in spec.columns)
    return NOTHING.replace("select ", f"select {columns}", 1)


def _look(request: PullRequest, spec: FilesSpec, part: Part, number: int, notes: list[str]) -> _Sheet | DeadLetter:
    """The part's header and a copy that DuckDB can read; a dead letter if the header is wrong."""
    local = part.readable
    is_tabbed = spec.delimiter == "," and part.name.lower().endswith(".tsv")
    delimiter = "\t" if is_tabbed else spec.delimiter
    encoding = _encoding(local, spec.encoding)
    if encoding == "latin-1":
        notes.append(f"{part.file.path}: not {spec.encoding}, read as Latin-1")
    with local.open(encoding=encoding, newline="") as text:
        header = _header(text, delimiter)
    if wrong := _wrong_with(header, spec.columns):
        return whole_file(part.file, local, wrong)
    is_plain = encoding in ("utf-8", "utf-8-sig")
    plain = local if is_plain else _transcoded(local, encoding, request.workdir / f"plain-{number:06d}.csv")
    return _Sheet(part, str(plain), header, delimiter)


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


def _scan(request: PullRequest, sheets: list[_Sheet], number: int, letters: list[DeadLetter]) -> str:
    """Stage the records of files with one header as Parquet; what DuckDB rejects becomes dead letters."""
    con, target = request.con, str(request.workdir / f"csv-{number}.parquet")
    header, delimiter, first = sheets[0].header, sheets[0].delimiter, sheets[0].part.first
    parts = {sheet.readable: sheet.part for sheet in sheets}
    paths = {readable: part.file.path for readable, part in parts.items()}
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    con.execute("create or replace temp table csv_paths (readable varchar, path varchar)")
    con.executemany("insert into csv_paths values (?, ?)", list(paths.items()))
    counted = con.execute(
        f"""
        copy (
            select {", ".join(f"records.{quote(name)}" for name in header)},
                csv_paths.path || ':' || lpad(({first} + place)::varchar, 12, '0') as _smelt_source_position
            from (
                select *, row_number() over () as place
                from read_csv(
                    [{", ".join(literal(path) for path in paths)}], columns = {{{columns}}}, header = true,
                    auto_detect = false, delim = {literal(delimiter)}, quote = '"', escape = '"',
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
        letters.append(
            DeadLetter(" ".join(reason.split())[:300], parts[readable].place(line), (raw or "").encode())
        )
    return target
