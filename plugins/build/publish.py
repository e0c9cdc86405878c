"""Publishing: tables to Iceberg one by one, then all of them to readers at once."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from plugins.build.holding import keep_stale
from plugins.build.tables import write_table
from plugins.core.failpoints import reach
from plugins.core.lake import Lake, Pin
from plugins.core.ledger import Hold, Run
from plugins.core.settings import Settings
from plugins.core.warehouse.lock import queue_for
from plugins.core.warehouse.published import (
    PublishedRun,
    PublishedTable,
    current_run,
    point_to,
    run_path,
    write_run,
)
from plugins.live import LiveCatalog

if TYPE_CHECKING:
    import duckdb

    from plugins.core.project import Project

_INTERNAL = ("stg_", "int_", "quarantine_", "_")
_ARTIFACTS = ("manifest.json", "run_results.json", "catalog.json", "semantic_manifest.json")
_WRITERS = 2


def publishable(project: Project) -> dict[str, str]:
    """`schema.table` → description of what readers get: silver entities and gold models.

    What is private, or called stg_, int_ or quarantine_, stays in the warehouse.
    """
    return {
        f"{node.schema}.{node.alias}": node.description
        for node in project.manifest.nodes.values()
        if str(node.resource_type) == "model"
        and node.schema in ("silver", "gold")
        and node.config.materialized != "ephemeral"
        and str(getattr(node, "access", "")) != "private"
        and not node.name.startswith(_INTERNAL)
    }


def publish(
    settings: Settings,
    project: Project,
    cursor: duckdb.DuckDBPyConnection,
    run: Run,
    target: str,
    pins: Sequence[Pin],
    stale: Mapping[str, Sequence[Hold]],
    *,
    unchanged: Collection[str],
    newer: Callable[[Settings, PublishedRun], Path],
) -> PublishedRun:
    """Write what is publishable to Iceberg, and make it what readers see.

    unchanged: datasets that were not built, because they are as the run that readers see now has them.
    newer: the catalog file that readers get of the run that was just written.

    stale: datasets that were not built, with the holds to blame: readers keep the tables they have.
    Killed anywhere, readers see the run before or this one, whole. Waits if another process publishes.
    """
    with queue_for(settings.published_dir / "catalog"):
        reach("publish-before-files")
        described = publishable(project)
        lake = Lake(settings)
        current = current_run(settings) if stale or unchanged else None
        kept, marks = keep_stale({name: stale[name] for name in described if name in stale}, current)
        spared = {table.dataset: table for table in current.tables} if current else {}
        left_alone = (described.keys() & unchanged) - stale.keys()
        spared = {name: spared[name] for name in left_alone if name in spared}
        written = _write_all(lake, cursor, sorted(described.keys() - stale.keys() - spared.keys()), run.id)
        kept = tuple(dataclasses.replace(table, is_rewritten=False) for table in (*kept, *spared.values()))
        tables = sorted((*written, *kept), key=lambda table: table.dataset)
        tables = tuple(dataclasses.replace(table, description=described[table.dataset]) for table in tables)
        reach("publish-after-files")
        published = PublishedRun(run.id, datetime.now(UTC), target, tables, tuple(pins), marks)
        _keep_artifacts(project.artifacts, run_path(settings, run.id).with_suffix(""))
        write_run(settings, published)
        point_to(settings, run.id, newer(settings, published))
    run.append("publishes", *(_ledger_row(table) for table in tables))
    return published


def as_built(settings: Settings, run: PublishedRun) -> Path:
    """The run as it was built."""
    return run_path(settings, run.id)


def newest(settings: Settings, run: PublishedRun) -> Path:
    """The run with what came to bronze since it was pinned: readers who saw that already don't lose it again."""
    with closing(LiveCatalog(settings)) as live:
        return live.file_of(run) or run_path(settings, run.id)


def _write_all(
    lake: Lake, cursor: duckdb.DuckDBPyConnection, datasets: Sequence[str], run_id: str
) -> tuple[PublishedTable, ...]:
    def write(dataset: str) -> PublishedTable:
        with cursor.cursor() as own:
            own.execute("set timezone = 'UTC'")
            return write_table(lake, own, dataset, run_id)

    _ = lake.catalog  # opened once, before the threads ask for it
    with ThreadPoolExecutor(_WRITERS) as pool:
        return tuple(pool.map(write, datasets))


def _keep_artifacts(source: Path, destination: Path) -> None:
    """dbt's artifacts of this run, for `dbt build --defer --state` elsewhere."""
    destination.mkdir(parents=True, exist_ok=True)
    for name in _ARTIFACTS:
        if (source / name).is_file():
            shutil.copyfile(source / name, destination / name)


def _ledger_row(table: PublishedTable) -> dict[str, object]:
    return {
        "dataset": table.dataset,
        "snapshot_id": table.snapshot_id,
        "metadata_location": table.metadata_location,
        "rows": table.rows,
        "bytes": table.bytes,
    }
