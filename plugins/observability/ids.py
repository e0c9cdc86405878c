"""Names, ids and the facets that several kinds of events have, as OpenLineage wants them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

from openlineage.client.event_v2 import Job, Run
from openlineage.client.facet_v2 import (
    DatasetFacet,
    RunFacet,
    dataset_version_dataset,
    error_message_run,
    parent_run,
)
from ulid import ULID

from plugins.core.settings import Settings, mask

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


def parent_facet(settings: Settings, run_id: str, run_job: str) -> dict[str, RunFacet]:
    """The facet that names the run of `run_job` that another one is part of."""
    return {
        "parent": parent_run.ParentRunFacet(
            run=parent_run.Run(runId=run_uuid(run_id)),
            job=parent_run.Job(namespace=settings.openlineage.namespace, name=run_job),
        )
    }


def child_run(settings: Settings, run_id: str, part: str, run_job: str, facets: dict[str, RunFacet]) -> Run:
    """A run that names the Smelt run, of the job `run_job`, that it is part of."""
    return Run(runId=part_uuid(run_id, part), facets={**parent_facet(settings, run_id, run_job), **facets})


def in_utc(at: datetime) -> datetime:
    """A time of the ledger with its zone; SQLite gives times back without."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def moment(at: datetime) -> str:
    """A time of the ledger as RFC 3339."""
    return in_utc(at).isoformat()


def version_facet(snapshot_id: int | None) -> dict[str, DatasetFacet]:
    """The Iceberg snapshot that was read or written; nothing for a table without one."""
    if snapshot_id is None:
        return {}
    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=str(snapshot_id))}


def error_facet(message: str | None) -> dict[str, RunFacet]:
    """Why a run failed; nothing if it did not."""
    if not message:
        return {}
    facet = error_message_run.ErrorMessageRunFacet(message=mask(message), programmingLanguage="python")
    return {"errorMessage": facet}
