"""Names and ids as OpenLineage wants them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

from openlineage.client.event_v2 import Job, Run
from openlineage.client.facet_v2 import RunFacet, parent_run
from ulid import ULID

from plugins.core.settings import Settings

PRODUCER = "https://github.com/smelt-data/smelt"


def run_uuid(run_id: str) -> str:
    """A ledger id as the UUID of the same 128 bits: nothing is lost, it can be turned back."""
    return str(ULID.from_str(run_id).to_uuid())


def part_uuid(run_id: str, part: str) -> str:
    """The id of a part of a run, the same each time it is asked for."""
    return str(uuid5(UUID(run_uuid(run_id)), part))


def job(settings: Settings, name: str) -> Job:
    """A job in the project's namespace."""
    return Job(namespace=settings.openlineage.namespace, name=name)


def lake_namespace(settings: Settings) -> str:
    """The lake as a namespace of datasets: a URI."""
    return settings.lake_root if "://" in settings.lake_root else f"file://{settings.lake_root}"


def child_run(settings: Settings, run_id: str, part: str, parent_job: str, facets: dict[str, RunFacet]) -> Run:
    """A run that names the Smelt run it is part of."""
    parent = parent_run.ParentRunFacet(
        run=parent_run.Run(runId=run_uuid(run_id)),
        job=parent_run.Job(namespace=settings.openlineage.namespace, name=parent_job),
    )
    return Run(runId=part_uuid(run_id, part), facets={"parent": parent, **facets})


def moment(at: datetime) -> str:
    """A UTC time as RFC 3339; SQLite gives times back without their zone."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
