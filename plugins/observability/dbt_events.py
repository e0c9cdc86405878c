"""dbt's artifacts → events, by OpenLineage's own processor."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import attr
from openlineage.client.event_v2 import RunEvent, RunState

from plugins.core.settings import Settings, mask
from plugins.observability.ids import PRODUCER, error_facet, lake_namespace, run_uuid


@dataclass(frozen=True)
class DbtEvents:
    """Events of what dbt ran; `tables` maps `schema.table` to the dataset (namespace, name) in them.

    problem: a line that says why there are none, though dbt ran.
    """

    events: list[RunEvent] = field(default_factory=list)
    tables: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    problem: str | None = None


def dbt_events(
    settings: Settings,
    run_id: str,
    run_job: str,
    artifacts: Path,
    since: datetime,
    snapshots: Mapping[str, int | None],
) -> DbtEvents:
    """Events of every model, snapshot and test that dbt ran from `since` (UTC) on.

    snapshots: bronze table → snapshot id that the models read.
    """
    from openlineage.common.provider.dbt.facets import ParentRunMetadata

    from plugins.observability.dbt_processor import Processor, results_of

    logging.getLogger("openlineage.common.provider.dbt").setLevel(logging.CRITICAL)
    namespace = settings.openlineage.namespace
    try:
        results = results_of(artifacts, since)
        if results is None:
            return DbtEvents()
        processor = Processor(
            results,
            lake_namespace(settings),
            snapshots,
            settings.project_dir,
            settings.make_local_root() / "lineage.db",
            target_path=str(artifacts),
            producer=PRODUCER,
            job_namespace=namespace,
        )
        processor.dbt_run_metadata = ParentRunMetadata(
            run_id=run_uuid(run_id), job_name=run_job, job_namespace=namespace
        )
        messages = {result["unique_id"]: result.get("message") for result in results["results"]}
        events = [_explained(event, messages) for event in processor.parse().events()]
        return DbtEvents(events, processor.tables())
    except Exception as error:  # noqa: BLE001 - the processor meets anybody's project; lineage must not fail a build
        reason = mask(f"{type(error).__name__}: {error}")
        return DbtEvents(problem=f"dbt's lineage events could not be made: {reason}")


def _explained(event: RunEvent, messages: Mapping[str, str | None]) -> RunEvent:
    """A FAIL event with the reason, which the processor leaves out."""
    if event.eventType != RunState.FAIL or not event.job.facets:
        return event
    unique_id = getattr(event.job.facets.get("dbt_node"), "unique_id", "")
    facets = {**(event.run.facets or {}), **error_facet(messages.get(unique_id))}
    return attr.evolve(event, run=attr.evolve(event.run, facets=facets))
