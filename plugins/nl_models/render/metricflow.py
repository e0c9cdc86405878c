"""An analysis as SQL: what it asks of the semantic layer through MetricFlow, the rest of it around that.

MetricFlow knows what a metric means: its filters, its joins, which dates it counts by. Comparing with an earlier
period, shares, ranks and running totals are plain SQL over what it returns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import TIME, Analysis, DimensionFilter
from plugins.nl_models.kept import Kept
from plugins.nl_models.render.around import around, asked_names
from plugins.nl_models.render.conditions import condition_query
from plugins.nl_models.render.periods import earlier, moved
from plugins.nl_models.semantic.layer import SemanticLayer


class _CompilesOnly:
    """What MetricFlow needs to write DuckDB's SQL; it is never given a connection."""

    def __init__(self, engine: Any, renderer: Any) -> None:
        self.sql_engine_type = engine
        self.sql_plan_renderer = renderer


@dataclass(frozen=True)
class MetricFlow:
    """MetricFlow over one semantic layer; made once, since it takes a while.

    folder: where its SQL is kept, for whoever asks the same again: MetricFlow alone takes a second to import.
    """

    layer: SemanticLayer
    folder: Path | None = None

    def to_sql(self, analysis: Analysis, *, pretty: bool = False) -> str:
        """The analysis in DuckDB's SQL; columns are the dimensions, then the metrics, by their query names.

        Raises SmeltError if MetricFlow cannot answer it.
        """
        span = analysis.time_range
        start, end = (span.start, span.end) if span is not None else (None, None)
        compared = analysis.comparison
        before = None
        if compared is not None and analysis.time is None:
            if start is None or end is None:
                raise SmeltError(
                    "there is no period to compare with the one before it", "say which: in 2011, by month"
                )
            before = self._compile(analysis, earlier(start, compared), earlier(end, compared))
        elif compared is not None and start is not None:
            start = earlier(start, compared)
        if analysis.calculation == "moving average" and analysis.time is not None and start is not None:
            start = moved(start, analysis.time.grain or "day", 1 - (analysis.window or 1))
        conditions = [self._condition(condition_query(analysis, part)) for part in analysis.conditions]
        query = around(analysis, self._compile(analysis, start, end), before, conditions)
        return query.sql("duckdb", pretty=pretty, comments=False)

    def _condition(self, analysis: Analysis) -> exp.Query:
        span = analysis.time_range
        return self._compile(analysis, span.start if span else None, span.end if span else None)

    def _compile(self, analysis: Analysis, start: date | None, end: date | None) -> exp.Query:
        where = [_where(part, self.layer) for part in analysis.filters]
        if start is not None:
            where.append(f"{{{{ TimeDimension('{TIME}', 'day') }}}} >= '{start.isoformat()}'")
        if end is not None:
            where.append(f"{{{{ TimeDimension('{TIME}', 'day') }}}} < '{end.isoformat()}'")
        groups = asked_names(analysis)
        asked = json.dumps([analysis.metrics, groups, where])
        tree = _query(self._rendered.get(asked, ""))
        if tree is None:
            sql = self._rendered[asked] = self._explained(analysis.metrics, groups, where)
            if self._file is not None:
                self._file.add({asked: sql})
            tree = _query(sql)
        assert tree is not None
        return tree

    def _explained(self, metrics: Sequence[str], groups: Sequence[str], where: Sequence[str]) -> str:
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        request = MetricFlowQueryRequest.create(
            metric_names=list(metrics), group_by_names=list(groups), where_constraints=list(where) or None
        )
        try:
            return self._engine.explain(request).sql_statement.sql
        except Exception as error:
            # MetricFlow's errors have no common class; each says first what cannot be had.
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise SmeltError(
                f"the semantic layer cannot answer it: {reason.strip()}", "ask for another metric or dimension"
            ) from error

    @cached_property
    def _rendered(self) -> dict[str, str]:
        """By request, its SQL."""
        return self._file.read() if self._file is not None else {}

    @cached_property
    def _file(self) -> Kept | None:
        if self.folder is None:
            return None
        content = hashlib.sha256(json.dumps(self.layer.document).encode()).hexdigest()
        return Kept(self.folder / "metricflow.json", f"1 metricflow {version('metricflow')} {content}")

    @cached_property
    def _engine(self) -> Any:
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
        from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        text = json.dumps(_without_database(self.layer.document))
        client: Any = _CompilesOnly(SqlEngine.DUCKDB, DuckDbSqlPlanRenderer())
        return MetricFlowEngine(SemanticManifestLookup(parse_manifest_from_dbt_generated_manifest(text)), client)


def _query(sql: str) -> exp.Query | None:
    """The parsed query; None of any other text, such as that of a file that MetricFlow did not write."""
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except SqlglotError:
        return None
    return tree if isinstance(tree, exp.Query) else None


def _without_database(value: Any) -> Any:
    """The manifest with relations as `schema.table`: what is read has another database name than the build."""
    if isinstance(value, Mapping):
        found = {key: _without_database(item) for key, item in value.items()}
        if "relation_name" in found and "schema_name" in found:
            table = exp.table_(found["alias"], db=found["schema_name"], quoted=True)
            found |= {"relation_name": table.sql("duckdb"), "database": None}
        return found
    return [_without_database(item) for item in value] if isinstance(value, list) else value


def _where(part: DimensionFilter, layer: SemanticLayer) -> str:
    """A filter in MetricFlow's language."""
    *path, entity, label = ("", "", *part.dimension.split("__"))
    path = [step for step in path if step]
    kind = layer.all_dimensions[part.dimension].kind
    if kind == "entity":
        entity, path = "", [*path, entity] if entity else path
    name = f"{entity}__{label}" if entity else label
    function = {"entity": "Entity", "time": "TimeDimension", "categorical": "Dimension"}[kind]
    more = ", 'day'" if kind == "time" else ""
    more += f", entity_path={path!r}" if path else ""
    left = f"{{{{ {function}('{name}'{more}) }}}}"
    values = [_literal(value) for value in part.values]
    if part.operator in ("is null", "is not null"):
        return f"{left} {part.operator}"
    if part.operator in ("in", "not in"):
        listed = f"{left} {part.operator} ({', '.join(values)})"
        # What is not known is not one of the values.
        return listed if part.operator == "in" else f"({listed} or {left} is null)"
    if part.operator == "contains":
        pattern = exp.Literal.string(f"%{part.values[0]}%").sql("duckdb")
        return f"{left} ilike {pattern}"
    return f"{left} {part.operator} {values[0]}"


def _literal(value: str | bool | float) -> str:
    # Braces would be read as a template of MetricFlow's.
    if isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value):
        raise SmeltError(f"the value {value!r} cannot be asked of the semantic layer", "filter by another value")
    return exp.convert(value).sql("duckdb")
