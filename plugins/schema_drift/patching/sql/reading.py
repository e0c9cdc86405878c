"""A part of a file, read: each of its variants as SQL, with what its names mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugins.core.project import Manifest, Resource
from plugins.core.sql.template import Part, Piece, Template
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql.binding import Binder
from plugins.schema_drift.patching.sql.scope import Bound, Relation

_TRIES = 20


@dataclass(frozen=True)
class Reading:
    """One variant of a part: its masked text, what it is as SQL, and what its names mean."""

    masked: str
    tree: exp.Expr
    bound: Bound


@dataclass(frozen=True)
class PartRead:
    """All readings of a part. unread: places of text that no reading holds. error: why, if there is none."""

    template: Template
    part: Part
    readings: tuple[Reading, ...]
    unread: tuple[tuple[int, int], ...] = ()
    error: str = ""

    @property
    def reads_it(self) -> bool:
        """Whether the drifted table is read here."""
        return any(reading.bound.reads for reading in self.readings)


@dataclass(frozen=True)
class Tables:
    """What the tables of one file are. drifted: the id of the node whose columns changed.

    names: tables by the names that Jinja sets to them. handed: names of arguments that are the drifted table.
    """

    project: PatchedProject
    masks: Mapping[str, Piece]
    node: str | None
    drifted: str
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    handed: frozenset[str] = frozenset()

    def relation(self, table: exp.Table) -> Relation | None:
        """What a table gives; None if it is the drifted one."""
        node = self.node_of(table)
        if node == self.drifted:
            return None
        known = self.project.graph.nodes.get(node or "")
        if known is None or not known.columns:
            return Relation(is_open=True)
        return Relation(dict.fromkeys(known.columns), is_open=True, written=dict(known.columns))

    def called(self, table: exp.Table) -> str:
        """The name that its columns may be qualified with."""
        node = self.node_of(table)
        resource = self.project.manifest.resources.get(node or "")
        return resource.identifier if resource is not None else table.name.lower()

    def node_of(self, table: exp.Table) -> str | None:
        """The id of the node that a table is; None: none of the project's."""
        piece = self.masks.get(table.name)
        if piece is None:
            names = [part.name.lower() for part in table.parts]
            known = self.project.manifest.names
            return (known.get(tuple(names)) or known.get(tuple(names[-2:]))) if len(names) > 1 else None
        code = piece.code.strip()
        if code in self.handed:
            return self.drifted
        named = piece.table or self.names.get(code)
        if named is None:
            return None
        return self.node if named == ("this",) else find_node(self.project.manifest, named)


def find_node(manifest: Manifest, named: Sequence[str]) -> str | None:
    """The id of what `ref()` or `source()` names."""
    nodes = _by_name(manifest)
    return nodes.get(tuple(named)) or nodes.get((named[0], named[-1]) if named[0] == "ref" else tuple(named))


_names: dict[int, tuple[Manifest, dict[tuple[str, ...], str]]] = {}


def _by_name(manifest: Manifest) -> dict[tuple[str, ...], str]:
    kept = _names.get(id(manifest))
    if kept is not None and kept[0] is manifest:
        return kept[1]
    found: dict[tuple[str, ...], str] = {}
    for resource in manifest.resources.values():
        for name in _names_of(resource):
            found.setdefault(name, resource.id)
    _names.clear()
    _names[id(manifest)] = (manifest, found)
    return found


def _names_of(resource: Resource) -> list[tuple[str, ...]]:
    if resource.kind == "source":
        return [("source", *resource.id.split(".")[2:4])]
    return [("ref", resource.package, resource.name), ("ref", resource.name)]


def read_part(
    template: Template,
    part: Part,
    tables: Tables,
    drifted: Callable[[int], Relation],
    dialect: str,
    passes: bool = False,
) -> PartRead:
    """Read every variant of a part that is SQL. Nothing is raised: what can't be read is in `unread`."""
    readings: list[Reading] = []
    covered = bytearray(len(template.text))
    error = ""
    for masked in dict.fromkeys(template.variants(part)):
        found = _parse(template, part, masked, dialect)
        if isinstance(found, str):
            error = error or found
            continue
        text, tree = found
        try:
            bound = Binder(tables, drifted, passes).read(tree)
        except RecursionError:
            error = error or "it is nested too deeply to be read"
            continue
        readings.append(Reading(text, tree, bound))
        for match in re.finditer(r"\S+", text):
            covered[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    unread = _unread(template, part, covered)
    return PartRead(template, part, tuple(readings), unread, "" if readings else error)


def _unread(template: Template, part: Part, covered: bytearray) -> tuple[tuple[int, int], ...]:
    """Words of the part, outside its Jinja, that no reading holds."""
    jinja = bytearray(len(template.text))
    for start, end in [(piece.start, piece.end) for piece in template.pieces] + [
        *part.without,
        *template.kept(part),
    ]:
        jinja[start:end] = b"\1" * (end - start)
    found = re.finditer(r"\S+", template.text[part.start : part.end])
    places = [(m.start() + part.start, m.end() + part.start) for m in found]
    return tuple(
        (start, end) for start, end in places if not all(covered[at] or jinja[at] for at in range(start, end))
    )


def _parse(template: Template, part: Part, masked: str, dialect: str) -> tuple[str, exp.Expr] | str:
    """The masked text that could be read and its tree; else the first complaint.

    What Jinja prints stands for a name; where no name can stand, it is taken for a clause, and left out.
    """
    blanked: set[int] = set()
    first = ""
    for _ in range(_TRIES):
        if not masked.strip():
            return "it holds no SQL"
        try:
            trees = [tree for tree in sqlglot.parse(masked, dialect=dialect) if tree is not None]
        except (SqlglotError, RecursionError) as error:
            first = first or _complaint(error)
            piece = _nearest(template, part, masked, blanked, error)
            if piece is None:
                return first
            blanked.add(piece.start)
            spaces = re.sub(r"[^\n]", " ", template.text[piece.start : piece.end])
            masked = masked[: piece.start] + spaces + masked[piece.end :]
            continue
        if len(trees) != 1 or not isinstance(trees[0], exp.Query):
            return "it is no single query"
        return masked, trees[0]
    return first


def _complaint(error: BaseException) -> str:
    errors = getattr(error, "errors", None)
    if errors:
        return f"{errors[0].get('description')} (line {errors[0].get('line')})"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _nearest(template: Template, part: Part, masked: str, blanked: set[int], error: BaseException) -> Piece | None:
    """The printed piece before the place of a parse error that may be a clause rather than a name."""
    errors = getattr(error, "errors", None) or [{}]
    line, column = errors[0].get("line"), errors[0].get("col")
    at = len(masked)
    if isinstance(line, int) and isinstance(column, int):
        starts = [0, *(match.end() for match in re.finditer("\n", masked))]
        at = (starts[line - 1] if line <= len(starts) else 0) + column
    found = [
        piece
        for piece in template.inside(part)
        if not piece.is_silent
        and piece.table is None
        and piece.start not in blanked
        and masked[piece.start : piece.start + 2] == "_j"
    ]
    before = [piece for piece in found if piece.start <= at]
    return before[-1] if before else None
