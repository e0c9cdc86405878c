"""A dbt project as questions see it: what may be asked, described by its YAML and profiled in its warehouse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from plugins.core.errors import SmeltError
from plugins.core.project.resources import Manifest, Resource
from plugins.core.settings import Settings
from plugins.nl_models.catalog.index import CatalogIndex
from plugins.nl_models.catalog.schema import Catalog, Join, Table, told_unread
from plugins.nl_models.catalog.unmodelled import unmodelled
from plugins.nl_models.semantic.inferring import infer_layer
from plugins.nl_models.semantic.layer import SemanticLayer

_GOLD_FOLDERS = frozenset({"gold", "marts", "mart", "reporting", "core", "presentation"})
_GOLD_NAMES = ("dim_", "fct_", "fact_", "agg_", "mart_", "rpt_")
_RAW_NAMES = ("stg_", "base_", "int_", "raw_", "quarantine_")


@dataclass(frozen=True)
class AskedProject:
    """One dbt project, open for questions.

    tables: what may be asked, by `schema.table`. nodes: by the same names, unique ids of the manifest.
    layer: None without metrics. con: guarded; reads, and nothing else.
    """

    folder: Path
    manifest: Manifest
    layer: SemanticLayer | None
    catalog: Catalog
    nodes: Mapping[str, str]
    values: Mapping[tuple[str, str], tuple[str, ...]]
    con: duckdb.DuckDBPyConnection

    @cached_property
    def gold(self) -> Catalog:
        """What is made to be asked: dimensions, facts and aggregates; everything, if nothing is marked so."""
        return _gold(self.catalog, self.nodes, self.manifest)

    @cached_property
    def unmodelled(self) -> frozenset[str]:
        """Tables of entities that no gold table is made of, and no metric; none, if nothing is modelled at all."""
        modelled = {name for name, node in self.nodes.items() if is_gold(self.manifest.resources[node])}
        modelled |= {model.relation for model in self.layer.models.values()} if self.layer is not None else set()
        return frozenset(unmodelled(self.nodes, self.manifest, modelled)) if modelled else frozenset()

    @cached_property
    def entities(self) -> AskedProject | None:
        """The same project as those tables alone have it, with metrics that are inferred from them."""
        catalog = without_audit(restricted(self.catalog, set(self.unmodelled)))
        own = self.layer
        configuration = own.document.get("project_configuration") or {} if own is not None else {}
        taken = frozenset(own.metrics) if own is not None else frozenset()
        found = infer_layer(catalog, self.con, configuration, taken) if catalog.tables else None
        if found is None:
            return None
        nodes = {name: node for name, node in self.nodes.items() if name in catalog.tables}
        return replace(self, layer=found.layer, catalog=catalog, nodes=nodes, values=found.values)

    def of(self, metrics: Iterable[str]) -> AskedProject:
        """The project as those see it who ask for these metrics: itself, or its entities that are not modelled."""
        own = self.layer.metrics if self.layer is not None else {}
        return self if set(metrics) <= set(own) or self.entities is None else self.entities


def _gold(catalog: Catalog, nodes: Mapping[str, str], manifest: Manifest) -> Catalog:
    gold = {name for name, node in nodes.items() if is_gold(manifest.resources[node])}
    return restricted(catalog, gold) if gold else catalog


def is_gold(resource: Resource) -> bool:
    """Whether a model is one that people ask, by its folder or its name."""
    if resource.kind != "model" or resource.name.startswith(_RAW_NAMES):
        return False
    return resource.name.startswith(_GOLD_NAMES) or bool(_GOLD_FOLDERS & set(Path(resource.path).parts[:-1]))


def restricted(catalog: Catalog, names: set[str]) -> Catalog:
    """The catalog with these tables only.

    What refers to a table that is not one of them refers to the one that was made from it: orders to customers,
    where a test says that they refer to staged customers.
    """
    tables = {name: table for name, table in catalog.tables.items() if name in names}
    made = {(join.child, join.column): join for join in catalog.joins if join.parent in tables}
    joins: dict[tuple[str, str, str], Join] = {}
    for join in catalog.joins:
        further = made.get((join.parent, join.parent_column))
        if join.parent not in tables and further is not None and further.parent != join.child:
            join = replace(join, parent=further.parent, parent_column=further.parent_column)
        if join.child in tables and join.parent in tables:
            joins.setdefault((join.child, join.column, join.parent), join)
    return Catalog(tables, tuple(joins.values()))


def without_audit(catalog: Catalog) -> Catalog:
    """The catalog without columns that only say how rows were loaded: those that begin with an underscore."""
    tables = {
        name: replace(table, columns={n: c for n, c in table.columns.items() if not n.startswith("_")})
        for name, table in catalog.tables.items()
    }
    kept = {name: table for name, table in tables.items() if table.columns}
    joins = (j for j in catalog.joins if j.column in tables[j.child].columns)
    return replace(catalog, tables=kept, joins=tuple(j for j in joins if {j.child, j.parent} <= set(kept)))


def open_project(settings: Settings, target: str | None = None, profiles_dir: Path | None = None) -> AskedProject:
    """Open what a project has published, or the DuckDB file of its target.

    Raises SmeltError if there is neither, or if the project was never compiled and can't be.
    """
    from plugins.nl_models.catalog.warehouse import locate

    place = locate(settings, target, profiles_dir)
    manifest = Manifest.read(place.manifest)
    layer = SemanticLayer.read(place.semantic_manifest) if place.semantic_manifest.is_file() else None
    if layer is not None and not layer.metrics:
        layer = None
    index = CatalogIndex(settings.make_local_root() / "ask" / "index.json")
    nodes = dict(_asked(manifest, place.relations()))
    described = {name: manifest.resources[node] for name, node in nodes.items()}
    found = index.refresh(place.con, place.fingerprints(nodes), _declared(manifest, nodes), layer)
    keys = _unique_keys(manifest)
    tables = {
        name: _described(table, described[name], manifest, keys.get(described[name].id, ()))
        for name, table in found.tables.items()
    }
    if not tables and found.unread:
        raise SmeltError(f"no model can be asked: {told_unread(found.unread)}", "run `dbt build`, then ask again")
    if not tables:
        raise SmeltError(
            "no model of the project is in its warehouse, or all are private", "run `dbt build` first"
        )
    nodes = {name: node for name, node in nodes.items() if name in tables}
    catalog, values = Catalog(tables, found.joins, found.unread), found.values
    if layer is None:
        inferred = infer_layer(_gold(catalog, nodes, manifest), place.con, _configuration(place.semantic_manifest))
        layer, values = (inferred.layer, inferred.values) if inferred is not None else (None, {})
    return AskedProject(settings.project_dir, manifest, layer, catalog, nodes, values, place.con)


def _configuration(semantic_manifest: Path) -> Mapping[str, Any]:
    """How time is kept in the project, which dbt also writes where there are no metrics."""
    none: Mapping[str, Any] = {"time_spine_table_configurations": [], "time_spines": []}
    if not semantic_manifest.is_file():
        return none
    return SemanticLayer.read(semantic_manifest).document.get("project_configuration") or none


def _asked(manifest: Manifest, relations: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(relation, unique id) of models, seeds and snapshots that are there and are not private."""
    there = {name.lower(): name for name in relations}
    for resource in manifest.resources.values():
        if resource.kind == "source" or resource.relation is None:
            continue
        node = manifest.document["nodes"][resource.id]
        access = (node.get("config") or {}).get("access") or node.get("access") or "protected"
        name = there.get(".".join(resource.relation[1:]))
        if name is not None and access != "private":
            yield name, resource.id


def _described(table: Table, resource: Resource, manifest: Manifest, unique: Sequence[str]) -> Table:
    node = manifest.document["nodes"][resource.id]
    columns = {}
    for name, column in table.columns.items():
        declared = next((c for n, c in node.get("columns", {}).items() if n.lower() == name.lower()), {})
        columns[name] = replace(
            column,
            description=declared.get("description") or column.description,
            synonyms=_synonyms(declared) or column.synonyms,
        )
    keys = [key for key in (*unique, *_primary_keys(node)) if key in columns]
    return replace(
        table,
        columns=columns,
        description=resource.description.strip() or table.description,
        synonyms=_synonyms(node),
        key=(keys[0],) if keys else table.key,
    )


def _synonyms(node: Mapping[str, Any]) -> tuple[str, ...]:
    meta = (node.get("config") or {}).get("meta") or node.get("meta") or {}
    found = meta.get("synonyms") if isinstance(meta, Mapping) else None
    return tuple(map(str, found)) if isinstance(found, (list, tuple)) else ()


def _unique_keys(manifest: Manifest) -> dict[str, list[str]]:
    """By unique id of a node, columns that a test says are unique."""
    found: dict[str, list[str]] = defaultdict(list)
    for test in manifest.of_type("test"):
        node, column = test.get("attached_node"), test.get("column_name")
        if node and column and (test.get("test_metadata") or {}).get("name") == "unique":
            found[node].append(column)
    return found


def _primary_keys(node: Mapping[str, Any]) -> Iterator[str]:
    """The column of a node's own primary key, if it is one column."""
    for constraint in node.get("constraints") or ():
        if constraint.get("type") == "primary_key" and len(constraint.get("columns") or ()) == 1:
            yield constraint["columns"][0]


def _declared(manifest: Manifest, nodes: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """(child, column, parent, column) of relationships tests."""
    names = {node: name for name, node in nodes.items()}
    found = []
    for test in manifest.of_type("test"):
        metadata = test.get("test_metadata") or {}
        if metadata.get("name") != "relationships":
            continue
        arguments = metadata.get("kwargs") or {}
        child = names.get(test.get("attached_node") or "")
        others = [n for n in (test.get("depends_on") or {}).get("nodes", ()) if n != test.get("attached_node")]
        parent = names.get(others[0]) if others else None
        column, field = test.get("column_name"), arguments.get("field")
        if child and parent and column and field:
            found.append((child, column, parent, field))
    return found
