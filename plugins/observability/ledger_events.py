"""Ledger rows → events: the run itself, each stream's load, each published table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from openlineage.client.event_v2 import InputDataset, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    RunFacet,
    dataset_version_dataset,
    datasource_dataset,
    error_message_run,
    output_statistics_output_dataset,
    schema_dataset,
)
from sqlalchemy import select

from plugins.core.errors import SmeltError
from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import Settings, mask, resolve
from plugins.observability.ids import PRODUCER, child_run, job, lake_namespace, moment, run_uuid

Row = dict[str, Any]
_STATES = {"start": RunState.START, "complete": RunState.COMPLETE, "fail": RunState.FAIL}


def run_events(settings: Settings, run_id: str, rows: Sequence[Row]) -> list[RunEvent]:
    """START and COMPLETE or FAIL of the run itself."""
    return [
        RunEvent(
            eventType=_STATES[row["event"]],
            eventTime=moment(row["at"]),
            run=Run(runId=run_uuid(run_id), facets=_error(row["error"])),
            job=job(settings, f"smelt.{row['kind']}"),
            producer=PRODUCER,
            inputs=[],
            outputs=[],
        )
        for row in rows
    ]


def ingest_events(settings: Settings, ledger: Ledger, run_id: str, rows: Sequence[Row]) -> list[RunEvent]:
    """START and COMPLETE or FAIL of each stream's load, from the source's dataset to the bronze table."""
    events = []
    for row in rows:
        name = f"{row['source']}.{row['stream']}"
        schema = _schema(ledger, row["source"], row["stream"])
        source = InputDataset(
            namespace=_namespace(settings, row["source"]), name=row["stream"], facets={**schema}, inputFacets={}
        )
        output = OutputDataset(
            namespace=lake_namespace(settings),
            name=f"bronze.{row['source']}__{row['stream']}",
            facets={**schema, **_version(row["snapshot_id"]), **_datasource(settings)},
            outputFacets=_statistics(row["rows_loaded"], row["bytes"]),
        )
        ended = row["at"]
        began = ended - timedelta(seconds=row["seconds"] or 0)
        failed = row["outcome"] == "failed"
        for state, at in ((RunState.START, began), (RunState.FAIL if failed else RunState.COMPLETE, ended)):
            facets = _error(row["error"]) if state == RunState.FAIL else {}
            events.append(
                RunEvent(
                    eventType=state,
                    eventTime=moment(at),
                    run=child_run(settings, run_id, name, "smelt.ingest", facets),
                    job=job(settings, f"ingest.{name}"),
                    producer=PRODUCER,
                    inputs=[source],
                    outputs=[output],
                )
            )
    return events


def publish_events(settings: Settings, run_id: str, rows: Sequence[Row], pins: Sequence[Row]) -> list[RunEvent]:
    """One event for all published tables of the run, from the bronze snapshots it was built on."""
    if not rows:
        return []
    inputs = [
        InputDataset(
            namespace=lake_namespace(settings),
            name=f"{pin['namespace']}.{pin['table_name']}",
            facets=_version(pin["snapshot_id"]),
            inputFacets={},
        )
        for pin in pins
    ]
    outputs = [
        OutputDataset(
            namespace=lake_namespace(settings),
            name=row["dataset"],
            facets={**_version(row["snapshot_id"]), **_datasource(settings)},
            outputFacets=_statistics(row["rows"], row["bytes"]),
        )
        for row in rows
    ]
    ended = max(row["at"] for row in rows)
    return [
        RunEvent(
            eventType=state,
            eventTime=moment(ended),
            run=child_run(settings, run_id, "publish", "smelt.build", {}),
            job=job(settings, "publish"),
            producer=PRODUCER,
            inputs=inputs,
            outputs=outputs,
        )
        for state in (RunState.START, RunState.COMPLETE)
    ]


def _namespace(settings: Settings, source: str) -> str:
    """Where a source is, without user, password or query: `postgres://host:port`, a folder, a base URL."""
    connection = settings.connections.get(source)
    reference = (connection.dsn or connection.url) if connection else None
    if connection is None or not reference:
        return source
    try:
        value = resolve(reference, settings.project_dir, f"connections.{source}")
    except SmeltError:
        return source
    parts = urlsplit(value)
    if not parts.hostname:
        return "file" if connection.type == "files" else source
    scheme = "postgres" if connection.type == "postgres" else parts.scheme
    return f"{scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _schema(ledger: Ledger, source: str, stream: str) -> dict[str, DatasetFacet]:
    table = TABLES["schema_versions"]
    query = select(table.c.columns).where(table.c.source == source, table.c.stream == stream)
    rows = ledger.read(query.order_by(table.c.version.desc()).limit(1))
    if not rows:
        return {}
    fields = [
        schema_dataset.SchemaDatasetFacetFields(name=column["name"], type=column["type"])
        for column in rows[0]["columns"]
    ]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}


def _version(snapshot_id: int | None) -> dict[str, DatasetFacet]:
    if snapshot_id is None:
        return {}
    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=str(snapshot_id))}


def _datasource(settings: Settings) -> dict[str, DatasetFacet]:
    facet = datasource_dataset.DatasourceDatasetFacet(name="lake", uri=lake_namespace(settings))
    return {"dataSource": facet}


def _statistics(rows: int | None, size: int | None) -> dict[str, Any]:
    facet = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows or 0, size=size or 0)
    return {"outputStatistics": facet}


def _error(text: str | None) -> dict[str, RunFacet]:
    if not text:
        return {}
    message = error_message_run.ErrorMessageRunFacet(message=mask(text), programmingLanguage="python")
    return {"errorMessage": message}
