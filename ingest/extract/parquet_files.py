"""Parquet files → their columns by name, types widened where files differ."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.extract.base import DeadLetter, PullRequest
from ingest.extract.readers import NOTHING, FilesRead, is_sound
from ingest.extract.unpacking import Part, whole_file
from ingest.spec import FilesSpec
from plugins.core.duck import literal

# Files that are open at once: a process may open about a thousand.
_AT_ONCE = 200


def read_parquet_files(request: PullRequest, _spec: FilesSpec, parts: Sequence[Part]) -> FilesRead:
    """All readable files; each file's rows in their order."""
    good: list[Part] = []
    letters: list[DeadLetter] = []
    for part in parts:
        if reason := is_sound(request.con, part):
            letters.append(whole_file(part.file, part.readable, reason))
        else:
            good.append(part)
    unread = {part.file.path for part in parts} - {part.file.path for part in good}
    if not good:
        return FilesRead(NOTHING, unread, letters)
    if len(good) <= _AT_ONCE:
        return FilesRead(_relation(request, good, 0), unread, letters)
    staged = []
    for first in range(0, len(good), _AT_ONCE):
        target = request.workdir / f"parquet-{first:06d}.parquet"
        relation = _relation(request, good[first : first + _AT_ONCE], first)
        request.con.execute(f"copy ({relation}) to {literal(str(target))} (format parquet, compression lz4_raw)")
        staged.append(literal(str(target)))
    return FilesRead(f"select * from read_parquet([{', '.join(staged)}], union_by_name = true)", unread, letters)


def _relation(request: PullRequest, parts: Sequence[Part], number: int) -> str:
    """SELECT over `parts`; their paths are in a temporary table of that number."""
    con, table = request.con, f"parquet_parts_{number}"
    con.execute(f"create or replace temp table {table} (readable varchar, path varchar, first bigint)")
    con.executemany(
        f"insert into {table} values (?, ?, ?)", [(str(p.readable), p.file.path, p.first) for p in parts]
    )
    files = ", ".join(literal(str(part.readable)) for part in parts)
    return (
        "select records.* exclude (_smelt_file, file_row_number), parts.path || ':' || "
        "lpad((parts.first + records.file_row_number)::varchar, 12, '0') as _smelt_source_position "
        f"from read_parquet([{files}], union_by_name = true, filename = '_smelt_file', file_row_number = true) "
        f"as records inner join {table} as parts on parts.readable = records._smelt_file"
    )
