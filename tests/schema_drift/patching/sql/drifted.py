"""Projects without dbt: files, one source table before and after, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from plugins.core.lineage import LineageCache, ProjectLineage
from plugins.core.project import Manifest
from plugins.schema_drift.change import Change, Drift, Kind, Restored, Severity
from plugins.schema_drift.patching.patch import Mode, Patch
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql import patch_sql
from plugins.schema_drift.table import Column, History, Table

SOURCE = "source.p.shop.orders"


def columns(listed: str) -> tuple[Column, ...]:
    """`id int, name` as columns; without a type they are varchar."""
    found = []
    for one in listed.split(","):
        name, _, type_ = one.strip().partition(":")
        found.append(Column(name.strip(), type_.strip() or "varchar"))
    return tuple(found)


def table(listed: str, history: History | None = None, key: tuple[str, ...] = ()) -> Table:
    return Table(SOURCE, "shop.orders", ("raw", "orders"), columns(listed), key, history=history)


def change(text: str, **detail: Any) -> Change:
    """`column_renamed a -> b` or `unit_changed a: a / 100`."""
    kind, _, rest = text.partition(" ")
    if "->" in rest:
        old, new = (one.strip() for one in rest.split("->"))
        restores = (Restored(old, '"' + new.replace('"', '""') + '"', (new,)),)
        return Change(
            Kind(kind), SOURCE, (old,), (new,), 0.99, Severity.BREAKING, restores=restores, detail=detail
        )
    if ":" in rest:
        old, sql = (one.strip() for one in rest.split(":", 1))
        # What is quoted in SQL is no column.
        names = re.findall(r"[a-z_]\w*(?!\w*\s*\()", re.sub(r"'[^']*'", "", sql))
        words = {"case", "when", "then", "else", "end", "as", "and", "is", "null", "date", "integer", "decimal"}
        reads = tuple(dict.fromkeys(name for name in names if name not in words))
        restores = (Restored(old, sql, reads),)
        return Change(
            Kind(kind), SOURCE, (old,), reads, 0.99, Severity.DANGEROUS, restores=restores, detail=detail
        )
    names = tuple(one.strip() for one in rest.split(",") if one.strip())
    is_new = kind == Kind.COLUMN_ADDED
    return Change(
        Kind(kind),
        SOURCE,
        () if is_new else names,
        names if is_new else (),
        0.99,
        Severity.BREAKING,
        detail=detail,
    )


def project(
    files: Mapping[str, str],
    before: Table,
    after: Table,
    adapter: str = "duckdb",
    configs: Mapping[str, Mapping[str, Any]] | None = None,
) -> PatchedProject:
    """A parsed project: every file of models/ is a model that reads what its text names; macros are read too."""
    nodes: dict[str, Any] = {}
    macros: dict[str, Any] = {}
    for path, text in files.items():
        for name, body in re.findall(r"(?s)\{%-?\s*macro\s+(\w+)(.*?endmacro\s*-?%\})", text):
            sql = "{% macro " + name + body
            macros[f"macro.p.{name}"] = {
                "name": name, "package_name": "p", "macro_sql": sql, "original_file_path": path, "depends_on": {},
            }  # fmt: skip
    for path, text in files.items():
        if path.startswith("macros/"):
            continue
        name = path.split("/")[-1].rsplit(".", 1)[0]
        kind = {"models": "model", "tests": "test", "analyses": "analysis"}.get(path.split("/")[0], "snapshot")
        parents = [SOURCE] if re.search(r"source\(", text) or re.search(r"orders_rows\(", text) else []
        parents += [f"model.p.{one}" for one in re.findall(r"ref\(['\"](\w+)", text)]
        nodes[f"{kind}.p.{name}"] = {
            "unique_id": f"{kind}.p.{name}", "name": name, "resource_type": kind, "package_name": "p",
            "database": "db", "schema": "main", "original_file_path": path, "columns": {}, "raw_code": text,
            "language": "python" if path.endswith(".py") else "sql",
            "config": {"materialized": "view", **(configs or {}).get(name, {})},
            "depends_on": {
                "nodes": parents,
                "macros": [key for key, one in macros.items() if re.search(rf"\b{one['name']}\(", text)],
            },
            "compiled_code": re.sub(
                r"\{\{\s*ref\(['\"](\w+)['\"]\)\s*\}\}",
                r"db.main.\1",
                re.sub(r"\{\{\s*source\([^)]*\)\s*\}\}", "db.raw.orders", text),
            ) if path.endswith(".sql") else None,
        }  # fmt: skip
    source = {
        "unique_id": SOURCE, "resource_type": "source", "source_name": "shop", "name": "orders",
        "package_name": "p", "identifier": "orders", "database": "db", "schema": "raw",
        "columns": {}, "original_file_path": "s.yml",
    }  # fmt: skip
    manifest = Manifest(
        {
            "metadata": {"project_name": "p", "adapter_type": adapter},
            "nodes": nodes,
            "sources": {SOURCE: source},
            "macros": macros,
        }
    )
    known = {SOURCE: {column.name: column.type for column in before.columns}}
    graph = ProjectLineage(manifest, known, LineageCache()).read()
    return PatchedProject(manifest, graph, list(files), dict(files).__getitem__, [before], [after])


def patched(
    files: Mapping[str, str],
    before: Table,
    after: Table,
    changes: Sequence[Change],
    adapter: str = "duckdb",
    mode: Mode = Mode.ABSORB,
    configs: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[dict[str, str], Patch]:
    """All files after, and the patch."""
    made = patch_sql(project(files, before, after, adapter, configs), Drift(tuple(changes)), mode)
    return {**files, **{one.path: one.after or "" for one in made.changes}}, made
