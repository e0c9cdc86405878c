"""One file on its way: its changes, and the questions that it leaves."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import Node, ScalarNode

from plugins.core.editing.yaml_editor import YamlEditor
from plugins.core.editing.yaml_scalars import value_of
from plugins.schema_drift.change import Drift
from plugins.schema_drift.patching.documents.fragments import (
    Fragment,
    has_braces,
    is_plain_name,
    mentions,
    rename_in_sql,
)
from plugins.schema_drift.patching.documents.shift import Shift
from plugins.schema_drift.patching.patch import Question
from plugins.schema_drift.patching.project import PatchedProject

_NODE = re.compile(r"\b(ref|source)\s*\(\s*((?:['\"][^'\"]*['\"]\s*,?\s*)+)")
# What stands before it has its quotes closed.
_COMMENT = re.compile(r"""(?:[^'"#]|'[^']*'|"[^"]*"|(?<=\S)#)*?(?:^|(?<=\s))#(.*)""")
_STRING = re.compile(r"['\"]([^'\"]*)['\"]")


@dataclass(frozen=True)
class Plan:
    """What all documents are changed by.

    shifts: by node id, in the warehouse's names. upstream: by the same ids, in the source's own names.
    """

    project: PatchedProject
    drift: Drift
    shifts: Mapping[str, Shift]
    upstream: Mapping[str, Shift]

    @cached_property
    def dialect(self) -> str:
        """sqlglot's name of the project's SQL."""
        return self.project.manifest.dialect

    @cached_property
    def named(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Node ids by kind and name; several of a versioned model."""
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        for resource in self.project.manifest.resources.values():
            key = (resource.kind, resource.name)
            found[key] = (*found.get(key, ()), resource.id)
        return found

    @cached_property
    def descriptions(self) -> dict[str, set[str]]:
        """What the project says of columns, by their lower-case names."""
        found: dict[str, set[str]] = {}
        document = self.project.manifest.document
        for section in ("sources", "nodes"):
            for node in document.get(section, {}).values():
                for column in (node.get("columns") or {}).values():
                    if text := (column.get("description") or "").strip():
                        found.setdefault(str(column.get("name", "")).lower(), set()).add(text)
        return found

    @cached_property
    def marks_personal_data(self) -> Literal["meta", "tag"] | None:
        """How the project marks columns of personal data, if it marks any."""
        document = self.project.manifest.document
        for section in ("sources", "nodes"):
            for node in document.get(section, {}).values():
                for column in (node.get("columns") or {}).values():
                    config = column.get("config") or {}
                    if "pii" in {**(column.get("meta") or {}), **(config.get("meta") or {})}:
                        return "meta"
                    if "pii" in (*(column.get("tags") or ()), *(config.get("tags") or ())):
                        return "tag"
        return None

    @cached_property
    def specs(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """(path of source.yml, its streams) by source system."""
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        for path in self.project.paths:
            pure = PurePosixPath(path)
            if pure.name not in ("source.yml", "source.yaml"):
                continue
            try:
                spec: Any = YAML(typ="safe", pure=True).load(self.project.read(path))
            except YAMLError:
                # Whoever edits it says that it can't be read.
                continue
            if isinstance(spec, dict) and isinstance(spec.get("streams"), list):
                names = tuple(str(one.get("name")) for one in spec["streams"] if isinstance(one, dict))
                found[str(spec.get("name") or pure.parent.name)] = (path, names)
        return found

    def nodes(self, reference: str) -> tuple[str, ...]:
        """What `ref('x')` or `source('a', 'b')` in a text means; empty: nothing that is known."""
        call = _NODE.search(reference)
        if call is None:
            return ()
        names = _STRING.findall(call[2])
        if call[1] == "source":
            return self.named.get(("source", ".".join(names[:2])), ())
        return tuple(i for kind in ("model", "snapshot", "seed") for i in self.named.get((kind, names[-1]), ()))

    def shift(self, nodes: Collection[str]) -> Shift | None:
        """How one of some nodes differs; None: none of them does."""
        return next((self.shifts[node] for node in nodes if node in self.shifts), None)

    def tables(self, nodes: Collection[str]) -> set[str]:
        """Lower-case names by which SQL may call nodes."""
        found: set[str] = set()
        for node in nodes:
            resource = self.project.manifest.resources.get(node)
            if resource is not None:
                found |= {resource.identifier, resource.name.lower().rpartition(".")[2]}
        return found


@dataclass
class Document:
    """A YAML file that is edited."""

    path: str
    editor: YamlEditor
    plan: Plan
    questions: list[Question] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def ask(self, text: str, node: Node | None = None, *, is_minor: bool = False) -> None:
        """A question about a place of this file."""
        self.questions.append(Question(text, self.path, self.editor.line(node) if node else 0, is_minor))

    def tell(self, what: str) -> None:
        """One thing that was done, for people."""
        if what not in self.done:
            self.done.append(what)

    def set_name(self, node: Node, name: str) -> bool:
        """A column's name in the place of another; a name that would be rendered as Jinja is never written."""
        if has_braces(name):
            self.ask("the new name of this column holds Jinja braces; write it by hand", node)
            return False
        if not self.editor.set_text(node, name):
            self.ask("this stands below a YAML anchor that is used elsewhere too; change it by hand", node)
            return False
        return True

    def set_column(self, node: Node, shift: Shift, *, also_followed: bool = True) -> bool:
        """A scalar that is a column's name, and nothing else; asked about if the column is gone."""
        if not isinstance(node, ScalarNode):
            return False
        name = str(node.value)
        names = shift.newest if also_followed else shift.renamed
        key = shift.find(name, names)
        if key is not None:
            return self.set_name(node, names[key])
        lost = shift.find(name, {*shift.replaced, *shift.removed})
        if lost is not None:
            news = shift.replaced.get(lost)
            became = f"; its values are in {', '.join(f'`{one}`' for one in news)} now" if news else ""
            self.ask(f"`{lost}` is gone{became}, and this names it", node)
        return False

    def set_sql(
        self,
        node: Node,
        shift: Shift,
        tables: Collection[str] = (),
        *,
        also_followed: bool = True,
        with_aliases: bool = False,
        more: Sequence[tuple[int, int, str]] = (),
    ) -> bool:
        """A scalar that is a piece of SQL over a table's columns. more: other edits of it: start, end, new."""
        if not isinstance(node, ScalarNode):
            return False
        names = shift.newest if also_followed else dict(shift.renamed)
        text = value_of(node)
        lost = mentions(text, [*shift.replaced, *shift.removed])
        if lost:
            self.ask(f"`{lost[0]}` is gone, and this SQL may read it", node)

        def find(name: str) -> str | None:
            key = shift.find(name, names)
            return names[key] if key is not None else None

        if any(has_braces(new) for old, new in names.items() if mentions(text, [old])):
            self.ask("the new name of a column in it holds Jinja braces; write it by hand", node)
            return False
        fragment = rename_in_sql(text, find, names, self.plan.dialect, tables, with_aliases=with_aliases)
        return self._set_parts(node, fragment, more)

    def _set_parts(self, node: Node, fragment: Fragment, more: Sequence[tuple[int, int, str]] = ()) -> bool:
        for doubt in fragment.doubts:
            self.ask(f"does this mean the column that changed? {doubt}", node)
        parts = [*fragment.parts, *more]
        if not parts:
            return False
        if not self.editor.set_parts(node, parts):
            self.ask("this SQL names a column that is called differently now; change it by hand", node)
            return False
        return True

    def ask_of_comments(self, entry: Node, names: Collection[str]) -> None:
        """Comments within an entry that speak of columns that are gone; nobody else can say what they mean."""
        start, end = self.editor.span(entry)
        at = start
        for line in self.editor.text[start:end].splitlines(keepends=True):
            comment = _COMMENT.match(line)
            for name in mentions(comment[1], names) if comment else ():
                text = f"this comment speaks of `{name}`, which is gone"
                self.questions.append(Question(text, self.path, self.editor.line_at(at), True))
            at += len(line)

    def is_writable(self, name: str) -> bool:
        """Whether a name can stand where a macro puts it into SQL as it is."""
        return is_plain_name(name, self.plan.dialect)
