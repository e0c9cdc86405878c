"""Gold built by dbt over a few hand-written silver rows, and MetricFlow over its semantic manifest."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).parent / "project"


@dataclass(frozen=True)
class CompilesOnly:
    """What MetricFlow asks of a SQL client when it compiles and never runs a query."""

    sql_engine_type: Any
    sql_plan_renderer: Any


@dataclass(frozen=True)
class SemanticLayer:
    """A built gold layer: `connection` reads the warehouse, `engine` is MetricFlow over its manifest.

    `metrics` are the metrics as written in YAML; MetricFlow's own list has a hidden one per measure besides.
    """

    connection: duckdb.DuckDBPyConnection
    engine: Any
    metrics: list[dict[str, Any]]

    def compile(self, metrics: Sequence[str], by: Sequence[str] = (), where: Sequence[str] = ()) -> str:
        """The SQL of a metric query; columns are the group-by names followed by the metrics."""
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        request = MetricFlowQueryRequest.create(
            metric_names=list(metrics),
            group_by_names=list(by),
            where_constraints=list(where) or None,
            order_by_names=list(by) or None,
        )
        return self.engine.explain(request).sql_statement.sql

    def query(self, metrics: Sequence[str], by: Sequence[str] = (), where: Sequence[str] = ()) -> list[tuple]:
        """Rows of a metric query, ordered by its group-by columns."""
        return self.connection.execute(self.compile(metrics, by, where)).fetchall()


@pytest.fixture(scope="session")
def built_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the gold models over the stand-in silver rows, built and tested by dbt."""
    project = tmp_path_factory.mktemp("semantic") / "project"
    shutil.copytree(PROJECT, project)
    # Event-time models read every version of an order; here silver is only what stands in for it.
    without_events = shutil.ignore_patterns("events")
    shutil.copytree(REPOSITORY / "models" / "gold", project / "models" / "gold", ignore=without_events)
    shutil.copy(REPOSITORY / "models" / "exposures.yml", project / "models")
    shutil.copy(REPOSITORY / "models" / "_groups.yml", project / "models")
    shutil.copytree(REPOSITORY / "macros", project / "macros")
    built = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "build", "--no-use-colors", "--profiles-dir", "."],
        cwd=project,
        env={**os.environ, "SEMANTIC_TEST_WAREHOUSE": str(project / "warehouse.duckdb")},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout
    return project


@pytest.fixture(scope="session")
def layer(built_project: Path) -> Iterator[SemanticLayer]:
    """MetricFlow and a read-only connection over the built project."""
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    text = (built_project / "target" / "semantic_manifest.json").read_text()
    manifest = parse_manifest_from_dbt_generated_manifest(text)
    metrics = json.loads(text)["metrics"]
    client: Any = CompilesOnly(SqlEngine.DUCKDB, DuckDbSqlPlanRenderer())
    engine = MetricFlowEngine(SemanticManifestLookup(manifest), client)
    with duckdb.connect(str(built_project / "warehouse.duckdb"), read_only=True) as connection:
        yield SemanticLayer(connection, engine, metrics)
