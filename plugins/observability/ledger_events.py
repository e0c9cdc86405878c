"""Ledger rows → events: the run itself, each stream's load, each published table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    datasource_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)
from sqlalchemy import select

from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import Settings
from plugins.observability.ids import (
    PRODUCER,
    child_run,
    error_facet,
    job,
    lake_namespace,
    moment,
    parent_facet,
    run_uuid,
    version_facet,
)
from plugins.observability.origins import origin

Row = dict[str, Any]
_STATES = {"start": RunState.START, "complete": RunState.COMPLETE, "fail": RunState.FAIL}


def run_events(settings: Settings, run_id: str, rows: Sequence[Row], parent_job: str) -> list[RunEvent]:
    """START and COMPLETE or FAIL of the run itself; `parent_job` is the job of the run it is part of, if any."""
    # The run ends with the parent it began with.
    parent_id = rows[0]["parent_run_id"] if rows else None
    parent = parent_facet(settings, parent_id, parent_job) if parent_id else {}
    return [
        RunEvent(
            eventType=_STATES[row["event"]],
            eventTime=moment(row["at"]),
            run=Run(runId=run_uuid(run_id), facets={**parent, **error_facet(row["error"])}),
            job=job(settings, f"smelt.{row['kind']}"),
            producer=PRODUCER,
            inputs=[],
            outputs=[],
        )
        for row in rows
    ]


def ingest_events(
    settings: Settings, ledger: Ledger, run_id: str, run_job: str, rows: Sequence[Row]
) -> list[RunEvent]:
    """START and COMPLETE or FAIL of each stream's load, from the source's dataset to the bronze table.

    What the load brought is told when it is complete: rows, bytes, and the snapshot that holds them.
    """
    events = []
    for row in rows:
        name = f"{row['source']}.{row['stream']}"
        schema = _schema(ledger, row["source"], row["stream"])
        found = origin(settings, row["source"], row["stream"])
        source = InputDataset(namespace=found.namespace, name=found.name, facets={**schema}, inputFacets={})
        ended = row["at"]
        began = ended - timedelta(seconds=row["seconds"] or 0)
        last = RunState.FAIL if row["outcome"] == "failed" else RunState.COMPLETE
        for state, at in ((RunState.START, began), (last, ended)):
            is_complete = state == RunState.COMPLETE
            output = OutputDataset(
                namespace=lake_namespace(settings),
                name=f"bronze.{row['source']}__{row['stream']}",
                facets={
                    **schema,
                    **_datasource(settings),
                    **(version_facet(row["snapshot_id"]) if is_complete else {}),
                },
                outputFacets=_statistics(row["rows_loaded"], row["bytes"]) if is_complete else {},
            )
            facets = error_facet(row["error"]) if state == RunState.FAIL else {}
            events.append(
                RunEvent(
                    eventType=state,
                    eventTime=moment(at),
                    run=child_run(settings, run_id, name, run_job, facets),
                    job=job(settings, f"ingest.{name}"),
                    producer=PRODUCER,
                    inputs=[source],
                    outputs=[output],
                )
            )
    return events


def publish_events(
    settings: Settings,
    run_id: str,
    run_job: str,
    rows: Sequence[Row],
    snapshots: Mapping[str, int | None],
    tables: Mapping[str, tuple[str, str]],
) -> list[RunEvent]:
    """START and COMPLETE of the publish: from the warehouse's tables to the published ones.

    tables: `schema.table` → dataset in the warehouse. Where dbt's artifacts told of none, the bronze
    `snapshots` that the run was built on stand for them.
    """
    if not rows:
        return []
    inputs = [
        InputDataset(namespace=namespace, name=name, facets={}, inputFacets={})
        for namespace, name in (tables[row["dataset"]] for row in rows if row["dataset"] in tables)
    ] or [
        InputDataset(
            namespace=lake_namespace(settings), name=f"bronze.{table}", facets=version_facet(id_), inputFacets={}
        )
        for table, id_ in snapshots.items()
    ]
    outputs = [
        OutputDataset(
            namespace=lake_namespace(settings),
            name=row["dataset"],
            facets={**version_facet(row["snapshot_id"]), **_datasource(settings)},
            outputFacets=_statistics(row["rows"], row["bytes"]),
        )
        for row in rows
    ]
    ended = max(row["at"] for row in rows)
    return [
        RunEvent(
            eventType=state,
            eventTime=moment(ended),
            run=child_run(settings, run_id, "publish", run_job, {}),
            job=job(settings, "publish"),
            producer=PRODUCER,
            inputs=inputs,
            outputs=outputs,
        )
        for state in (RunState.START, RunState.COMPLETE)
    ]


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


def _datasource(settings: Settings) -> dict[str, DatasetFacet]:
    facet = datasource_dataset.DatasourceDatasetFacet(name="lake", uri=lake_namespace(settings))
    return {"dataSource": facet}


def _statistics(rows: int | None, size: int | None) -> dict[str, Any]:
    facet = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows or 0, size=size or 0)
    return {"outputStatistics": facet}
