"""Which tables of the warehouse are looked at: those that the project declares as sources."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plugins.core.errors import SmeltError
from plugins.core.project import Manifest

_COMBINATIONS = ("unique_combination_of_columns", "expect_compound_columns_to_be_unique")


@dataclass(frozen=True)
class Watched:
    """A table that the project reads and does not build.

    id: unique id of the source or seed, or `schema.table`. declared: its columns in YAML, name → type or None.
    key: what YAML says is unique, or empty. external: the file or function that dbt-duckdb reads in its place.
    """

    id: str
    name: str
    database: str
    schema: str
    identifier: str
    declared: Mapping[str, str | None] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    external: str | None = None
    is_seed: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """Schema and table."""
        return self.schema, self.identifier


def watched_tables(manifest: Manifest) -> tuple[Watched, ...]:
    """The tables of the project's sources; of a project without any, those of its seeds. By name."""
    document = manifest.document
    keys = _declared_keys(document)
    sources = [_source(node, keys) for node in document.get("sources", {}).values()]
    if not sources:
        sources = [_seed(n, keys) for n in document["nodes"].values() if n.get("resource_type") == "seed"]
    return tuple(sorted(sources, key=lambda one: (one.name, one.id)))


def built_places(manifest: Manifest) -> frozenset[tuple[str, str]]:
    """Schema and name, lower case, of what the project itself builds."""
    built = [r for r in manifest.resources.values() if r.kind != "source" and r.relation is not None]
    return frozenset((r.relation[1], r.relation[2]) for r in built if r.relation is not None)


def selected(tables: Sequence[Watched], select: Iterable[str]) -> tuple[Watched, ...]:
    """Those that are meant by names of sources, `source.table`, tables or ids; all if none is given.

    Raises SmeltError for a name that no table has, with names like it.
    """
    wanted = [name.strip() for name in select]
    if not wanted:
        return tuple(tables)
    by_name: dict[str, list[Watched]] = {}
    for table in tables:
        for name in _names(table):
            by_name.setdefault(name.lower(), []).append(table)
    chosen: dict[str, Watched] = {}
    for name in wanted:
        if name.lower() not in by_name:
            near = difflib.get_close_matches(name.lower(), by_name, n=3)
            raise SmeltError(
                f"the project has no source or source table called {name!r}",
                f"did you mean {' or '.join(near)}?" if near else "`dbt ls --resource-type source` lists them",
            )
        chosen |= {table.id: table for table in by_name[name.lower()]}
    return tuple(table for table in tables if table.id in chosen)


def _names(table: Watched) -> set[str]:
    return {
        table.id,
        table.name,
        table.name.partition(".")[0],
        f"source:{table.name}",
        f"{table.schema}.{table.identifier}",
    }


def _source(node: Mapping[str, Any], keys: Mapping[str, tuple[str, ...]]) -> Watched:
    return Watched(
        id=node["unique_id"],
        name=f"{node['source_name']}.{node['name']}",
        database=node.get("database") or "",
        schema=node.get("schema") or "",
        identifier=node.get("identifier") or node["name"],
        declared=_declared(node),
        key=keys.get(node["unique_id"], ()) or _constrained(node),
        external=_external(node),
    )


def _seed(node: Mapping[str, Any], keys: Mapping[str, tuple[str, ...]]) -> Watched:
    return Watched(
        id=node["unique_id"],
        name=node["name"],
        database=node.get("database") or "",
        schema=node.get("schema") or "",
        identifier=node.get("alias") or node["name"],
        declared=_declared(node),
        key=keys.get(node["unique_id"], ()),
        is_seed=True,
    )


def _declared(node: Mapping[str, Any]) -> dict[str, str | None]:
    return {column["name"]: column.get("data_type") for column in node.get("columns", {}).values()}


def _constrained(node: Mapping[str, Any]) -> tuple[str, ...]:
    for wanted in ("primary_key", "unique"):
        found = tuple(
            column["name"]
            for column in node.get("columns", {}).values()
            if any(rule.get("type") == wanted for rule in column.get("constraints") or ())
        )
        if found:
            return found if wanted == "primary_key" else found[:1]
    return ()


def _external(node: Mapping[str, Any]) -> str | None:
    """What dbt-duckdb puts in the place of the table, from the `meta` of the table or of its source."""
    for meta in (node.get("meta"), (node.get("config") or {}).get("meta"), node.get("source_meta")):
        if isinstance(meta, dict) and isinstance(meta.get("external_location"), str):
            return meta["external_location"]
    return None


def _declared_keys(document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """What tests say is unique, by the id of the table; one column goes before several."""
    keys: dict[str, tuple[str, ...]] = {}
    for node in document["nodes"].values():
        if node.get("resource_type") != "test":
            continue
        tested = node.get("test_metadata") or {}
        arguments = tested.get("kwargs") or {}
        parents = [p for p in node.get("depends_on", {}).get("nodes", ()) if p.startswith(("source.", "seed."))]
        if len(parents) != 1 or (node.get("config") or {}).get("where"):
            continue
        if tested.get("name") == "unique" and (node.get("column_name") or arguments.get("column_name")):
            name = str(node.get("column_name") or arguments["column_name"])
            before = keys.get(parents[0], ())
            if len(before) != 1 or _likeness(name) > _likeness(before[0]):
                keys[parents[0]] = (name.strip('"'),)
        elif tested.get("name") in _COMBINATIONS:
            names = arguments.get("combination_of_columns") or arguments.get("column_list")
            if isinstance(names, list) and names:
                keys.setdefault(parents[0], tuple(str(name).strip('"') for name in names))
    return keys


def _likeness(name: str) -> int:
    """Of several unique columns, ids are keys rather than, say, e-mail addresses."""
    return 2 if name.lower() == "id" else int(name.lower().endswith("id"))
