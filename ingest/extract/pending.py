"""What a load has to read: listed once, compared with the manifest in DuckDB, taken in batches of bounded size.

It lies in the load's folder, so that a listing of any length takes no memory and is made once for all batches.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.extract.base import PullRequest
from ingest.extract.bucket import FoundFile, list_pages, open_place
from ingest.extract.manifest import Manifest
from ingest.spec import FilesSpec
from plugins.core.duck import literal

BATCH_FILES = 1_000
BATCH_BYTES = 1 << 30

_SCHEMA = pa.schema(
    [
        ("path", pa.string()), ("location", pa.string()), ("etag", pa.string()), ("size", pa.int64()),
        ("modified", pa.float64()), ("version", pa.string()), ("mark", pa.string()),
    ]
)  # fmt: skip


class Pending:
    """The files of a stream that are new or changed, by path; `first` of them have been loaded by this load."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._con, self._file, self._state = con, folder / "pending.parquet", folder / "pending.json"
        self.first, self.count = json.loads(self._state.read_text()) if self._state.exists() else (0, 0)

    @classmethod
    def of(cls, request: PullRequest, spec: FilesSpec, manifest: Manifest) -> Pending:
        """What was listed before in this load, or is listed now."""
        folder = request.keep or request.workdir
        pending = cls(request.con, folder)
        if not pending._state.exists():
            pending._list(request, spec, manifest)
        return pending

    def batch(self) -> tuple[list[FoundFile], int]:
        """The next files, and how many are left after them."""
        rows = self._con.execute(
            f"select path, location, etag, size, modified, version from read_parquet({literal(str(self._file))}) "
            f"where nth > {self.first} order by nth limit {BATCH_FILES}"
        ).fetchall()
        batch: list[FoundFile] = []
        size = 0
        for row in rows:
            file = FoundFile(*row)
            size += file.size
            if batch and size > BATCH_BYTES:
                break
            batch.append(file)
        return batch, self.count - self.first - len(batch)

    def done(self, files: int) -> None:
        """The next batch begins after `files` more."""
        self.first += files
        self._state.write_text(json.dumps([self.first, self.count]))

    def _list(self, request: PullRequest, spec: FilesSpec, manifest: Manifest) -> None:
        listing = self._file.with_name("listing.parquet")
        _write(listing, list_pages(open_place(request.settings, request.source), spec))
        manifest.lay(self._con, "smelt_known_files")
        ((self.count,),) = self._con.execute(
            f"""
            copy (
                select listed.*, row_number() over (order by listed.path) as nth
                from read_parquet({literal(str(listing))}) as listed
                left join smelt_known_files as known using (path)
                where known.mark is distinct from listed.mark
                order by nth
            ) to {literal(str(self._file))} (format parquet)
            """
        ).fetchall()
        listing.unlink()
        self.done(0)


def _write(target: Path, pages: Iterator[Sequence[FoundFile]]) -> None:
    with pq.ParquetWriter(target, _SCHEMA, compression="zstd") as writer:
        for page in pages:
            if page:
                rows = [{**vars(file), "mark": file.mark} for file in page]
                writer.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA))
