"""Projects by hand: files, what dbt would know of them, and tables before and after."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from plugins.core.lineage import ColumnGraph, Edge, Node
from plugins.core.lineage import Kind as Lineage
from plugins.core.project import Manifest
from plugins.schema_drift.change import Change, Drift, Kind, Restored, Severity, Supplied
from plugins.schema_drift.patching.documents import patch_documents
from plugins.schema_drift.patching.patch import Interface, Mode, Patch
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.table import Column, History, Table

SOURCE = "source.p.shop.order_lines"
MODEL = "model.p.stg_lines"


def table(columns: Mapping[str, str], history: History | None = None, id: str = SOURCE) -> Table:
    """A table of `shop`."""
    name = id.split(".")[-1]
    return Table(
        id, f"shop.{name}", ("shop", name), tuple(Column(n, t) for n, t in columns.items()), (), None, history
    )


def change(kind: Kind, before: Sequence[str], after: Sequence[str], id: str = SOURCE, **more: Any) -> Change:
    """A change that is sure."""
    return Change(kind, id, tuple(before), tuple(after), 0.99, more.pop("severity", Severity.BREAKING), **more)


def renamed(old: str, new: str, id: str = SOURCE) -> Change:
    """A renamed column."""
    return change(
        Kind.COLUMN_RENAMED,
        [old],
        [new],
        id,
        restores=(Restored(old, f'"{new}"', (new,)),),
        supplies=(Supplied(new, f'"{old}"', (old,)),),
    )


@dataclass
class Built:
    """A project of files and what dbt would know of it. described: columns of sources, by name."""

    files: Mapping[str, str]
    before: tuple[Table, ...]
    after: tuple[Table, ...]
    models: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tests: Sequence[dict] = ()
    identity: Sequence[tuple[str, str, str, str]] = ()
    described: Mapping[str, str] = field(default_factory=dict)

    def patch(self, *changes: Change, interfaces: Mapping[str, Interface] | None = None) -> Patch:
        return patch_documents(self.project, Drift(changes), interfaces or {}, Mode.ABSORB)

    @property
    def project(self) -> PatchedProject:
        nodes: dict[str, Any] = {}
        for id, columns in self.models.items():
            kind, package, name = id.split(".")[:3]
            nodes[id] = {
                "unique_id": id, "name": name, "resource_type": kind, "package_name": package, "schema": "silver",
                "database": "db", "columns": {c: {"name": c} for c in columns}, "config": {},
                "depends_on": {"nodes": [SOURCE]}, "original_file_path": f"models/{name}.sql",
            }  # fmt: skip
        sources = {
            one.id: {
                "unique_id": one.id, "resource_type": "source", "source_name": "shop", "database": "db",
                "name": one.id.split(".")[-1], "identifier": one.relation[1], "schema": "shop",
                "package_name": "p",
                "columns": {
                    c.name: {"name": c.name, "data_type": c.type, "description": self.described.get(c.name, "")}
                    for c in one.columns
                },
            }
            for one in (table({"id": "bigint"}, id="source.p.shop.orders"), *self.before)
        }  # fmt: skip
        units = {}
        for text in self.files.values():
            try:
                document = yaml.safe_load(text)
            except yaml.YAMLError:
                continue
            for one in (document or {}).get("unit_tests") or () if isinstance(document, dict) else ():
                units[one["name"]] = {
                    **one,
                    "resource_type": "unit_test",
                    "unique_id": f"unit_test.p.{one['name']}",
                }
        document = {
            "metadata": {"project_name": "p", "adapter_type": "duckdb"},
            "nodes": nodes, "sources": sources, "unit_tests": units,
        }  # fmt: skip
        graph_nodes = {
            **{one.id: Node(one.id, {c.name.lower(): c.name for c in one.columns}) for one in self.before},
            **{id: Node(id, {c.lower(): c for c in columns}) for id, columns in self.models.items()},
        }
        edges = tuple(Edge(a, b, c, d, Lineage.IDENTITY) for a, b, c, d in self.identity)
        return PatchedProject(
            Manifest(document), ColumnGraph(graph_nodes, edges), sorted(self.files), self.files.__getitem__,
            self.before, self.after,
        )  # fmt: skip


def after_of(patch: Patch, path: str) -> str:
    """A file as it is patched."""
    found = {one.path: one.after for one in patch.changes}
    assert path in found, (list(found), [str(one) for one in patch.questions])
    text = found[path]
    assert text is not None
    return text


def only_lines(before: str, after: str) -> list[str]:
    """Lines that came or went, each with its sign."""
    import difflib

    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0)
    return [f"{line[0]} {line[1:]}" for line in lines if re.match(r"[-+](?![-+]{2})", line)]


@pytest.fixture
def build() -> Callable[..., Built]:
    return Built
