"""What comes through to models below: new columns that stars pass on, and who takes columns by their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plugins.core.sql.template import Template
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql.files import SqlFiles
from plugins.schema_drift.patching.sql.reading import Tables, read_part
from plugins.schema_drift.patching.sql.scope import Relation


@dataclass(frozen=True)
class Below:
    """passed: new columns (lower case) by the node that gives them. positional: nodes that count on order."""

    passed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    positional: tuple[str, ...] = ()


def look_below(project: PatchedProject, files: SqlFiles, node: str, fresh: frozenset[str]) -> Below:
    """Follow stars down from a node that gives new columns, or its columns in another order."""
    passed: dict[str, frozenset[str]] = {}
    positional: dict[str, None] = {}
    queue = [(node, fresh)]
    while queue:
        parent, names = queue.pop()
        for child in project.graph.children.get(parent, ()):
            entry = files.nodes.get(child)
            if entry is None or child in passed or entry.get("resource_type") not in ("model", "snapshot"):
                continue
            output, takes_order = _child(project, child, parent, names, entry.get("original_file_path", ""))
            if takes_order:
                positional[child] = None
            if output is None:
                continue
            through = frozenset(output.fresh) & names
            if through or output.stars:
                passed[child] = through
                queue.append((child, through))
    return Below({key: names for key, names in passed.items() if names}, tuple(positional))


def _child(
    project: PatchedProject, child: str, parent: str, fresh: frozenset[str], path: str
) -> tuple[Relation | None, bool]:
    """What a child gives, and whether it takes the parent's columns by their order."""
    if path not in project.paths or not path.endswith(".sql"):
        return None, False
    text = project.read(path)
    if "*" not in text:
        return None, False
    template = Template(text)
    known = project.graph.nodes.get(parent)
    names = dict.fromkeys(known.columns) if known is not None else {}

    def given(number: int) -> Relation:
        columns = {name: None for name in names if name not in fresh}
        return Relation(dict(columns), dict.fromkeys(fresh, number), not columns, {}, {number})

    tables = Tables(project, template.masks, child, parent, template.set_tables)
    output, positional = None, False
    for part in template.parts:
        read = read_part(template, part, tables, given, project.manifest.dialect)
        for reading in read.readings:
            if reading.bound.reads:
                output = output or reading.bound.output
                positional = positional or bool(reading.bound.positional)
    return output, positional
