"""Smelt's own documents of a source: `source.yml`, `connector.yml` and `mapping.yml`, in the source's names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plugins.core.editing.yaml_places import child, items, pairs, text_of
from plugins.core.privacy import is_pii_name
from plugins.schema_drift.change import Change, Kind
from plugins.schema_drift.patching.documents.document import Document, Plan
from plugins.schema_drift.patching.documents.fragments import mentions
from plugins.schema_drift.patching.documents.rules import set_key
from plugins.schema_drift.patching.documents.shift import Shift

_SOURCE_KEYS = frozenset(["column", "source_column", "source", "from", "source_field", "field"])


def stream_of(plan: Plan, node: str) -> tuple[str, str] | None:
    """(path of source.yml, stream) that loads a source table; None: Smelt does not load it."""
    resource = plan.project.manifest.resources.get(node)
    if resource is None or resource.kind != "source":
        return None
    source, _, table = resource.name.partition(".")
    path, streams = plan.specs.get(source, ("", ()))
    names = (table, resource.identifier.rpartition("__")[2])
    return next(((path, name) for name in names if name in streams), None)


def _streams(document: Document, path: str) -> Iterator[tuple[str, str, Shift]]:
    """(node, stream, shift in the source's names) of each stream of the source that changed."""
    folder = PurePosixPath(path).parent
    nodes = dict.fromkeys((*document.plan.upstream, *(change.table for change in document.plan.drift.changes)))
    for node in nodes:
        found = stream_of(document.plan, node)
        if found is not None and PurePosixPath(found[0]).parent == folder:
            yield node, found[1], document.plan.upstream.get(node, Shift())


def patch_spec(document: Document) -> None:
    """source.yml: keys, cursors, headers, personal data, and the table that a stream reads."""
    for node, name, shift in _streams(document, document.path):
        for stream in items(child(document.editor.root, "streams")):
            if isinstance(stream, MappingNode) and text_of(child(stream, "name")) == name:
                _stream(document, stream, shift, document.plan.drift.of(node))
                _table(document, stream, node)


def _primary_key(document: Document, stream: MappingNode, shift: Shift, changes: Sequence[Change]) -> None:
    listed = child(stream, "primary_key")
    changed = next((one for one in changes if one.kind is Kind.KEY_CHANGED), None)
    if changed is not None and isinstance(listed, SequenceNode):
        names = {shift.newest.get(text_of(one), text_of(one)).lower() for one in items(listed)}
        old = {shift.newest.get(str(one), str(one)).lower() for one in changed.detail.get("key_before") or ()}
        new = [str(one) for one in changed.detail.get("key_after") or changed.after]
        if names == old:
            set_key(document, listed, new)
            return
        if names != {one.lower() for one in new}:
            document.ask(f"rows are identified by {', '.join(new)} now; is this key still right?", listed)
    for key in items(listed):
        if document.set_column(key, shift):
            document.tell("its primary key")


def _stream(document: Document, stream: MappingNode, shift: Shift, changes: Sequence[Change]) -> None:
    _primary_key(document, stream, shift, changes)
    cursor = child(child(stream, "cursor"), "column")
    if cursor is not None and document.set_column(cursor, shift):
        document.tell("its cursor")
    _header(document, stream, shift)
    personal = child(stream, "pii")
    for column in items(personal):
        if shift.find(text_of(column), {*shift.removed, *shift.replaced}) is None:
            document.set_column(column, shift)
            continue
        document.editor.remove(column)
        old = shift.find(text_of(column), shift.replaced)
        _personal(document, stream, shift.replaced[old] if old else ())
    marked = [name for name in shift.added if name in shift.pii or is_pii_name(name)]
    _personal(document, stream, marked)


def _personal(document: Document, stream: MappingNode, names: Sequence[str]) -> None:
    listed = child(stream, "pii")
    known = {text_of(one).lower() for one in items(listed)}
    fresh = [name for name in names if name.lower() not in known]
    if not fresh:
        return
    if isinstance(listed, SequenceNode):
        done = all(document.editor.insert(listed, name) for name in fresh)
    else:
        done = document.editor.add_key(stream, "pii", fresh)
    if done:
        document.tell(f"{', '.join(f'`{name}`' for name in fresh)}: personal data")
    else:
        document.ask(f"{', '.join(fresh)}: mark as personal data", stream)


def _header(document: Document, stream: MappingNode, shift: Shift) -> None:
    """The header that every CSV file must have; a further column needs no mention."""
    for column in items(child(child(stream, "files"), "columns")):
        name = text_of(column)
        old = shift.find(name, shift.replaced)
        if shift.find(name, shift.removed) is None and old is None:
            if document.set_column(column, shift):
                document.tell("the header of its files")
            continue
        header = child(child(stream, "files"), "columns")
        document.editor.remove(column)
        document.tell("the header of its files")
        known = {text_of(one) for one in items(header)}
        for new in shift.replaced.get(old, ()) if old else ():
            if isinstance(header, SequenceNode) and new not in known:
                document.editor.insert(header, new, column)


def _table(document: Document, stream: MappingNode, node: str) -> None:
    """The stream of a renamed table keeps its name, so that bronze goes on; it reads the new one."""
    for change in document.plan.drift.changes:
        if change.kind is not Kind.TABLE_RENAMED or change.table != node or not change.after:
            continue
        table = child(stream, "table")
        old, new = change.before[0] if change.before else "", change.after[0]
        if table is None or text_of(table) == new:
            document.ask(
                f"`{old}` is called `{new}` at the source now; which table does this stream read?", stream
            )
            continue
        schema = text_of(table).rpartition(".")[0]
        wanted = f"{schema}.{new.rpartition('.')[2]}" if schema else new.rpartition(".")[2]
        if text_of(table) == wanted:
            continue
        if document.editor.set_text(table, wanted):
            document.tell(f"it reads `{wanted}`")


def patch_connector(document: Document) -> None:
    """connector.yml: an Airbyte declarative manifest."""
    for _, name, shift in _streams(document, document.path):
        for stream in _declared(document, name):
            for key in ("primary_key",):
                for node in _leaves(child(stream, key)):
                    document.set_column(node, shift)
            sync = _resolved(document, child(stream, "incremental_sync"))
            cursor = child(sync, "cursor_field")
            if cursor is not None:
                document.set_column(cursor, shift)
            loader = _resolved(document, child(stream, "schema_loader"))
            _schema(document, _resolved(document, child(loader, "schema")), shift)
            _rest(document, stream, shift)


def _declared(document: Document, name: str) -> Iterator[MappingNode]:
    root = document.editor.root
    for stream in items(child(root, "streams")):
        found = _resolved(document, stream)
        parameters = child(found, "$parameters")
        if isinstance(found, MappingNode) and name in (
            text_of(child(found, "name")),
            text_of(child(parameters, "name")),
        ):
            yield found


def _resolved(document: Document, node: Node | None) -> Node | None:
    """What a `#/definitions/…` stands for, if nothing else stands for it; else the node."""
    reference = text_of(child(node, "$ref")) if isinstance(node, MappingNode) else text_of(node)
    if not reference.startswith("#/"):
        return node
    if document.editor.text.count(reference) != 1:
        document.ask("several streams share this definition; change it by hand if a field in it changed", node)
        return node
    found: Node | None = document.editor.root
    for part in reference[2:].split("/"):
        found = child(found, part)
    return found


def _leaves(node: Node | None) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
    for one in items(node):
        yield from _leaves(one)


def _schema(document: Document, schema: Node | None, shift: Shift) -> None:
    """A JSON schema: the keys of its properties, and which are required."""
    properties = child(schema, "properties")
    if isinstance(properties, MappingNode):
        _properties(document, properties, shift)
    for node in items(child(schema, "required")):
        if shift.find(text_of(node), {*shift.removed, *shift.replaced}) is not None:
            document.editor.remove(node)
        else:
            document.set_column(node, shift)


def _properties(document: Document, properties: MappingNode, shift: Shift) -> None:
    known = {text_of(key): key for key, _ in properties.value}
    for name, key in known.items():
        if (old := shift.find(name, shift.renamed)) is not None:
            document.set_name(key, shift.renamed[old])
            document.tell(f"`{name}` is `{shift.renamed[old]}`")
        elif (old := shift.find(name, shift.replaced)) is not None:
            for new in shift.replaced[old]:
                if new not in known:
                    _property(document, properties, new, shift, name)
            document.editor.remove(key)
        elif shift.find(name, shift.removed) is not None:
            document.editor.remove(key)
            document.tell(f"`{name}` is gone")
        elif (old := shift.find(name, shift.retyped)) is not None:
            kind = child(pairs(properties)[name][1], "type")
            if isinstance(kind, ScalarNode) and document.editor.set_text(kind, _json_type(shift.retyped[old])):
                document.tell(f"the type of `{name}`")
            elif kind is not None:
                document.ask(f"`{name}` is `{shift.retyped[old]}` now", kind)
    for name in shift.added:
        if name not in known:
            _property(document, properties, name, shift, None)


def _property(document: Document, properties: MappingNode, name: str, shift: Shift, after: str | None) -> None:
    from plugins.core.editing.yaml_text import Flow

    if document.editor.add_key(properties, name, Flow(type=_json_type(shift.types.get(name, ""))), after=after):
        document.tell(f"`{name}` is in the schema")


def _json_type(kind: str) -> str:
    """JSON schema's name of a warehouse's type."""
    base = kind.lower()
    if base.startswith(("bool", "bit")):
        return "boolean"
    if base.endswith("[]") or base.startswith(("array", "list")):
        return "array"
    if base.startswith(("struct", "map", "object", "json")):
        return "object"
    if "int" in base and "interval" not in base:
        return "integer"
    return "number" if base.startswith(("dec", "num", "double", "float", "real")) else "string"


def _rest(document: Document, stream: MappingNode, shift: Shift) -> None:
    """Where else a field may be named: paths into records, filters, transformations. They are asked about."""
    lost = [name for name in shift.gone if name]
    for key, (_, value) in pairs(stream).items():
        if key in ("primary_key", "incremental_sync", "schema_loader", "name", "$parameters"):
            continue
        for node in _scalars(value):
            text = text_of(node)
            inside = "{{" in text and mentions(text, lost)
            if text in lost or inside:
                name = text if text in lost else mentions(text, lost)[0]
                document.ask(f"does this mean the field `{name}`, which changed at the source?", node)


def _scalars(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
    for one in items(node):
        yield from _scalars(one)
    if isinstance(node, MappingNode):
        for _, value in node.value:
            yield from _scalars(value)


def patch_mapping(document: Document) -> None:
    """mapping.yml: the source's columns; what they are mapped to, and who approved it, stays."""
    streams = list(_streams(document, document.path))
    for _, name, shift in streams:
        scope = _scope(document.editor.root, name, len(streams) == 1)
        if scope is None:
            if mentions(document.editor.text, list(shift.gone)):
                document.ask(f"which of these columns are of `{name}`?")
            continue
        _mapped(document, scope, shift)


def _scope(root: MappingNode, name: str, is_only: bool) -> Node | None:
    """The part of a mapping that is about a stream."""
    for key in ("streams", "tables", "entities"):
        section = child(root, key)
        if isinstance(section, MappingNode):
            return child(section, name)
        for entry in items(section):
            if name in (text_of(child(entry, "name")), text_of(child(entry, "stream"))):
                return entry
    if text_of(child(root, "stream")) == name or child(root, name) is not None:
        return child(root, name) or root
    return root if is_only and child(root, "streams") is None else None


def _mapped(document: Document, node: Node, shift: Shift) -> None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if text_of(key) in _SOURCE_KEYS:
                for one in _leaves(value):
                    if document.set_column(one, shift):
                        document.tell("the columns that it maps")
            elif shift.find(text_of(key), shift.gone) is not None and isinstance(value, MappingNode):
                document.set_column(key, shift)
            else:
                _mapped(document, value, shift)
    for one in items(node):
        _mapped(document, one, shift)
