"""Opens both times of a project: which before is meant, and where now is."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from plugins.core.errors import SmeltError
from plugins.core.project import Manifest, Project
from plugins.core.settings import Settings
from plugins.review import Repository
from plugins.schema_drift.observing import bronze
from plugins.schema_drift.observing.against_snapshot import SNAPSHOT, Sides, compare_with, in_order
from plugins.schema_drift.observing.found import Warehouse
from plugins.schema_drift.observing.looking import look
from plugins.schema_drift.observing.manifest import source_manifest
from plugins.schema_drift.observing.pair import Pair
from plugins.schema_drift.observing.snapshot import snapshot_path
from plugins.schema_drift.observing.snapshot_file import attach_snapshot
from plugins.schema_drift.observing.warehouse import connect, open_warehouse

_RUN = re.compile(r"[0-9A-Z]{26}")


@contextmanager
def open_pair(
    project: Project, settings: Settings, before: str | None = None, select: Sequence[str] = ()
) -> Iterator[Pair]:
    """The source tables of a project before and now, in one connection that is closed at the end.

    before: a snapshot's file, a git ref, and in a Smelt project also an ISO time or a run's id. Default: what the
    last published run of a Smelt project read, elsewhere the newest snapshot. select: names of sources or
    `source.table`. Raises SmeltError if there is nothing to compare with, or a name that means nothing.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smelt-drift-")))
        yield _open(_Opening(stack, project, settings, select, scratch), before)


@dataclass(frozen=True)
class _Opening:
    """What every way of opening needs."""

    stack: ExitStack
    project: Project
    settings: Settings
    select: Sequence[str]
    scratch: Path


def _open(one: _Opening, before: str | None) -> Pair:
    is_smelt = bronze.is_smelt_project(one.project)
    if before is None:
        if is_smelt:
            return _since(one, bronze.last_published(one.settings))
        path = snapshot_path(one.settings)
        if not path.is_file():
            raise SmeltError("there is no snapshot of the sources to compare with", "smelt drift snapshot")
        return _since_snapshot(one, path)
    if (path := Path(before).expanduser()).is_file():
        return _since_snapshot(one, path)
    if is_smelt and _RUN.fullmatch(before) and (then := bronze.published_by(one.settings, before)) is not None:
        return _since(one, then)
    repository, commit = _commit(one.project, before)
    if repository is not None and commit is not None:
        return _since_commit(one, repository, commit, before, is_smelt)
    if is_smelt and (at := _time(before)) is not None:
        return _since(one, bronze.then_of_time(one.settings, at))
    accepted = "a snapshot's file, a branch, tag or commit"
    more = (
        ", a published run's id (`smelt rollback --list`), or a time such as 2026-11-20T10:00" if is_smelt else ""
    )
    raise SmeltError(f"{before!r} is nothing to compare the sources with", f"give {accepted}{more}")


def _since(one: _Opening, then: bronze.Then | None) -> Pair:
    return bronze.open_bronze(one.stack, one.project, one.settings, then, one.select, one.scratch)


def _commit(project: Project, ref: str) -> tuple[Repository | None, str | None]:
    try:
        repository = Repository.find(project.folder)
    except SmeltError:
        return None, None
    return repository, repository.find_commit(ref)


def _time(text: str) -> datetime | None:
    """An ISO date or time, in UTC unless it says otherwise; None if it is none, or is still to come."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at if at <= datetime.now(UTC) else None


def _since_commit(one: _Opening, repository: Repository, commit: str, ref: str, is_smelt: bool) -> Pair:
    """The snapshot that was committed there, else bronze of that time, else what the YAML declared."""
    snapshot = snapshot_path(one.settings)
    if snapshot.resolve().is_relative_to(repository.root.resolve()):
        content = repository.show(commit, snapshot.resolve().relative_to(repository.root.resolve()).as_posix())
        if content is not None:
            path = one.scratch / "committed.duckdb"
            path.write_bytes(content)
            return _since_snapshot(one, path)
    if is_smelt:
        at = datetime.fromtimestamp(int(repository.git("show", "-s", "--format=%ct", commit)), UTC)
        return _since(one, bronze.then_of_time(one.settings, at))
    # It reads YAML and SQL types, for which other checks needn't load a parser.
    from plugins.schema_drift.observing.against_commit import compare_with_commit

    con = one.stack.enter_context(connect(one.scratch))
    manifest = source_manifest(one.project)
    warehouse = _warehouse(one, con, manifest.adapter)
    seen = look(manifest, warehouse, one.select)
    sides = compare_with_commit(
        con, one.project, commit, seen, warehouse, manifest.dialect, one.settings.drift.sample_rows
    )
    return _pair(con, sides, f"commit {commit[:10]} ({ref})", None, manifest)


def _since_snapshot(one: _Opening, path: Path) -> Pair:
    con = one.stack.enter_context(connect(one.scratch))
    about, kept = attach_snapshot(con, path, SNAPSHOT)
    manifest = source_manifest(one.project)
    if about.adapter != manifest.adapter:
        raise SmeltError(
            f"{path} is of a project on {about.adapter}, not {manifest.adapter}",
            "give a snapshot of this project and target",
        )
    warehouse = _warehouse(one, con, manifest.adapter)
    seen = look(manifest, warehouse, one.select)
    sides = compare_with(con, kept, seen, warehouse, one.settings.drift.sample_rows)
    return _pair(con, sides, f"snapshot of {about.at:%Y-%m-%d %H:%M} UTC", about.at, manifest)


def _warehouse(one: _Opening, con: duckdb.DuckDBPyConnection, adapter: str) -> Warehouse:
    return one.stack.enter_context(open_warehouse(con, one.project, one.settings, adapter, one.scratch))


def _pair(
    con: duckdb.DuckDBPyConnection, sides: Sides, label: str, at: datetime | None, manifest: Manifest
) -> Pair:
    return Pair(
        con,
        in_order(sides.before),
        in_order(sides.after),
        (label, "now"),
        (at, None),
        tuple(sides.notes),
        sides.looked_at,
        inputs=sides.inputs,
        manifest=manifest,
    )
