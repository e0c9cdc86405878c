"""Many changes of one YAML file at once: values, keys, entries that come and go; every other character stays."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plugins.core.editing.edits import Edit, apply_edits
from plugins.core.editing.yaml_places import YamlText
from plugins.core.editing.yaml_scalars import content_start, in_style, inside
from plugins.core.editing.yaml_text import Flow, flow, lines, scalar
from plugins.core.errors import SmeltError

Box = MappingNode | SequenceNode
_ALIAS = re.compile(r"\*[^\s,\[\]{}]+")


@dataclass
class _Changes:
    """What comes and goes in one list or mapping; inserted: by the place of the entry before it."""

    box: Box
    removed: set[int] = field(default_factory=set)
    inserted: dict[int, list[Any]] = field(default_factory=dict)


class YamlEditor:
    """The changes of one file. Nothing below an alias is ever changed: it says the same in several places.

    Methods that change something answer whether they did.
    """

    def __init__(self, text: str) -> None:
        """Raises SmeltError if it is no YAML mapping."""
        self.text = text
        self.yaml = YamlText(text, _read(text))
        self.root = self.yaml.root
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._edits: list[Edit] = []
        self._boxes: dict[int, _Changes] = {}
        self._parents: dict[int, tuple[Box, int]] = {}
        self._shared: set[int] = set()
        self._known_spans: dict[int, list[tuple[int, int]]] = {}
        self._visit(self.root)

    def _visit(self, node: Node) -> None:
        if not isinstance(node, (MappingNode, SequenceNode)):
            return
        for place, entry in enumerate(node.value):
            for part in entry if isinstance(entry, tuple) else (entry,):
                if id(part) in self._parents or part is self.root:
                    self._shared.update(map(id, _below(part)))
                else:
                    self._parents[id(part)] = (node, place)
                    self._visit(part)

    # What stands where

    def line(self, node: Node) -> int:
        """The line of a node, from 1."""
        return node.start_mark.line + 1

    def line_at(self, at: int) -> int:
        """The line of a place, from 1."""
        return self.text.count("\n", 0, at) + 1

    def is_shared(self, node: Node) -> bool:
        """Whether it stands below an anchor that is used elsewhere too."""
        return id(node) in self._shared

    def parent(self, node: Node) -> Box | None:
        """The list or mapping that holds a node."""
        found = self._parents.get(id(node))
        return found[0] if found else None

    def span(self, node: Node) -> tuple[int, int]:
        """From the first character of a node to behind its last, comments and empty lines after it left out."""
        return node.start_mark.index, self._end(node)

    def in_flow(self, node: Node) -> bool:
        """Whether it stands within brackets or braces."""
        parent = self.parent(node)
        while parent is not None:
            if parent.flow_style:
                return True
            parent = self.parent(parent)
        return False

    # Changes

    def set_text(self, node: Node, text: str) -> bool:
        """Another text in the place of a scalar or key, in its quotes if it can be."""
        if not isinstance(node, ScalarNode) or self.is_shared(node):
            return False
        if node.style in ("|", ">"):
            return self.set_raw(node, in_style(text, '"', self.in_flow(node)))
        return self.set_raw(node, in_style(text, node.style, self.in_flow(node)))

    def set_value(self, node: Node, value: Any) -> bool:
        """Another value in the place of a scalar; a text as the scalar was quoted."""
        if isinstance(value, str) and isinstance(node, ScalarNode) and node.style in ("'", '"'):
            return self.set_text(node, value)
        return self.set_raw(node, scalar(value, in_flow=self.in_flow(node)))

    def set_raw(self, node: Node, source: str) -> bool:
        """A scalar replaced by YAML as given."""
        if not isinstance(node, ScalarNode) or self.is_shared(node):
            return False
        self._edits.append(Edit(content_start(self.text, node), self._end(node), source))
        return True

    def set_parts(self, node: Node, parts: Sequence[tuple[int, int, str]]) -> bool:
        """Parts of a scalar's value replaced, each (start, end, new) in the value."""
        if not isinstance(node, ScalarNode) or self.is_shared(node):
            return False
        edits = inside(self.text, node, parts, self.in_flow(node))
        self._edits += edits or []
        return edits is not None

    def remove(self, node: Node) -> bool:
        """Without an entry of a list, or without a key and its value (node: the key or the value)."""
        found = self._parents.get(id(node))
        if found is None or self.is_shared(node) or self.is_shared(found[0]):
            return False
        self._changes(found[0]).removed.add(found[1])
        return True

    def insert(self, box: SequenceNode, value: Any, after: Node | None = None, *, first: bool = False) -> bool:
        """A further entry of a list, behind one of it or at its end."""
        place = box.value.index(after) if after is not None else len(box.value) - 1
        return self._insert(box, value, -1 if first else place)

    def add_key(self, box: MappingNode, key: str, value: Any, after: str | None = None) -> bool:
        """A further key of a mapping, behind one of it or at its end."""
        keys = [str(name.value) for name, _ in box.value]
        place = keys.index(after) if after in keys else len(keys) - 1
        return self._insert(box, (key, value), place)

    def _insert(self, box: Box, value: Any, place: int) -> bool:
        if self.is_shared(box) or (not box.flow_style and not box.value):
            return False
        self._changes(box).inserted.setdefault(place, []).append(value)
        return True

    def _changes(self, box: Box) -> _Changes:
        return self._boxes.setdefault(id(box), _Changes(box))

    # The result

    def result(self) -> str:
        """The text with all changes. Raises SmeltError if they meet at one place, or it is no YAML then."""
        self._remove_emptied()
        removed: list[Edit] = []
        inserted: list[Edit] = []
        for changes in self._boxes.values():
            make = self._in_flow if changes.box.flow_style else self._in_block
            for edit in make(changes):
                (removed if not edit.text else inserted).append(edit)
        gone = [(edit.start, edit.end) for edit in removed]
        outer = [
            e for e in removed if not any(a <= e.start and e.end <= b for a, b in gone if (a, b) != _place(e))
        ]
        # What is inserted right before something that goes is kept.
        kept = [e for e in (*inserted, *self._edits) if not any(a <= e.start and a < e.end < b for a, b in gone)]
        everything = [*kept, *outer]
        text = apply_edits(self.text, sorted(everything, key=lambda edit: (edit.start, edit.end)))
        _read(text)
        return text

    def _remove_emptied(self) -> None:
        """A list or mapping of which nothing is left goes, with its key."""
        pending = list(self._boxes.values())
        while pending:
            changes = pending.pop()
            is_empty = len(changes.removed) == len(changes.box.value) and not changes.inserted
            found = self._parents.get(id(changes.box))
            if is_empty and changes.removed and found is not None and not self.is_shared(changes.box):
                outer = self._changes(found[0])
                outer.removed.add(found[1])
                pending.append(outer)

    def _in_flow(self, changes: _Changes) -> Iterator[Edit]:
        box, spans = changes.box, self._spans(changes.box)
        kept = [n for n in range(len(spans)) if n not in changes.removed]
        written = {n: [self._flow(v) for v in values] for n, values in changes.inserted.items()}
        if not kept:
            everything = ", ".join(text for _, texts in sorted(written.items()) for text in texts)
            start, end = (spans[0][0], spans[-1][1]) if spans else (self._opening(box),) * 2
            yield Edit(start, end, everything)
            return
        for place, texts in written.items():
            before = max((n for n in kept if n <= place), default=None)
            if before is None:
                yield Edit(spans[kept[0]][0], spans[kept[0]][0], "".join(f"{text}, " for text in texts))
            else:
                yield Edit(spans[before][1], spans[before][1], "".join(f", {text}" for text in texts))
        for first, last in _runs(changes.removed):
            if first > 0:
                yield Edit(spans[first - 1][1], spans[last][1], "")
            else:
                yield Edit(spans[0][0], spans[last + 1][0], "")

    def _in_block(self, changes: _Changes) -> Iterator[Edit]:
        box, spans = changes.box, self._spans(changes.box)
        is_spaced = self._is_spaced(spans)
        for place, values in changes.inserted.items():
            body = "".join(
                f"{self._newline if is_spaced else ''}{self._newline}{line}"
                for value in values
                for line in [self._newline.join(self._block(box, value))]
            )
            if place < 0:
                at = self._line_start(spans[0][0])
                yield Edit(at, at, f"{body.removeprefix(self._newline)}{self._newline}")
            elif place in changes.removed and body.startswith("\r"):
                at = self.yaml.line_end(spans[place][1])
                yield Edit(at, at, f"{body[1:]}\r")
            else:
                at = self._line_end(spans[place][1])
                yield Edit(at, at, body)
        is_beside_dash = self._shares_line(box)
        # One by one, so that comments between them stay.
        ends = changes.inserted if is_beside_dash else changes.removed
        for first, last in _runs(changes.removed, ends):
            if first == 0 and is_beside_dash and last + 1 < len(spans):
                yield Edit(spans[0][0], spans[last + 1][0], "")
                continue
            start, end = self._line_start(spans[first][0]), self.yaml.line_end(spans[last][1])
            if is_spaced and self.text[:start].strip():
                blank = re.search(r"\n(?:[ \t\r]*\n)+$", self.text[:start])
                start = blank.start() + 1 if blank else start
            yield Edit(start - 1, end, "") if start else Edit(0, min(len(self.text), end + 1), "")

    def _spans(self, box: Box) -> list[tuple[int, int]]:
        """Start and end of each entry, from its dash or key."""
        if id(box) not in self._known_spans:
            at, found = box.start_mark.index, []
            for entry in box.value:
                start, at = self._pair(entry) if isinstance(entry, tuple) else self._item(box, entry, at)
                found.append((start, at))
            self._known_spans[id(box)] = found
        return self._known_spans[id(box)]

    def _pair(self, entry: tuple[Node, Node]) -> tuple[int, int]:
        key, value = entry
        start, end = key.start_mark.index, self._end(key)
        colon = self.text.find(":", end)
        behind = colon + 1 if colon >= 0 and not self.text[end:colon].strip() else end
        if value.start_mark.index < end:
            return start, self._alias_end(behind)
        if value.start_mark.index == value.end_mark.index:
            return start, behind
        return start, self._end(value)

    def _item(self, box: Box, entry: Node, at: int) -> tuple[int, int]:
        """at: the end of the entry before, or the start of the list."""
        if box.flow_style:
            if entry.start_mark.index < at:
                start = self.text.index("*", at)
                return start, self._alias_end(start)
            return entry.start_mark.index, self._end(entry)
        start = self._dash(box, at)
        if entry.start_mark.index < start:
            return start, self._alias_end(start)
        if entry.start_mark.index == entry.end_mark.index:
            return start, start + 1
        return start, self._end(entry)

    def _alias_end(self, at: int) -> int:
        found = _ALIAS.search(self.text, at)
        return found.end() if found else at

    def _dash(self, box: Box, at: int) -> int:
        """The next dash of a block list at or behind a place."""
        if self.text.startswith("-", at) and at == box.start_mark.index:
            return at
        column = self._column(box)
        found = re.compile(rf"(?m)^ {{{column}}}-(?=\s|$)").search(self.text, at)
        return found.end() - 1 if found else at

    def _column(self, box: Box) -> int:
        """How far a block's keys or dashes are indented."""
        if isinstance(box, MappingNode):
            return box.value[0][0].start_mark.column
        if self.text.startswith("-", box.start_mark.index):
            return box.start_mark.column
        found = re.compile(r"(?m)^( *)-(?=\s|$)").search(self.text, box.start_mark.index)
        return len(found[1]) if found else box.start_mark.column

    def _end(self, node: Node) -> int:
        if isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style and node.value:
            return self._spans(node)[-1][1]
        return node.start_mark.index + len(
            self.text[node.start_mark.index : node.end_mark.index].rstrip(" \t\r\n")
        )

    def _opening(self, box: Box) -> int:
        brace = "{" if isinstance(box, MappingNode) else "["
        return self.text.index(brace, box.start_mark.index) + 1

    def _shares_line(self, box: Box) -> bool:
        """Whether a block's first entry stands behind a dash."""
        start = self._spans(box)[0][0]
        return bool(self.text[self._line_start(start) : start].strip())

    def _is_spaced(self, spans: list[tuple[int, int]]) -> bool:
        gaps = [self.text[one[1] : other[0]] for one, other in pairwise(spans)]
        return bool(gaps) and all(re.search(r"\n[ \t\r]*\n", gap) for gap in gaps)

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        end = self.text.find("\n", at)
        end = len(self.text) if end < 0 else end
        return end - 1 if self.text[end - 1 : end + 1] == "\r\n" else end

    def _flow(self, value: Any) -> str:
        return f"{scalar(value[0])}: {flow(value[1])}" if isinstance(value, tuple) else flow(value)

    def _block(self, box: Box, value: Any) -> list[str]:
        """The lines of a new entry, written like those beside it."""
        pad = " " * self._column(box)
        if isinstance(value, tuple):
            return [f"{pad}{line}" for line in lines({value[0]: value[1]})]
        if not isinstance(value, dict) or isinstance(value, Flow):
            return [f"{pad}- {flow(value)}"]
        offset = " " * self._offset(box)
        first, *rest = lines(value)
        return [f"{pad}-{offset[1:]}{first}", *(f"{pad}{offset}{line}" for line in rest)]

    def _offset(self, box: Box) -> int:
        """How far what follows a dash stands behind it."""
        for entry in box.value:
            if isinstance(entry, MappingNode) and not entry.flow_style and entry.value:
                offset = entry.value[0][0].start_mark.column - self._column(box)
                if 2 <= offset <= 8:
                    return offset
        return 2


def _read(text: str) -> MappingNode:
    """Nodes with their places, by libyaml, as dbt reads them: several times faster than in Python."""
    try:
        root = YAML(typ="safe").compose(text)
    except YAMLError:
        # Older versions of libyaml refuse times among braces, `{at: 2026-07-12T09:03:00}`, which dbt can read.
        try:
            yaml.compose(text, Loader=yaml.SafeLoader)
            root = YAML(typ="safe", pure=True).compose(text)
        except (YAMLError, yaml.YAMLError) as error:
            raise SmeltError(f"the YAML cannot be read: {str(error).splitlines()[0]}", "correct it") from error
    if not isinstance(root, MappingNode):
        raise SmeltError("the YAML has no sections", "correct it")
    return root


def _below(node: Node) -> Iterator[Node]:
    """A node and everything below it."""
    yield node
    if isinstance(node, (MappingNode, SequenceNode)):
        for entry in node.value:
            for part in entry if isinstance(entry, tuple) else (entry,):
                yield from _below(part)


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def _runs(numbers: Collection[int], ends: Collection[int] = ()) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of consecutive numbers; `ends` end one in any case."""
    ordered = sorted(numbers)
    start = 0
    for place in range(1, len(ordered) + 1):
        last = ordered[place - 1]
        if place == len(ordered) or ordered[place] != last + 1 or last in ends:
            yield ordered[start], last
            start = place
