"""dbt sources: tables, their columns and tests, and how fresh they are."""

from __future__ import annotations

from ruamel.yaml.nodes import MappingNode, Node

from plugins.core.editing.yaml_places import child, items, text_of
from plugins.schema_drift.change import Change, Kind
from plugins.schema_drift.patching.documents.columns import patch_columns
from plugins.schema_drift.patching.documents.data_tests import patch_tests
from plugins.schema_drift.patching.documents.describing import rename_in_prose
from plugins.schema_drift.patching.documents.document import Document
from plugins.schema_drift.patching.documents.fragments import has_braces
from plugins.schema_drift.patching.documents.shift import Shift
from plugins.schema_drift.patching.documents.units import patch_units


def patch_sources(document: Document) -> None:
    """The section `sources` of a file."""
    for source in items(child(document.editor.root, "sources")):
        name = text_of(child(source, "name"))
        for table in items(child(source, "tables")):
            if not isinstance(table, MappingNode) or not isinstance(source, MappingNode):
                continue
            nodes = document.plan.named.get(("source", f"{name}.{text_of(child(table, 'name'))}"), ())
            _relocate(document, table, nodes)
            shift = document.plan.shift(nodes)
            patch_units(document, table, nodes)
            # Tests of other tables may point here.
            patch_tests(document, table, nodes, shift, None)
            if shift is None:
                for column in items(child(table, "columns")):
                    if isinstance(column, MappingNode):
                        patch_tests(document, column, nodes, None, text_of(child(column, "name")))
                continue
            patch_columns(document, table, nodes, shift)
            _freshness(document, source, table, shift, nodes)
            rename_in_prose(document, child(table, "description"), dict(shift.renamed))


def _freshness(
    document: Document, source: MappingNode, table: MappingNode, shift: Shift, nodes: tuple[str, ...]
) -> None:
    """The column that tells when rows came: the new one also where the old one is kept, for it is not filled."""
    own = [
        one for one in (child(table, "loaded_at_field"), child(child(table, "config"), "loaded_at_field")) if one
    ]
    for field in own:
        document.set_sql(field, shift, document.plan.tables(nodes))
    if not own:
        _inherited(document, source, table, shift)
    for place in (table, child(table, "config")):
        for path in ("filter",):
            found = child(child(place, "freshness"), path)
            if found is not None:
                document.set_sql(found, shift, document.plan.tables(nodes))
        query = child(place, "loaded_at_query")
        if query is not None:
            document.set_sql(query, shift, document.plan.tables(nodes))


def _inherited(document: Document, source: MappingNode, table: MappingNode, shift: Shift) -> None:
    """What all tables of a source have in common is said anew for the one in which it is called differently."""
    for place, is_config in ((source, False), (child(source, "config"), True)):
        field: Node | None = child(place, "loaded_at_field")
        key = shift.find(text_of(field), shift.newest) if field is not None else None
        if field is None or key is None:
            continue
        new = shift.newest[key]
        if has_braces(new) or not document.is_writable(new):
            document.ask(f"`{key}` tells how fresh this table is; its new name must be quoted", field)
            return
        config = child(table, "config")
        if is_config and isinstance(config, MappingNode):
            done = document.editor.add_key(config, "loaded_at_field", new)
        elif is_config:
            done = document.editor.add_key(table, "config", {"loaded_at_field": new}, after=_head(table))
        else:
            done = document.editor.add_key(table, "loaded_at_field", new, after=_head(table))
        if done:
            document.tell(f"`{new}` tells how fresh it is")
        else:
            document.ask(f"`{new}` tells now how fresh this table is", table)
        return


def _head(table: MappingNode) -> str:
    """The last of the keys that say what a table is, before its columns."""
    keys = [str(key.value) for key, _ in table.value]
    return next((key for key in ("description", "identifier", "name") if key in keys), keys[-1])


def _relocate(document: Document, table: MappingNode, nodes: tuple[str, ...]) -> None:
    """A table that is called differently in the warehouse: `source()` still finds it by its own name."""
    for change in _table_changes(document, nodes):
        if change.kind in (Kind.TABLE_REMOVED, Kind.TABLE_SPLIT):
            _ask_of_table(document, table, change)
        if change.kind is not Kind.TABLE_RENAMED or not change.after:
            continue
        new = new_identifier(document, change)
        node = child(table, "identifier")
        if new is None or is_loaded_by_smelt(document, nodes):
            continue
        if has_braces(new):
            document.ask("the table's new name holds Jinja braces; write it by hand", table)
        elif node is not None:
            if text_of(node) == new:
                continue
            if has_braces(text_of(node)):
                document.ask(f"the table is called `{new}` now, and Jinja says its name here", node)
            elif document.editor.set_text(node, new):
                document.tell(f"the table is `{new}`")
        elif text_of(child(table, "name")) != new:
            if document.editor.add_key(table, "identifier", new, after="name"):
                document.tell(f"the table is `{new}`")
            else:
                document.ask(f"the table is called `{new}` now; say so with `identifier`", table)


def _table_changes(document: Document, nodes: tuple[str, ...]) -> list[Change]:
    return [change for change in document.plan.drift.changes if change.table in nodes]


def _ask_of_table(document: Document, table: MappingNode, change: Change) -> None:
    """A table that is gone, or is several now: nobody but a person knows what its readers are to read."""
    manifest = document.plan.project.manifest
    readers = sorted(one.name for one in manifest.resources.values() if change.table in one.parents)
    now = f" and its rows are in {', '.join(f'`{name}`' for name in change.after)}" if change.after else ""
    read = f"; {', '.join(f'`{name}`' for name in readers)} read it" if readers else ""
    document.ask(f"this table is gone at the source{now}{read}", table)


def new_identifier(document: Document, change: Change) -> str | None:
    """What the table is called in the warehouse now."""
    wanted = change.after[0]
    for table in document.plan.project.after:
        if wanted in (table.id, table.name, ".".join(table.relation), table.relation[1]):
            return table.relation[1]
    return wanted.rpartition(".")[2] or None


def is_loaded_by_smelt(document: Document, nodes: tuple[str, ...]) -> bool:
    """Whether Smelt's own spec names the table: then the stream reads the new one, and bronze stays as it is."""
    from plugins.schema_drift.patching.documents.spec import stream_of

    return any(stream_of(document.plan, node) is not None for node in nodes)
