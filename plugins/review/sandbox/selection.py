"""What to build: the changed nodes, and of what is downstream only that which reads a changed column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from plugins.core.lineage.change import Category, QueryChange, classify
from plugins.core.lineage.graph import Place
from plugins.core.project import Resource
from plugins.lineage import Loaded
from plugins.review.sandbox.inputs import ChangedSources

_TABLES = ("model", "snapshot", "seed")
# Parts of a node's config that change the table that is built, or what it is held to.
_CONFIG = (
    "materialized",
    "unique_key",
    "incremental_strategy",
    "on_schema_change",
    "contract",
    "enabled",
    "alias",
    "schema",
    "database",
    "strategy",
    "updated_at",
    "check_cols",
    "column_types",
    "access",
)
# Of Jinja and of SQL. One in a string literal is no harm: the compiled text is compared as well.
_COMMENT = re.compile(r"\{#.*?#\}|/\*.*?\*/|--[^\n]*", re.DOTALL)


@dataclass(frozen=True)
class Changes:
    """What differs between base and head, by node id.

    queries: changed nodes and how much. configs: nodes whose configuration, declared columns, contract or
    incremental branch differ.
    tests, removed_tests: data and unit tests that are new or differ, or are gone.
    """

    queries: Mapping[str, QueryChange]
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    configs: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()
    removed_tests: frozenset[str] = frozenset()

    def and_held(self, *sides: frozenset[str]) -> Changes:
        """The same, with nodes (of base, of head) that are held to another Soda contract."""
        gone = self.added | self.removed
        return replace(self, configs=self.configs.union(*sides) - gone)

    @property
    def nodes(self) -> frozenset[str]:
        """Nodes of head that differ in any way that can be built."""
        meaningful = {node for node, change in self.queries.items() if change.category is not Category.NONE}
        return frozenset(meaningful) | self.added | self.configs


@dataclass(frozen=True)
class Selection:
    """What is built on both sides, and what pruning by columns spares.

    touched: downstream nodes that read a changed column. downstream: all nodes below the changed ones.
    columns: which columns of each node the change touches; None: any.
    """

    changed: frozenset[str]
    touched: frozenset[str]
    downstream: frozenset[str]
    columns: Mapping[str, frozenset[str] | None] = field(default_factory=dict)

    @property
    def nodes(self) -> frozenset[str]:
        """Everything to build."""
        return self.changed | self.touched


def find_changes(base: Loaded, head: Loaded) -> Changes:
    """Compare two versions of a project node by node."""
    before, after = _tables(base), _tables(head)
    common = before.keys() & after.keys()
    same_macros = _macros(base) == _macros(head)
    queries: dict[str, QueryChange] = {}
    branches: set[str] = set()
    for node in sorted(common):
        # Without this, SQL that prints the time of the run would always differ.
        if same_macros and before[node].kind != "seed" and before[node].raw_sql == after[node].raw_sql:
            continue
        change = _change(before[node], after[node], base, head)
        if change is not None:
            queries[node] = change
        if after[node].materialized == "incremental" and _in_words(before[node]) != _in_words(after[node]):
            # A first run compiles only one of its branches: no change there is none yet.
            branches.add(node)
    tests_before, tests_after = _tests(base), _tests(head)
    return Changes(
        queries=queries,
        added=frozenset(after.keys() - before.keys()),
        removed=frozenset(before.keys() - after.keys()),
        configs=frozenset(n for n in common if _config(base, n) != _config(head, n)) | branches,
        tests=frozenset(t for t, value in tests_after.items() if tests_before.get(t) != value),
        removed_tests=frozenset(tests_before.keys() - tests_after.keys()),
    )


def select(base: Loaded, head: Loaded, changes: Changes, sources: ChangedSources | None = None) -> Selection:
    """Changed nodes, and the nodes below that use a changed column (or rows) on either side.

    sources: those that changed by themselves, and whose readers are built without having changed.
    """
    start_head, start_base, rows = _starts(head, base, changes)
    if sources is not None:
        start_head |= sources.after
        start_base |= sources.before
        rows |= sources.rows
    down_head = head.graph.downstream(start_head, rows & head.graph.nodes.keys())
    down_base = base.graph.downstream(start_base, rows & base.graph.nodes.keys())
    changed = changes.nodes
    buildable = {node for node in head.manifest.resources if _is_built(head.manifest.resources[node])}
    touched = ((down_head.nodes | down_base.nodes) & buildable) - changed
    moved = changed | changes.removed | set(changes.queries) | (sources.ids if sources is not None else set())
    downstream = (head.graph.descendants(moved) | base.graph.descendants(moved)) & buildable - changed
    columns: dict[str, frozenset[str] | None] = {}
    for node in changed | touched:
        columns[node] = _columns(node, changes, down_head.direct | down_head.indirect, down_head.possible)
    return Selection(changed & frozenset(buildable), frozenset(touched), frozenset(downstream), columns)


def _starts(head: Loaded, base: Loaded, changes: Changes) -> tuple[set[Place], set[Place], set[str]]:
    start_head: set[Place] = set()
    start_base: set[Place] = set()
    rows: set[str] = set()
    for node, change in changes.queries.items():
        start_head |= {(node, column) for column in (*change.added, *change.changed)}
        start_base |= {(node, column) for column in (*change.removed, *change.changed)}
        if change.rows_changed:
            rows.add(node)
    for node in changes.added:
        start_head |= {(node, column) for column in head.graph.nodes[node].columns}
    for node in changes.removed:
        start_base |= {(node, column) for column in base.graph.nodes[node].columns}
    return start_head, start_base, rows


def _columns(
    node: str, changes: Changes, places: Iterable[Place], possible: frozenset[str]
) -> frozenset[str] | None:
    change = changes.queries.get(node)
    if node in possible or node in changes.added or (change is not None and change.rows_changed):
        return None
    reached = {column for n, column in places if n == node}
    return frozenset(reached | set(change.added + change.changed if change else ()))


def _tables(loaded: Loaded) -> dict[str, Resource]:
    return {r.id: r for r in loaded.manifest.resources.values() if r.kind in _TABLES}


def _is_built(resource: Resource) -> bool:
    return resource.kind in _TABLES and resource.relation is not None


def _change(old: Resource, new: Resource, base: Loaded, head: Loaded) -> QueryChange | None:
    if old.kind == "seed":
        return _seed_change(old, new, base, head)
    if old.sql is None or new.sql is None:
        # Python, or SQL that does not compile; what no changed file concerns is compiled on neither side.
        same = old.raw_sql == new.raw_sql and old.sql == new.sql
        return None if same else QueryChange(Category.BREAKING, rows_changed=True, is_certain=False)
    if old.sql == new.sql and old.raw_sql == new.raw_sql:
        return None
    return classify(old.sql, new.sql, head.manifest.dialect, base.lineage.schemas, head.lineage.schemas)


def _in_words(resource: Resource) -> list[str]:
    """What is written, without comments and white space."""
    return _COMMENT.sub(" ", resource.raw_sql or "").split()


def _seed_change(old: Resource, new: Resource, base: Loaded, head: Loaded) -> QueryChange | None:
    checksums = [_entry(loaded, old.id).get("checksum", {}).get("checksum") for loaded in (base, head)]
    if checksums[0] == checksums[1]:
        return None
    before, after = base.graph.nodes[old.id].columns, head.graph.nodes[new.id].columns
    return QueryChange(
        Category.BREAKING,
        added=tuple(c for c in after if c not in before),
        removed=tuple(c for c in before if c not in after),
        rows_changed=True,
    )


def _macros(loaded: Loaded) -> dict[str, str]:
    return {key: macro["macro_sql"] for key, macro in loaded.manifest.document.get("macros", {}).items()}


def _entry(loaded: Loaded, node: str) -> Mapping[str, Any]:
    return loaded.manifest.document["nodes"][node]


def _config(loaded: Loaded, node: str) -> Any:
    entry = _entry(loaded, node)
    config = entry.get("config", {})
    declared = {name: column.get("data_type") for name, column in entry.get("columns", {}).items()}
    contracted = (config.get("contract") or {}).get("enforced")
    return [{key: config.get(key) for key in _CONFIG}, declared if contracted else None]


def _tests(loaded: Loaded) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for test in loaded.manifest.of_type("test"):
        config = test.get("config", {})
        parts = ("severity", "where", "limit", "error_if", "warn_if", "fail_calc", "enabled")
        metadata = (test.get("test_metadata") or {}).get("kwargs")
        found[test["unique_id"]] = [test.get("raw_code"), metadata, {key: config.get(key) for key in parts}]
    for test in loaded.manifest.of_type("unit_test"):
        found[test["unique_id"]] = [test.get("given"), test.get("expect"), test.get("overrides")]
    return found
