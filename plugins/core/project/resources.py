"""The nodes of a dbt project, read from its manifest.json: of any adapter, and of dbt 1.5 and later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from plugins.core.errors import SmeltError

_TABLES = {"model", "seed", "snapshot", "source"}

# dbt adapters whose SQL sqlglot knows under another name.
_DIALECTS = {
    "sqlserver": "tsql",
    "synapse": "tsql",
    "fabric": "tsql",
    "athena": "athena",
    "spark": "spark",
    "postgres": "postgres",
    "duckdb": "duckdb",
}


@dataclass(frozen=True)
class Resource:
    """A table-like node: a source, seed, snapshot or model.

    relation: database, schema and identifier in lower case; None for an ephemeral model.
    sql: compiled SQL, None if it wasn't compiled or is not SQL. columns: declared ones, name → type or None.
    """

    id: str
    name: str
    kind: str
    package: str
    relation: tuple[str, str, str] | None
    identifier: str
    parents: tuple[str, ...]
    path: str
    raw_sql: str = ""
    sql: str | None = None
    language: str = "sql"
    materialized: str = ""
    description: str = ""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    is_contracted: bool = False


@dataclass(frozen=True)
class Manifest:
    """A manifest as dbt wrote it. `document` is the JSON; read-only."""

    document: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Raises SmeltError if the file is missing, is no JSON or no manifest."""
        try:
            document = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise SmeltError(
                f"there is no manifest {path}", "run `dbt compile` in the project, or give --project-dir"
            ) from None
        except (OSError, ValueError) as error:
            raise SmeltError(f"{path} cannot be read as JSON: {error}", "run `dbt compile` again") from error
        if not isinstance(document, dict) or "nodes" not in document or "metadata" not in document:
            raise SmeltError(f"{path} is no dbt manifest", "give the manifest.json that `dbt compile` writes")
        return cls(document)

    @property
    def project_name(self) -> str:
        """The name of the root project."""
        return self.document["metadata"].get("project_name") or "project"

    @property
    def adapter(self) -> str:
        """The adapter type, such as `duckdb`."""
        return self.document["metadata"].get("adapter_type") or "duckdb"

    @property
    def dialect(self) -> str:
        """sqlglot's name of the adapter's SQL."""
        return _DIALECTS.get(self.adapter, self.adapter)

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """Sources, seeds, snapshots and models by unique id."""
        nodes = {**self.document.get("sources", {}), **self.document["nodes"]}
        return {key: _resource(node) for key, node in nodes.items() if node.get("resource_type") in _TABLES}

    @cached_property
    def names(self) -> dict[tuple[str, ...], str]:
        """Node ids by (database, schema, name), (schema, name) and (name), lower case; ambiguous ones left out.

        An ephemeral model goes by the name of the CTE that dbt makes of it.
        """
        found: dict[tuple[str, ...], str] = {}
        doubtful: set[tuple[str, ...]] = set()
        for resource in self.resources.values():
            if resource.relation is None:
                found[(f"__dbt__cte__{resource.identifier}",)] = resource.id
                continue
            found[resource.relation] = resource.id
            for short in (resource.relation[1:], resource.relation[2:]):
                if short in found and found[short] != resource.id:
                    doubtful.add(short)
                found[short] = resource.id
        return {key: value for key, value in found.items() if key not in doubtful}

    def of_type(self, *resource_types: str) -> Iterator[Mapping[str, Any]]:
        """Nodes of other types: `test`, `unit_test`, `exposure`, `metric`, `semantic_model`, `saved_query`."""
        for section in ("nodes", "exposures", "metrics", "semantic_models", "unit_tests", "saved_queries"):
            for node in self.document.get(section, {}).values():
                if node.get("resource_type") in resource_types:
                    yield node

    def find(self, name: str) -> Resource:
        """The resource that a person means by a name: `orders`, `source.table`, `schema.table` or a unique id.

        Raises SmeltError that lists names like it.
        """
        import difflib

        wanted = name.lower()
        matches = [r for r in self.resources.values() if wanted in _names_of(r)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise SmeltError(f"{name!r} may mean {', '.join(sorted(r.id for r in matches))}", "give the unique id")
        known = {alias for r in self.resources.values() for alias in _names_of(r)}
        near = difflib.get_close_matches(wanted, known, n=3)
        raise SmeltError(
            f"the project has no model, seed, snapshot or source called {name!r}",
            f"did you mean {', '.join(near)}?" if near else "`smelt lineage --json` lists all",
        )


def _names_of(resource: Resource) -> set[str]:
    names = {resource.id.lower(), resource.name.lower()}
    if resource.kind == "source":
        names.add(".".join(resource.id.lower().split(".")[-2:]))
    if resource.relation is not None:
        names.add(".".join(resource.relation[1:]))
    return names


def _resource(node: Mapping[str, Any]) -> Resource:
    kind = node["resource_type"]
    identifier = node.get("identifier") or node.get("alias") or node["name"]
    materialized = node.get("config", {}).get("materialized") or ""
    is_relation = materialized != "ephemeral"
    sql = node.get("compiled_code") or node.get("compiled_sql")
    return Resource(
        id=node["unique_id"],
        name=node["name"] if kind != "source" else f"{node['source_name']}.{node['name']}",
        kind=kind,
        package=node.get("package_name", ""),
        relation=_relation(node, identifier) if is_relation else None,
        identifier=identifier.lower(),
        parents=tuple(node.get("depends_on", {}).get("nodes", ())),
        path=node.get("original_file_path", ""),
        raw_sql=node.get("raw_code") or "",
        sql=sql if node.get("language", "sql") == "sql" else None,
        language=node.get("language", "sql"),
        materialized=materialized,
        description=node.get("description") or "",
        columns={c["name"]: c.get("data_type") for c in node.get("columns", {}).values()},
        is_contracted=bool((node.get("config", {}).get("contract") or {}).get("enforced")),
    )


def _relation(node: Mapping[str, Any], identifier: str) -> tuple[str, str, str]:
    return ((node.get("database") or "").lower(), (node.get("schema") or "").lower(), identifier.lower())
