"""Opens both times of a project: which before is meant, and where now is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from plugins.core.errors import SmeltError
from plugins.core.ledger import Ledger
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.core.warehouse.published import read_run, run_path
from plugins.schema_drift.observing.against_snapshot import SNAPSHOT, compare_with, in_order
from plugins.schema_drift.observing.bronze.opening import last_published, open_bronze, then_of_run
from plugins.schema_drift.observing.bronze.recognised import is_smelt_project
from plugins.schema_drift.observing.bronze.records import Records
from plugins.schema_drift.observing.looking import look
from plugins.schema_drift.observing.manifest import source_manifest
from plugins.schema_drift.observing.pair import Pair
from plugins.schema_drift.observing.snapshot import snapshot_path
from plugins.schema_drift.observing.snapshot_file import attach_snapshot
from plugins.schema_drift.observing.warehouse import connect, open_warehouse


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
        yield _open(stack, project, settings, before, select)


def _open(
    stack: ExitStack, project: Project, settings: Settings, before: str | None, select: Sequence[str]
) -> Pair:
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smelt-drift-")))
    if is_smelt_project(project):
        records = Records(Ledger(settings))
        if before is None:
            then = last_published(settings, records)
            return open_bronze(stack, project, settings, then, select, scratch)
        if (path := run_path(settings, before)).is_file():
            then = then_of_run(records, read_run(path))
            return open_bronze(stack, project, settings, then, select, scratch)
    path = Path(before).expanduser() if before is not None else snapshot_path(settings)
    if before is None and not path.is_file():
        raise SmeltError("there is no snapshot of the sources to compare with", "smelt drift snapshot")
    return _since_snapshot(stack, project, settings, path, select, scratch)


def _since_snapshot(
    stack: ExitStack, project: Project, settings: Settings, path: Path, select: Sequence[str], scratch: Path
) -> Pair:
    con = stack.enter_context(connect(scratch))
    about, kept = attach_snapshot(con, path, SNAPSHOT)
    manifest = source_manifest(project)
    if about.adapter != manifest.adapter:
        raise SmeltError(
            f"{path} is of a project on {about.adapter}, not {manifest.adapter}",
            "give a snapshot of this project and target",
        )
    warehouse = stack.enter_context(open_warehouse(con, project, manifest.adapter, scratch))
    seen = look(manifest, warehouse, select)
    sides = compare_with(con, kept, seen, warehouse, settings.drift.sample_rows)
    return Pair(
        con,
        in_order(sides.before),
        in_order(sides.after),
        (f"snapshot of {about.at:%Y-%m-%d %H:%M} UTC", "now"),
        (about.at, None),
        tuple(sides.notes),
        sides.looked_at,
        inputs=sides.inputs,
    )
