"""Which files were loaded in which version: a few beside the position, the others in segments below the table.

The position's `files` maps path to mark. When it holds more than `INLINE` they move to a segment: a Parquet file
of (path, mark) that the position names, written before the commit that first names it, and never changed. Segments
of like size are merged (log-structured merge, O'Neil et al. 1996), so there are about log2(files / INLINE) of
them, and the position stays small. Killed before the commit, a segment is named by nobody, and goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from plugins.core.duck import literal
from plugins.core.failpoints import reach
from plugins.core.lake.sidecar import Sidecar

INLINE = 1_000
_SCHEMA = pa.schema([("path", pa.string()), ("mark", pa.string())])


class Manifest:
    """What a position knows of files; `folder` is for copies of segments."""

    def __init__(self, position: Mapping[str, Any], sidecar: Sidecar | None, folder: Path) -> None:
        self._inline: Mapping[str, str] = position.get("files", {})
        self._segments: list[dict[str, Any]] = list(position.get("segments", []))
        self._sidecar, self._folder = sidecar, folder
        self._replaced: set[str] = set()

    def lay(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        """Make `name` a temporary view of path and mark of everything that was loaded, newest version only."""
        inline = _table(self._inline)
        con.execute("create or replace temp table smelt_inline (path varchar, mark varchar)")
        con.register("smelt_inline_arrow", inline)
        con.execute("insert into smelt_inline from smelt_inline_arrow")
        con.unregister("smelt_inline_arrow")
        parts = [self._read_segment(number) for number in range(len(self._segments))]
        parts.append(f"select path, mark, {len(self._segments)} as nth from smelt_inline")
        con.execute(
            f"create or replace temp view {name} as "
            f"select path, arg_max(mark, nth) as mark from ({' union all '.join(parts)}) group by path"
        )

    def known_among(self, con: duckdb.DuckDBPyConnection, read: Mapping[str, str]) -> list[str]:
        """Paths of `read` that were loaded before, in whatever version."""
        if not self._segments:
            return [path for path in read if path in self._inline]
        self.lay(con, "smelt_known_files")
        found = con.execute(
            "select path from smelt_known_files semi join (select unnest(?::varchar[]) as path) using (path)",
            [list(read)],
        )
        return [path for (path,) in found.fetchall()]

    def is_inline(self, read: Mapping[str, str]) -> bool:
        """Whether the position has room for `read` without a segment."""
        return self._sidecar is None or len({**self._inline, **read}) <= INLINE

    def advance(self, con: duckdb.DuckDBPyConnection, read: Mapping[str, str]) -> dict[str, Any]:
        """Position entries once the files `read` (path → mark) are loaded; may write a segment."""
        inline = {**self._inline, **read}
        if not read:
            return {}
        if self._sidecar is None or self.is_inline(read):
            return {"files": inline, "segments": self._segments}
        kept, merged, count = list(self._segments), [], len(inline)
        while kept and kept[-1]["files"] <= 2 * count:
            merged.insert(0, len(kept) - 1)
            count += kept.pop()["files"]
        written = self._write_segment(con, self._sidecar, merged, inline)
        self._replaced = {self._segments[number]["name"] for number in merged}
        return {"files": {}, "segments": [*kept, written]}

    def forget_replaced(self) -> None:
        """Delete segments that were merged into another, once that is committed, and those of killed loads."""
        if self._sidecar is not None and self._replaced:
            self._sidecar.forget(self._replaced)
            self._replaced = set()

    def _read_segment(self, number: int) -> str:
        if self._sidecar is None:
            raise ValueError("a position with segments needs the folder that they are in")
        file = self._sidecar.local_copy(self._segments[number]["name"], self._folder)
        return f"select path, mark, {number} as nth from read_parquet({literal(str(file))})"

    def _write_segment(
        self, con: duckdb.DuckDBPyConnection, sidecar: Sidecar, merged: Iterable[int], inline: Mapping[str, str]
    ) -> dict[str, Any]:
        con.register("smelt_newest", _table(inline))
        parts = [self._read_segment(number) for number in merged]
        parts.append(f"select path, mark, {len(self._segments)} as nth from smelt_newest")
        file = self._folder / "segment.parquet"
        ((count,),) = con.execute(
            f"copy (select path, arg_max(mark, nth) as mark from ({' union all '.join(parts)}) group by path "
            f"order by path) to {literal(str(file))} (format parquet, compression zstd)"
        ).fetchall()
        con.unregister("smelt_newest")
        name = sidecar.keep(file)
        reach("after-segment")
        return {"name": name, "files": count}


def _table(marks: Mapping[str, str]) -> pa.Table:
    return pa.table([pa.array(marks.keys(), pa.string()), pa.array(marks.values(), pa.string())], schema=_SCHEMA)
