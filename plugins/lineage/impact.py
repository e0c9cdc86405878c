"""What a column reaches: models, tests, unit tests, contracts, metrics and exposures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import sqlglot
from ruamel.yaml import YAML, YAMLError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugins.core.lineage import Place, Reach
from plugins.core.lineage.model import read_model
from plugins.lineage.load import Loaded

How = Literal["direct", "indirect", "possible"]
_ORDER: tuple[How, ...] = ("direct", "indirect", "possible")


@dataclass(frozen=True)
class Touched:
    """One thing that is reached, and how; `columns` of a model are those that are touched directly."""

    id: str
    name: str
    how: How
    path: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Impact:
    """Everything that is reached. `downstream_models` counts all models below, used column or not."""

    models: tuple[Touched, ...]
    tests: tuple[Touched, ...]
    unit_tests: tuple[Touched, ...]
    contracts: tuple[Touched, ...]
    metrics: tuple[Touched, ...]
    exposures: tuple[Touched, ...]
    downstream_models: int


def find_impact(loaded: Loaded, start: Iterable[Place], rows: Iterable[str] = ()) -> Impact:
    """What columns (and the rows of nodes) reach; what can't be read is reached as `possible`."""
    begun, changed = set(start), set(rows)
    reach = loaded.graph.downstream(begun, changed)
    return _Search(loaded, begun, changed, reach).impact()


@dataclass(frozen=True)
class _Search:
    loaded: Loaded
    begun: set[Place]
    changed: set[str]
    reach: Reach

    @cached_property
    def touched(self) -> dict[Place, How]:
        """Columns and how they are reached; the start is reached directly."""
        found: dict[Place, How] = dict.fromkeys(self.reach.indirect, "indirect")
        for place in self.reach.direct | self.begun:
            found[place] = "direct"
        return found

    @cached_property
    def nodes(self) -> dict[str, How]:
        """Nodes and how they are reached: by the most direct of their columns."""
        found: dict[str, How] = dict.fromkeys(self.reach.possible, "possible")
        for (node, _), how in self.touched.items():
            found[node] = _strongest([how, found.get(node, how)]) or how
        for node in self.changed:
            found[node] = "direct"
        return found

    def impact(self) -> Impact:
        resources = self.loaded.manifest.resources
        starts = {node for node, _ in self.begun} | self.changed
        below = self.loaded.graph.descendants(starts) & resources.keys()
        tables = _sorted(self._table(node, how) for node, how in self.nodes.items() if node in below)
        return Impact(
            models=tables,
            tests=_sorted(self._tests()),
            unit_tests=_sorted(self._unit_tests()),
            contracts=_sorted(self._contracts()),
            metrics=_sorted(self._metrics()),
            exposures=_sorted(self._exposures()),
            downstream_models=sum(resources[node].kind in ("model", "snapshot") for node in below),
        )

    def _table(self, node: str, how: How) -> Touched:
        resource = self.loaded.manifest.resources[node]
        columns = tuple(sorted(c for (n, c), h in self.touched.items() if n == node and h == "direct"))
        return Touched(node, resource.name, how, resource.path, columns)

    def _best(self, places: Iterable[Place]) -> How | None:
        return _strongest(self.touched[place] for place in places if place in self.touched)

    def _tests(self) -> Iterator[Touched]:
        """A data test is read like a model: it is touched if its SQL uses a touched column."""
        manifest = self.loaded.manifest
        for node in manifest.of_type("test"):
            parents = set(node.get("depends_on", {}).get("nodes", ()))
            if parents.isdisjoint(self.nodes):
                continue
            how = self._how_test(node, parents)
            if how is not None:
                yield Touched(node["unique_id"], node["name"], how, node.get("original_file_path", ""))

    def _how_test(self, node: Mapping[str, Any], parents: set[str]) -> How | None:
        column, attached = node.get("column_name"), node.get("attached_node")
        if column and attached and (how := self._best([(attached, column.lower())])):
            return how
        sql = node.get("compiled_code")
        if sql:
            lineage = read_model(sql, self.loaded.manifest.dialect, self.loaded.lineage.schemas)
            if lineage.unparsed is None:
                uses = [use for _, uses in lineage.columns for use in uses] + list(lineage.rows)
                found = self._best((n, c) for n, c, _ in uses)
                if found is None and not parents.isdisjoint(self.changed):
                    return "indirect"
                return found
        return "possible"

    def _unit_tests(self) -> Iterator[Touched]:
        for node in self.loaded.manifest.of_type("unit_test"):
            tested = node.get("depends_on", {}).get("nodes", [])
            how = _strongest(self.nodes[n] for n in tested if n in self.nodes)
            if how is not None:
                yield Touched(node["unique_id"], node["name"], how, node.get("original_file_path", ""))
                continue
            if self._names_a_touched_column(node):
                yield Touched(node["unique_id"], node["name"], "direct", node.get("original_file_path", ""))

    def _names_a_touched_column(self, node: Mapping[str, Any]) -> bool:
        """A fixture that gives a touched column breaks with it, even if the tested model does not use it."""
        touched = {column for _, column in self.begun}
        inputs = " ".join(given.get("input") or "" for given in node.get("given", ()))
        names = {self.loaded.manifest.resources[n].name.split(".")[-1] for n, _ in self.begun if n in self.nodes}
        if not any(name in inputs for name in names):
            return False
        rows = [row for given in node.get("given", ()) for row in _rows(given)]
        return any(touched & {key.lower() for key in row} for row in rows)

    def _contracts(self) -> Iterator[Touched]:
        """dbt contracts of touched models, and Soda contract files that name a touched dataset and column."""
        for resource in self.loaded.manifest.resources.values():
            columns = tuple(c.lower() for c in resource.columns)
            if resource.is_contracted and (how := self._best((resource.id, c) for c in columns)):
                yield Touched(resource.id, f"{resource.name} (dbt contract)", how, resource.path)
        by_name = {r.relation[1:]: r for r in self.loaded.manifest.resources.values() if r.relation}
        for path, dataset, columns in _soda_contracts(self.loaded.folder):
            resource = by_name.get(dataset)
            if resource is not None and (how := self._best((resource.id, c) for c in columns)):
                yield Touched(path, f"{resource.name} (Soda contract)", how, path)

    def _metrics(self) -> Iterator[Touched]:
        semantic: dict[str, How] = {}
        measures: dict[str, How] = {}
        for model in self.loaded.manifest.of_type("semantic_model"):
            for node in model.get("depends_on", {}).get("nodes", ()):
                self._read_measures(model, node, measures)
                if node in self.nodes:
                    semantic[model["unique_id"]] = self.nodes[node]
        known: dict[str, How] = {}
        metrics = list(self.loaded.manifest.of_type("metric"))
        # Metrics of metrics: as many passes as there are levels.
        for _ in metrics:
            before = len(known)
            for metric in metrics:
                how = _how_metric(metric, measures, known)
                if how is not None:
                    known.setdefault(metric["unique_id"], how)
            if len(known) == before:
                break
        for metric in metrics:
            if metric["unique_id"] in known:
                path = metric.get("original_file_path", "")
                yield Touched(metric["unique_id"], metric["name"], known[metric["unique_id"]], path)

    def _read_measures(self, model: Mapping[str, Any], node: str, measures: dict[str, How]) -> None:
        dimensions = {d["name"]: d.get("expr") or d["name"] for d in model.get("dimensions", ())}
        for measure in model.get("measures", ()):
            expressions = [measure.get("expr") or measure["name"]]
            time = measure.get("agg_time_dimension") or (model.get("defaults") or {}).get("agg_time_dimension")
            if time:
                expressions.append(dimensions.get(time, time))
            places = [(node, column) for text in expressions for column in _columns_in(str(text))]
            how = self._best(places)
            if how is None and self.nodes.get(node) == "possible":
                how = "possible"
            if how is None and node in self.changed:
                how = "indirect"
            if how is not None:
                measures[measure["name"]] = how

    def _exposures(self) -> Iterator[Touched]:
        for exposure in self.loaded.manifest.of_type("exposure"):
            parents = exposure.get("depends_on", {}).get("nodes", ())
            how = _strongest(self.nodes[p] for p in parents if p in self.nodes)
            if how is not None:
                path = exposure.get("original_file_path", "")
                yield Touched(exposure["unique_id"], exposure["name"], how, path)


def _strongest(found: Iterable[How]) -> How | None:
    """The most direct of several ways; None for none."""
    return min(found, key=_ORDER.index, default=None)


def _sorted(found: Iterable[Touched]) -> tuple[Touched, ...]:
    return tuple(sorted(found, key=lambda touched: (_ORDER.index(touched.how), touched.name)))


def _how_metric(metric: Mapping[str, Any], measures: Mapping[str, How], metrics: Mapping[str, How]) -> How | None:
    parameters = metric.get("type_params") or {}
    names = [m.get("name") for m in parameters.get("input_measures") or ()]
    parents = metric.get("depends_on", {}).get("nodes", ())
    return _strongest(
        [
            *(measures[name] for name in names if name in measures),
            *(metrics[node] for node in parents if node in metrics),
        ]
    )


def _columns_in(expression: str) -> list[str]:
    try:
        tree = sqlglot.parse_one(expression)
    except SqlglotError:
        return [expression.lower()]
    return [column.name.lower() for column in tree.find_all(exp.Column)]


def _rows(given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = given.get("rows")
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _soda_contracts(folder: Path) -> Iterator[tuple[str, tuple[str, str], list[str]]]:
    """Path, (schema, table) and columns of each Soda contract below `contracts/`."""
    yaml = YAML(typ="safe")
    for path in sorted((folder / "contracts").rglob("*.y*ml")):
        try:
            contract = yaml.load(path.read_text())
        except (OSError, UnicodeDecodeError, YAMLError):
            continue
        dataset = str(contract.get("dataset") or "") if isinstance(contract, dict) else ""
        parts = dataset.lower().split("/")
        if len(parts) >= 3:
            columns = [str(c["name"]).lower() for c in contract.get("columns") or () if "name" in c]
            yield str(path.relative_to(folder)), (parts[-2], parts[-1]), columns
