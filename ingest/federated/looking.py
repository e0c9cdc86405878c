"""Looks at streams that are read in place: their schemas become versions as those of loads do. No row is read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from ingest.extract.postgres import in_place_relation
from ingest.federated.files import files_in_place
from ingest.load import Job, StreamResult
from ingest.load.history import record_load, record_schema
from ingest.load.landing import Landing, plan_landing
from ingest.load.types import AUDIT_TYPES, shape_of
from ingest.retry import Transient, retrying
from plugins.core import duck
from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import InPlace, bronze_columns, read_in_place, set_in_place


def look(jobs: Sequence[Job]) -> list[StreamResult]:
    """Record how each stream can be read now. Raises SmeltError if one can't be."""
    return [_looked(job) for job in jobs]


def _looked(job: Job) -> StreamResult:
    started = time.monotonic()
    con = duck.connect(extensions=("postgres_scanner",))
    try:
        result = retrying(lambda: _recorded(job, con), on_wait=job.waited)
    except Transient as error:
        raise SmeltError(str(error), "start it or correct the connection; `smelt doctor` tests each") from error
    finally:
        con.close()
    result = replace(result, seconds=time.monotonic() - started)
    record_load(job.run, result, None)
    return result


def _recorded(job: Job, con: duckdb.DuckDBPyConnection) -> StreamResult:
    table = job.lake.find(job.identifier)
    try:
        found = _in_place(job, con, read_in_place(table) if table else None)
        helpers = "exclude (_smelt_file, file_row_number)" if job.source.kind == "files" else ""
        shape = shape_of(con, f"select * {helpers} from ({found.relation})")
    except duckdb.Error as error:
        raise SmeltError(
            f"{job.name}: it can't be read in place: {str(error).splitlines()[0]}",
            f"correct the stream in {job.source.folder / 'source.yml'}",
        ) from error
    landing = plan_landing(con, job.lake, job.identifier, shape, job.stream.schema_policy, table is None)
    reach("before-in-place")
    set_in_place(job.lake, job.identifier, replace(found, columns=[*_columns(landing), *_gone(job, con, landing)]))
    version = record_schema(job.run, job.source.name, job.stream.name, shape.columns)
    held = ", ".join(column.name for column in landing.held)
    return StreamResult(
        job.source.name,
        job.stream.name,
        "unchanged",
        schema_version=version.number if version else None,
        schema_change=version.change if version else None,
        notes=(
            "federated: read in place at each build, nothing is copied",
            *((f"schema policy freeze: no room for {held}",) if held else ()),
        ),
    )


def _in_place(job: Job, con: duckdb.DuckDBPyConnection, known: InPlace | None) -> InPlace:
    """Where the rows are, and the SELECT over them in the source's columns."""
    if job.source.kind == "files":
        return files_in_place(job, con, known)
    alias = f"smelt_{job.source.name}"
    keys = ", ".join(f"{quote(key)}::varchar" for key in job.stream.primary_key)
    relation = in_place_relation(con, job.lake.settings, job.source, job.stream, alias)
    return InPlace(job.source.connection, alias, relation, f"concat_ws('|', {keys})")


def _columns(landing: Landing) -> list[str]:
    """SQL over the source's columns for each of bronze."""
    return [f"{quote(c.source)}::{c.type} as {quote(c.name)}" for c in landing.columns]


def _gone(job: Job, con: duckdb.DuckDBPyConnection, landing: Landing) -> list[str]:
    """Nulls for columns that the source had once, as rows that are loaded have them."""
    there = {column.name for column in landing.columns}
    columns = bronze_columns(job.lake.table(job.identifier))
    gone = {name: kind for name, kind in columns.items() if name not in there and name not in AUDIT_TYPES}
    types = con.from_arrow(pa.schema(list(gone.items())).empty_table()).types if gone else []
    return [f"null::{kind} as {quote(name)}" for name, kind in zip(gone, types, strict=True)]
