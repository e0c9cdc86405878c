"""Where an answer comes from: which columns of which models make each of its columns, up to the sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import duckdb
from sqlglot import exp

from plugins.core.lineage import ColumnGraph, Kind, LineageCache, ProjectLineage, known_columns
from plugins.core.lineage.model import ModelLineage, Schemas, Use, parse, read_model
from plugins.core.project import Manifest
from plugins.core.project.compiled import OWN_TARGET

if TYPE_CHECKING:
    from plugins.nl_models.catalog.project import AskedProject
    from plugins.nl_models.semantic.layer import Metric

ALL_COLUMNS = "*"
"""In place of a column: rows were counted, or the SQL's columns can't be told."""

# What an answer's column adds to a metric's name.
_SUFFIX = re.compile(
    r"_(share|running_total|average|change|previous_(day|week|month|quarter|year)|\d+_[a-z]+s_earlier)$"
)


@dataclass(frozen=True)
class Source:
    """One column of a model that an answer is made from.

    answer: the column of the answer; None: it decides about all rows. how: identity, transformation, aggregation;
    for rows join, filter, group_by or sort; `read`, where the SQL's columns can't be told. origins:
    `source.table.column` of the dbt sources that it is made from in turn. metric: the YAML file of the metric that
    the answer's column is. published_at: when the model's table was published; None if it wasn't.
    """

    answer: str | None
    model: str
    column: str
    how: str
    description: str = ""
    model_description: str = ""
    model_path: str = ""
    origins: tuple[str, ...] = ()
    metric: str | None = None
    published_at: datetime | None = None


def sources(sql: str, project: AskedProject) -> tuple[Source, ...]:
    """What DuckDB's SQL over the project's tables makes its columns from, in their order, and then its rows.

    Raises SmeltError for SQL that can't be parsed.
    """
    names = {**project.manifest.names, **_names(project.nodes)}
    read = _tables_of(sql, names)
    folder = project.folder
    with closing(LineageCache(folder / OWN_TARGET / "lineage.db")) as cache:
        manifest = _above(project.manifest, read)
        known = known_columns(manifest, folder, folder / "target" / "catalog.json")
        lineage = ProjectLineage(manifest, known, cache)
        graph = lineage.read()
    answer = read_model(sql, "duckdb", Schemas(names, lineage.schemas.relations))
    return tuple(_Trace(project, graph, read).sources(_as_answered(answer, sql, project.con)))


def _as_answered(answer: ModelLineage, sql: str, con: duckdb.DuckDBPyConnection) -> ModelLineage:
    """The lineage with columns called as DuckDB calls them: `count_star()`."""
    try:
        names = [name for name, *_ in con.execute(f"describe {sql}").fetchall()]
    except duckdb.Error:
        return answer
    if len(names) != len(answer.columns):
        return answer
    renamed = tuple((name, uses) for name, (_, uses) in zip(names, answer.columns, strict=True))
    return replace(answer, columns=renamed)


def _names(nodes: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """The tables that may be asked, as SQL names them."""
    return {tuple(name.lower().split(".")): node for name, node in nodes.items()}


def _tables_of(sql: str, names: Mapping[tuple[str, ...], str]) -> list[str]:
    """Nodes that the SQL reads; what else its FROM clauses name are its own CTEs."""
    tables = (
        tuple(part.name.lower() for part in table.parts) for table in parse(sql, "duckdb").find_all(exp.Table)
    )
    found = (names.get(parts) or names.get(parts[-2:]) for parts in tables)
    return list(dict.fromkeys(node for node in found if node is not None))


def _above(manifest: Manifest, nodes: list[str]) -> Manifest:
    """The manifest with these nodes and all that they are made from: the rest of the project needs no reading."""
    kept = dict.fromkeys(nodes)
    queue = list(kept)
    for node in queue:
        resource = manifest.resources.get(node)
        fresh = [parent for parent in resource.parents if parent not in kept] if resource is not None else []
        kept.update(dict.fromkeys(fresh))
        queue += fresh
    document = manifest.document
    sections = {
        section: {node: entry for node, entry in document.get(section, {}).items() if node in kept}
        for section in ("nodes", "sources")
    }
    return Manifest({**document, **sections})


@dataclass
class _Trace:
    """Follows the columns of one answer. read: the nodes that its SQL reads."""

    project: AskedProject
    graph: ColumnGraph
    read: list[str]

    def sources(self, answer: ModelLineage) -> Iterator[Source]:
        if answer.unparsed is not None:
            yield from (self._source(None, (node, ALL_COLUMNS), "read") for node in self.read)
            return
        for name, uses in answer.columns:
            metric = self._metric(name, uses)
            path = self._path(metric) if metric is not None else None
            for node, column, kind in uses:
                yield self._source(name, (node, column), kind.word, path)
            for node in self._counted(uses, metric):
                yield self._source(name, (node, ALL_COLUMNS), Kind.AGGREGATION.word, path)
        for node, column, kind in answer.rows:
            yield self._source(None, (node, column), kind.word)

    def _counted(self, uses: tuple[Use, ...], metric: Metric | None) -> list[str]:
        """Nodes whose rows make the column: it has no input from them, and would not be the same without them."""
        if metric is None:
            return [] if uses else self.read
        used = {node for node, *_ in uses}
        return [node for node in self._nodes_of(metric) if node not in used]

    def _source(self, answer: str | None, place: tuple[str, str], how: str, metric: str | None = None) -> Source:
        node, column = place
        resource = self.project.manifest.resources.get(node)
        known = self.graph.nodes.get(node)
        if resource is None:
            return Source(answer, node.removeprefix("external."), column, how, metric=metric)
        return Source(
            answer=answer,
            model=resource.name,
            column=known.columns.get(column, column) if known is not None else column,
            how=how,
            description=self._description(node, column),
            model_description=resource.description.strip(),
            model_path=resource.path,
            origins=self._origins(place) if answer is not None else (),
            metric=metric,
            published_at=self._published_at if node in self.project.nodes.values() else None,
        )

    def _description(self, node: str, column: str) -> str:
        document = self.project.manifest.document
        declared = (document["nodes"].get(node) or document.get("sources", {}).get(node) or {}).get(
            "columns"
        ) or {}
        found = (entry for name, entry in declared.items() if name.lower() == column)
        return (next(found, {}).get("description") or "").strip()

    def _origins(self, place: tuple[str, str]) -> tuple[str, ...]:
        resources = self.project.manifest.resources
        above = self.graph.upstream([place]).direct
        roots = [
            (node, column) for node, column in above if node in resources and resources[node].kind == "source"
        ]
        return tuple(
            sorted(f"{resources[node].name}.{self.graph.nodes[node].columns[column]}" for node, column in roots)
        )

    def _metric(self, name: str, uses: tuple[Use, ...]) -> Metric | None:
        """The metric that a column is: one of its name, whose measures are of the tables that are read."""
        layer = self.project.layer
        # A column that is passed on as it is only has the name; what counts rows has no input, or an order's.
        if layer is None or (uses and all(kind == Kind.IDENTITY for *_, kind in uses)):
            return None
        metric = layer.metrics.get(name) or layer.metrics.get(_SUFFIX.sub("", name))
        return metric if metric is not None and set(self._nodes_of(metric)) <= set(self.read) else None

    def _nodes_of(self, metric: Metric) -> list[str]:
        layer = self.project.layer
        assert layer is not None
        relations = (layer.models[layer.measures[measure].model].relation for measure in metric.measures)
        names = _names(self.project.nodes)
        return list(
            dict.fromkeys(names.get(tuple(relation.lower().split(".")), relation) for relation in relations)
        )

    def _path(self, metric: Metric) -> str | None:
        found = (entry for entry in self.project.manifest.of_type("metric") if entry["name"] == metric.name)
        return next(found, {}).get("original_file_path")

    @cached_property
    def _published_at(self) -> datetime | None:
        try:
            rows = self.project.con.execute("select published_at from smelt.run").fetchall()
        except duckdb.CatalogException:
            # A warehouse file: nothing in it was published.
            return None
        return rows[0][0] if rows else None
