"""Models, snapshots, seeds and analyses: columns, tests, constraints and the configuration that names columns."""

from __future__ import annotations

from collections.abc import Iterator

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plugins.core.editing.yaml_places import child, items, pairs, text_of
from plugins.schema_drift.patching.documents.columns import patch_columns, patch_constraints
from plugins.schema_drift.patching.documents.data_tests import patch_tests
from plugins.schema_drift.patching.documents.describing import rename_in_prose
from plugins.schema_drift.patching.documents.document import Document
from plugins.schema_drift.patching.documents.fragments import mentions
from plugins.schema_drift.patching.documents.parted import keep_descriptions
from plugins.schema_drift.patching.documents.shift import Shift

SECTIONS = {"models": "model", "snapshots": "snapshot", "seeds": "seed", "analyses": "analysis"}
_COLUMN_CONFIG = frozenset(
    [
        "unique_key",
        "updated_at",
        "check_cols",
        "partition_by",
        "cluster_by",
        "sort",
        "dist",
        "sort_key",
        "sortkey",
        "distkey",
        "event_time",
        "merge_update_columns",
        "merge_exclude_columns",
        "primary_key",
        "order_by",
        "partitioned_by",
        "bucketed_by",
        "z_order",
        "liquid_clustered_by",
        "invalidate_key",
        "dbt_valid_to_current",
        "timestamp_column",
    ]
)
_SQL_CONFIG = frozenset(["incremental_predicates", "where", "ttl", "row_access_policy"])


def patch_nodes(document: Document) -> None:
    """The sections of tables that a project makes itself."""
    for section, kind in SECTIONS.items():
        for entry in items(child(document.editor.root, section)):
            if not isinstance(entry, MappingNode):
                continue
            nodes = document.plan.named.get((kind, text_of(child(entry, "name"))), ())
            shift = document.plan.shift(nodes)
            _of_snapshot(document, entry, shift)
            keep_descriptions(document, entry, nodes)
            patch_tests(document, entry, nodes, shift, None)
            if shift is None:
                for column in items(child(entry, "columns")):
                    if isinstance(column, MappingNode):
                        patch_tests(document, column, nodes, None, text_of(child(column, "name")))
                        _keys_elsewhere(document, column)
                _keys_elsewhere(document, entry)
                continue
            patch_columns(document, entry, nodes, shift)
            patch_constraints(document, entry, shift)
            if kind != "snapshot" or child(entry, "relation") is None:
                _config(document, child(entry, "config"), shift, nodes)
            rename_in_prose(document, child(entry, "description"), dict(shift.renamed))
            for version in items(child(entry, "versions")):
                if isinstance(version, MappingNode) and child(version, "columns") is not None:
                    document.ask("are the columns of this version those that changed?", version)


def _keys_elsewhere(document: Document, entry: MappingNode) -> None:
    """Foreign keys that point at a table whose columns are called differently."""
    for constraint in items(child(entry, "constraints")):
        target = document.plan.shift(document.plan.nodes(text_of(child(constraint, "to"))))
        if target is not None:
            for column in items(child(constraint, "to_columns")):
                document.set_column(column, target, also_followed=False)


def _of_snapshot(document: Document, entry: MappingNode, own: Shift | None) -> None:
    """A snapshot in YAML reads a table as it is: its configuration names that table's columns."""
    relation = child(entry, "relation")
    if relation is None:
        return
    read = document.plan.nodes(text_of(relation))
    shift = document.plan.shift(read)
    if shift is None:
        return
    config = child(entry, "config")
    _config(document, config, shift, read)
    lost = sorted({*shift.gone, *shift.followed})
    if lost and own is None and (text_of(child(config, "check_cols")) == "all" or shift.gone):
        names = ", ".join(f"`{name}`" for name in lost)
        document.ask(
            f"this snapshot keeps the table as it is: rows from now on carry other columns than {names}; "
            "is its history to go on in the new ones?",
            relation,
        )


def _config(document: Document, config: Node | None, shift: Shift, nodes: tuple[str, ...]) -> None:
    for key, (_, value) in pairs(config).items():
        name = key.lstrip("+")
        if name == "column_types" and isinstance(value, MappingNode):
            _column_types(document, value, shift)
        elif name == "indexes":
            for index in items(value):
                for column in items(child(index, "columns")):
                    document.set_column(column, shift)
        elif name in _COLUMN_CONFIG:
            for node in _names(value):
                if shift.find(text_of(node), {*shift.newest, *shift.gone}) is not None:
                    if document.set_column(node, shift):
                        document.tell(f"its `{name}`")
                else:
                    document.set_sql(node, shift, document.plan.tables(nodes))
        elif name in _SQL_CONFIG:
            for node in _names(value):
                document.set_sql(
                    node, shift, {*document.plan.tables(nodes), "dbt_internal_dest", "dbt_internal_source"}
                )


def _names(value: Node) -> list[ScalarNode]:
    if isinstance(value, ScalarNode):
        return [value]
    if isinstance(value, SequenceNode):
        return [one for one in value.value if isinstance(one, ScalarNode)]
    return [
        one for key, (_, one) in pairs(value).items() if key in ("field", "column") and isinstance(one, ScalarNode)
    ]


def _column_types(document: Document, types: MappingNode, shift: Shift) -> None:
    """Of a seed: the types of its columns, by their names."""
    for key, value in types.value:
        name = text_of(key)
        found = shift.find(name, shift.renamed)
        if found is not None:
            document.set_name(key, shift.renamed[found])
            document.tell(f"`{name}` is `{shift.renamed[found]}`")
        elif shift.find(name, {*shift.removed, *shift.replaced}) is not None:
            document.editor.remove(key)
            document.tell(f"`{name}` is gone")
        elif (retyped := shift.find(name, shift.retyped)) is not None:
            document.editor.set_text(value, shift.retyped[retyped])


def ask_of_project(document: Document) -> None:
    """dbt_project.yml configures many models at once: what it names of a column is asked about."""
    gone = {name for shift in document.plan.shifts.values() for name in shift.gone}
    for key, value in _all_pairs(document.editor.root):
        if key.lstrip("+") in _COLUMN_CONFIG | _SQL_CONFIG:
            for node in _names(value):
                for name in mentions(text_of(node), sorted(gone)):
                    document.ask(f"does `{key}` mean the column `{name}`, which is gone?", node)


def _all_pairs(node: Node) -> Iterator[tuple[str, Node]]:
    for key, (_, value) in pairs(node).items():
        yield key, value
        yield from _all_pairs(value)
