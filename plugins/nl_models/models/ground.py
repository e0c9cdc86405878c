"""What a model can be built on: the project's tables under the names that its SQL gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from plugins.core.errors import SmeltError
from plugins.core.project.resources import Manifest, Resource
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models.expressions import columns_of, is_name
from plugins.nl_models.semantic.layer import SemanticLayer

_PREFIX = re.compile(r"^(?:(?:stg|base|int|fct|fact|dim|agg|mart|rpt)_)(?:[a-z0-9]+__)?")

_RAW = re.compile(r"(?:stg|base|int)_")


@dataclass(frozen=True)
class Input:
    """A table that a model reads. name: of its import CTE. jinja: `ref('…')`. relation: as in SQL.

    types: by column.
    required: columns that a test lets hold no null.
    key: the one column that identifies a row; "" without one."""

    node: str
    name: str
    jinja: str
    relation: str
    types: Mapping[str, str]
    required: frozenset[str]
    rows: int
    key: str
    descriptions: Mapping[str, str]

    def type_of(self, expr: str) -> str:
        """The type of a column; "" for anything else."""
        return self.types.get(expr, "")


@dataclass(frozen=True)
class Ground:
    """inputs: by relation, `schema.table`. models: relations by the name of their semantic model."""

    inputs: Mapping[str, Input]
    layer: SemanticLayer | None
    models: Mapping[str, str]

    def of_model(self, model: str) -> Input:
        """The table of a semantic model. Raises SmeltError if it is not there or may not be read."""
        relation = self.models[model]
        if relation not in self.inputs:
            raise SmeltError(
                f"{relation} is not published, or private", "build it first, or ask for other metrics"
            )
        return self.inputs[relation]

    def may_be_null(self, model: str, expr: str) -> bool:
        """Whether an expression over a semantic model gives null for some row."""
        if is_name(expr):
            return expr not in self.of_model(model).required
        return bool(columns_of(expr))


def lay_ground(project: AskedProject) -> Ground:
    """The tables of a project, named."""
    names = _names(project.manifest.resources[node] for node in project.nodes.values())
    inputs = {relation: _input(project, relation, node, names[node]) for relation, node in project.nodes.items()}
    models = {} if project.layer is None else {m.name: m.relation for m in project.layer.models.values()}
    return Ground(inputs, project.layer, models)


def _input(project: AskedProject, relation: str, node: str, name: str) -> Input:
    table = project.catalog.tables[relation]
    return Input(
        node=node,
        name=name,
        jinja=_jinja(project.manifest.resources[node], project.manifest),
        relation=relation,
        types={column.name: column.data_type for column in table.columns.values()},
        required=frozenset(_required(project.manifest, node)),
        rows=table.rows,
        key=table.key[0] if len(table.key) == 1 else "",
        descriptions={column.name: column.description for column in table.columns.values()},
    )


def _jinja(resource: Resource, manifest: Manifest) -> str:
    if resource.kind == "source":
        source, _, table = resource.name.partition(".")
        return f"source('{source}', '{table}')"
    same = [r for r in manifest.resources.values() if r.name == resource.name and r.kind == resource.kind]
    return f"ref('{resource.name}')" if len(same) == 1 else f"ref('{resource.package}', '{resource.name}')"


def _names(resources: Iterable[Resource]) -> dict[str, str]:
    """By node, a name without the prefix of its layer; the whole name where two would be called the same."""
    found = {r.id: r for r in resources}
    short = {node: _PREFIX.sub("", resource.identifier) for node, resource in found.items()}
    named: dict[str, str] = {}
    # A fact is called `orders` before the silver table of that name is, and that before a staging model: the
    # nearer to what people ask, the shorter.
    for node in sorted(found, key=lambda node: (_layer(found[node].identifier), node)):
        resource = found[node]
        schema = resource.relation[1] if resource.relation else resource.package
        candidates = [short[node], resource.identifier, f"{schema}_{resource.identifier}", node.replace(".", "_")]
        named[node] = next(name for name in candidates if name not in named.values())
    return named


def _layer(name: str) -> int:
    """0 for facts, dimensions and aggregates, 2 for what comes before them, 1 for what has no prefix."""
    return 2 if _RAW.match(name) else 0 if _PREFIX.match(name) else 1


def _required(manifest: Manifest, node: str) -> Iterable[str]:
    """Columns that a not_null test or constraint is on."""
    for test in manifest.of_type("test"):
        is_about = test.get("attached_node") == node and not (test.get("config") or {}).get("where")
        if is_about and (test.get("test_metadata") or {}).get("name") == "not_null" and test.get("column_name"):
            yield test["column_name"]
    for column in (manifest.document["nodes"].get(node) or {}).get("columns", {}).values():
        if any(
            constraint.get("type") in ("not_null", "primary_key") for constraint in column.get("constraints") or ()
        ):
            yield column["name"]
