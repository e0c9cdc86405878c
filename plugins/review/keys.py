"""What the project declares of a model's columns: which identify a row, are personal, or tell the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plugins.core.project import Manifest

# docs.getdbt.com/docs/build/snapshots#snapshot-meta-fields
_STAMPS = ("dbt_valid_from", "dbt_valid_to", "dbt_scd_id", "dbt_updated_at")


def find_key(manifest: Manifest, node: str, columns: Mapping[str, str]) -> tuple[str, ...]:
    """The key of a node, as written in `columns` (lower case → as written); empty: none is declared.

    From a primary-key constraint, the config `unique_key`, a test of uniqueness of one column or of a
    combination, or the primary entity of a semantic model; the first that names existing columns.
    """
    for names in _candidates(manifest, node):
        if names and all(name.lower() in columns for name in names):
            return tuple(columns[name.lower()] for name in names)
    return ()


def _candidates(manifest: Manifest, node: str) -> Iterator[list[str]]:
    entry = manifest.document["nodes"].get(node, {})
    for constraint in entry.get("constraints") or ():
        if constraint.get("type") in ("primary_key", "unique"):
            yield list(constraint.get("columns") or ())
    for name, column in entry.get("columns", {}).items():
        if any(c.get("type") == "primary_key" for c in column.get("constraints") or ()):
            yield [name]
    unique_key = entry.get("config", {}).get("unique_key")
    if unique_key:
        yield [unique_key] if isinstance(unique_key, str) else list(unique_key)
    combinations: list[list[str]] = []
    for test in manifest.of_type("test"):
        metadata = test.get("test_metadata") or {}
        if test.get("attached_node") != node or test.get("config", {}).get("where"):
            continue
        if metadata.get("name") == "unique" and test.get("column_name"):
            yield [test["column_name"]]
        elif "unique" in (metadata.get("name") or ""):
            combinations += list(_lists(metadata.get("kwargs") or {}))
    yield from combinations
    for model in manifest.of_type("semantic_model"):
        if node in model.get("depends_on", {}).get("nodes", ()):
            for entity in model.get("entities") or ():
                if entity.get("type") == "primary":
                    yield [str(entity.get("expr") or entity["name"])]


def _lists(arguments: Mapping[str, Any]) -> Iterator[list[str]]:
    for value in arguments.values():
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            yield value


def find_pii(manifest: Manifest, node: str) -> frozenset[str]:
    """Columns, lower case, of a model or source table that carry `meta: {pii: …}` or a tag `pii`."""
    document = manifest.document
    entry = document["nodes"].get(node) or document.get("sources", {}).get(node) or {}
    found = set()
    for name, column in entry.get("columns", {}).items():
        meta = {**(column.get("meta") or {}), **((column.get("config") or {}).get("meta") or {})}
        tags = {*(column.get("tags") or ()), *((column.get("config") or {}).get("tags") or ())}
        if meta.get("pii") or meta.get("contains_pii") or "pii" in {str(tag).lower() for tag in tags}:
            found.add(name.lower())
    return frozenset(found)


def find_timed(manifest: Manifest, node: str) -> frozenset[str]:
    """Columns, lower case, in which a snapshot that compares rows (`strategy: check`) notes when it ran."""
    entry = manifest.document["nodes"].get(node, {})
    config = entry.get("config", {})
    if entry.get("resource_type") != "snapshot" or config.get("strategy") != "check":
        return frozenset()
    names = config.get("snapshot_meta_column_names") or {}
    return frozenset((names.get(column) or column).lower() for column in _STAMPS)
