"""Files that are read in place: a SELECT over all of them, in types that no later look at values changes.

Parquet brings its types. Text files are text columns, as when they are loaded. Of JSON, the types are those of all
values at the last look: a value that came since and doesn't fit them is an error, never another type or null.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta

import duckdb

from ingest.extract.bucket import Folder, FoundFile, list_pages, open_place
from ingest.federated.json_types import json_columns, json_relation
from ingest.federated.patterns import exactly, pattern
from ingest.load import Job
from ingest.spec import FilesSpec
from plugins.core.duck import literal, quote
from plugins.core.errors import SmeltError
from plugins.core.lake import InPlace
from plugins.core.objects import allow_connection

_FORMATS = {
    "parquet": "parquet",
    "pq": "parquet",
    "csv": "csv",
    "tsv": "csv",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
}
_PACKED = (".gz", ".zst")
# A build opens all of them for each model, of which objects take their time.
_MOST_FILES, _MOST_OBJECTS = 10_000, 1_000
_NUMBERED = "select *, row_number() over () as file_row_number from"
_HINT = "set sync_mode: incremental to load it"


def files_in_place(job: Job, con: duckdb.DuckDBPyConnection, known: InPlace | None) -> InPlace:
    """How the stream's files are read, by a connection that is let in as `con` is now.

    known: what the last look said. Raises SmeltError for files that aren't read in place, Transient if the store
    doesn't answer.
    """
    spec = _spec(job)
    kind = _format(job, spec)
    url = allow_connection(con, job.lake.settings, job.source.connection)
    is_remote = "://" in url
    root = url if is_remote else str((job.lake.settings.project_dir / url).resolve())
    wanted = pattern(root, spec.glob)
    files = _listed(job, spec)
    # Parquet tells its columns by itself; of text, files are only read again for them when any has changed.
    seen = "" if kind == "parquet" else _seen(wanted, spec, files)
    if seen and known is not None and known.seen == seen:
        relation = known.relation
    else:
        there = [exactly(root, file.path) for file in files]
        relation = _relation(job, con, kind, wanted, there, spec)
    place = f"substr(_smelt_file, {len(root) + 2}) || ':' || lpad(file_row_number::varchar, 12, '0')"
    return InPlace(job.source.connection if is_remote else None, "", relation, place, seen=seen)


def _spec(job: Job) -> FilesSpec:
    spec = job.stream.files
    if spec is None:
        raise SmeltError(f"{job.name}: it says nothing about its files", "add `files: {glob: …}` to the stream")
    refused = {
        "compression: zip": spec.compression == "zip",
        "settle": spec.settle > timedelta(0),
        f"encoding: {spec.encoding}": spec.encoding.lower() not in ("utf-8", "utf8", "latin-1", "utf-16"),
    }
    if named := [name for name, is_so in refused.items() if is_so]:
        raise SmeltError(f"{job.name}: files with `{named[0]}` are not read in place", _HINT)
    return spec


def _format(job: Job, spec: FilesSpec) -> str:
    """The one format of all files; raises SmeltError if that isn't said, or none that is read in place."""
    name = spec.glob.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    kind = spec.format or _FORMATS.get(name.rpartition(".")[2])
    if kind not in ("parquet", "csv", "ndjson"):
        raise SmeltError(
            f"{job.name}: only Parquet, CSV and NDJSON files are read in place",
            "say `format: csv` (or parquet, ndjson) if that is what they are; " + _HINT,
        )
    return kind


def _listed(job: Job, spec: FilesSpec) -> list[FoundFile]:
    """The files with content that are there now. Raises SmeltError if there are none, or too many."""
    place = open_place(job.lake.settings, job.source)
    most = _MOST_FILES if isinstance(place, Folder) else _MOST_OBJECTS
    files: list[FoundFile] = []
    for page in list_pages(place, spec):
        files += (file for file in page if file.size)
        if len(files) > most:
            raise SmeltError(
                f"{job.name}: more than {most:,} files are not read in place, as each model opens them all",
                _HINT,
            )
    if not files:
        raise SmeltError(
            f"{job.name}: no file with content matches {spec.glob}, so nobody knows its columns",
            f"correct the glob in {job.source.folder / 'source.yml'}, or wait for the first file",
        )
    return sorted(files, key=lambda file: file.path)


def _seen(wanted: str, spec: FilesSpec, files: Sequence[FoundFile]) -> str:
    """What the relation depends on, as a digest."""
    told = [wanted, spec.model_dump_json(), [[file.path, file.mark] for file in files]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _relation(
    job: Job, con: duckdb.DuckDBPyConnection, kind: str, wanted: str, files: Sequence[str], spec: FilesSpec
) -> str:
    """SELECT over the files that match `wanted`, in the columns of `files`, which are there now."""
    if kind == "parquet":
        options = "union_by_name = true, filename = '_smelt_file', file_row_number = true"
        return f"select * from read_parquet({literal(wanted)}, {options})"
    if kind == "ndjson":
        packed = f", compression = {literal(_packed(spec))}" if spec.compression else ""
        columns = json_columns(job.name, con, files, packed)
        return f"{_NUMBERED} ({json_relation(job.name, wanted, columns, packed)})"
    names = [name for name in _bound(job, con, files, spec).columns if name != "_smelt_file"]
    if missing := [name for name in spec.columns if name not in names]:
        raise SmeltError(
            f"{job.name}: no file has a column {missing[0]} (they have: {', '.join(names)})",
            f"correct `columns` in {job.source.folder / 'source.yml'}",
        )
    return f"{_NUMBERED} (select {', '.join(map(quote, [*names, '_smelt_file']))} from ({_csv([wanted], spec)}))"


def _bound(
    job: Job, con: duckdb.DuckDBPyConnection, files: Sequence[str], spec: FilesSpec
) -> duckdb.DuckDBPyRelation:
    """CSV files, of which DuckDB has seen the beginnings. Raises SmeltError that names one that can't be read."""
    try:
        return con.sql(_csv(files, spec))
    except duckdb.InvalidInputException as error:
        if len(files) > 1:
            for file in files:
                _bound(job, con, [file], spec)
        told = " ".join(str(error).partition("\n")[0].replace('file ""', "it").split())
        raise SmeltError(
            f"{job.name}: {files[0]} is no CSV that can be read in place: {told}",
            f"repair it; or {_HINT}, with its broken lines as dead letters",
        ) from error


def _packed(spec: FilesSpec) -> str:
    """The compression that the stream declares, as both of DuckDB's readers of text call it."""
    return "uncompressed" if spec.compression == "none" else spec.compression or ""


def _csv(paths: Sequence[str], spec: FilesSpec) -> str:
    """SELECT of all columns of CSV files as text. Without `skip`, DuckDB would skip lines until the rest fits."""
    is_tabbed = spec.delimiter == "," and ".tsv" in spec.glob.lower()
    options = {
        "delim": "\t" if is_tabbed else spec.delimiter,
        "quote": '"',
        "escape": '"',
        "comment": "",
        "nullstr": "",
        "encoding": spec.encoding.lower().replace("utf8", "utf-8"),
        "compression": _packed(spec) or "auto",
        "filename": "_smelt_file",
    }
    texts = ", ".join(f"{name} = {literal(value)}" for name, value in options.items())
    return (
        f"select * from read_csv([{', '.join(map(literal, paths))}], header = true, skip = 0, all_varchar = true, "
        f"union_by_name = true, allow_quoted_nulls = false, strict_mode = true, {texts})"
    )
