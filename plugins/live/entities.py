"""Which published entities can be kept current between builds, and how each is made from one bronze table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import jinja2
from jinja2 import nodes

from plugins.core.errors import SmeltError
from plugins.core.project.resources import Manifest, Resource

# The macro whose result for a key depends on the versions of that key alone: so new versions can be judged by
# themselves, and take the place of what was published of their keys.
_MACRO = "latest_valid"


@dataclass(frozen=True)
class LiveEntity:
    """A published entity that is `latest_valid` of versions which come from one bronze table.

    relation, versions, bronze: (database, schema, identifier) of the entity, of the relation that holds all
    versions with their broken rules, and of the bronze table. key: of the entity. steps: the views between bronze
    and `versions` with their SQL, in the order in which they read each other, `versions` last. sql: of the entity.
    beside: published tables that some step reads too.
    """

    relation: tuple[str, str, str]
    versions: tuple[str, str, str]
    bronze: tuple[str, str, str]
    key: tuple[str, ...]
    steps: tuple[tuple[tuple[str, str, str], str], ...]
    sql: str
    beside: tuple[tuple[str, str, str], ...]

    @property
    def dataset(self) -> str:
        """`schema.table`."""
        return ".".join(self.relation[1:])

    @property
    def table(self) -> str:
        """Name of the bronze table."""
        return self.bronze[2]


def live_entities(manifest: Manifest, published: Collection[str]) -> list[LiveEntity]:
    """The entities among `published` (`schema.table`) that can be kept current.

    Others (aggregates, joins, what several bronze tables feed) are as of the last build.
    """
    found = []
    for resource in manifest.resources.values():
        if resource.kind == "model" and resource.relation and ".".join(resource.relation[1:]) in published:
            entity = _entity(manifest, resource, published)
            if entity is not None:
                found.append(entity)
    return found


def _entity(manifest: Manifest, resource: Resource, published: Collection[str]) -> LiveEntity | None:
    called = _call(resource.raw_sql)
    if called is None or resource.relation is None or resource.sql is None or len(resource.parents) != 1:
        return None
    name, key = called
    versions = manifest.resources.get(resource.parents[0])
    if versions is None or versions.name != name or versions.relation is None:
        return None
    way = _way(manifest, versions, published)
    if way is None or len(way.bronze) != 1:
        return None
    (bronze,) = way.bronze
    return LiveEntity(
        resource.relation,
        versions.relation,
        bronze,
        key,
        tuple(way.steps.items()),
        resource.sql,
        tuple(way.beside),
    )


@dataclass
class _Way:
    """What lies between bronze and a relation."""

    steps: dict[tuple[str, str, str], str]
    bronze: set[tuple[str, str, str]]
    beside: set[tuple[str, str, str]]


def _way(manifest: Manifest, end: Resource, published: Collection[str]) -> _Way | None:
    """None if the way can't be gone again: a table on it, SQL that wasn't compiled, a join of bronze tables."""
    way = _Way({}, set(), set())
    is_whole = _walk(manifest, end, published, way)
    return way if is_whole else None


def _walk(manifest: Manifest, resource: Resource, published: Collection[str], way: _Way) -> bool:
    if resource.relation is None:
        return False
    if resource.relation in way.steps:
        return True
    if resource.kind == "source":
        way.bronze.add(resource.relation)
        return resource.relation[1] == "bronze"
    if resource.materialized != "view":
        way.beside.add(resource.relation)
        return ".".join(resource.relation[1:]) in published
    parents = [manifest.resources.get(parent) for parent in resource.parents]
    if resource.sql is None or not all(
        parent is not None and _walk(manifest, parent, published, way) for parent in parents
    ):
        return False
    way.steps[resource.relation] = resource.sql
    return True


def _call(raw_sql: str) -> tuple[str, tuple[str, ...]] | None:
    """Model and key of the only call of the macro: `latest_valid(ref('int_orders__checked'), ['order_id'])`."""
    if _MACRO not in raw_sql:
        return None
    try:
        tree = jinja2.Environment(autoescape=False).parse(raw_sql)  # noqa: S701 - parsed, never rendered
    except jinja2.TemplateSyntaxError as error:
        raise SmeltError(f"a published model has no valid Jinja: {error}", "build again") from error
    calls = [call for call in tree.find_all(nodes.Call) if getattr(call.node, "name", "") == _MACRO]
    if len(calls) != 1 or len(calls[0].args) != 2:
        return None
    relation, key = calls[0].args
    if not isinstance(relation, nodes.Call) or not isinstance(key, nodes.List) or len(relation.args) != 1:
        return None
    name = relation.args[0]
    columns = [item.value for item in key.items if isinstance(item, nodes.Const)]
    if not isinstance(name, nodes.Const) or not columns or len(columns) != len(key.items):
        return None
    return str(name.value), tuple(str(column) for column in columns)
