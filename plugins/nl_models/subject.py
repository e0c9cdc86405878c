"""What a question is about: a catalog, a semantic layer if there is one, and a guarded connection to try SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb

from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Limits, Result, check, run
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.plan import Plan
from plugins.nl_models.render.metricflow import MetricFlow
from plugins.nl_models.render.sql import to_sql
from plugins.nl_models.semantic.layer import SemanticLayer


@dataclass
class Subject:
    """values: of categorical dimensions, by (semantic model, dimension). marked: (table, column) of what the
    project marks as personal; nobody else is shown its values."""

    catalog: Catalog
    con: duckdb.DuckDBPyConnection
    layer: SemanticLayer | None = None
    values: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    kept: Path | None = None
    marked: Collection[tuple[str, str]] = frozenset()

    def sql(self, plan: Plan | Analysis, *, pretty: bool = False) -> str:
        """The plan as SQL. Raises SmeltError if it cannot be rendered."""
        if isinstance(plan, Plan):
            return to_sql(plan, self.catalog, pretty=pretty)
        return self.metricflow.to_sql(plan, pretty=pretty)

    def run(self, sql: str) -> Result:
        """What a query returns. Raises SmeltError if the guard refuses it, or the database."""
        return run(self.con, check(sql, self.relations), self.limits)

    @cached_property
    def relations(self) -> tuple[str, ...]:
        """All that a query may read: tables of the catalog, and those of the semantic layer."""
        layer = self.layer
        known = {model.relation for model in layer.models.values()} if layer is not None else set()
        spines = layer.document["project_configuration"].get("time_spines") or () if layer is not None else ()
        known |= {f"{s['node_relation']['schema_name']}.{s['node_relation']['alias']}" for s in spines}
        return tuple(known | set(self.catalog.tables))

    @cached_property
    def metricflow(self) -> MetricFlow:
        """MetricFlow over the layer. Raises SmeltError without one."""
        if self.layer is None:
            raise SmeltError("there is no semantic layer", "ask for columns of tables")
        return MetricFlow(self.layer, self.kept)
