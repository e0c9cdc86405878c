"""Where things stand in a YAML file, so that a change leaves every other character as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plugins.core.editing.edits import Edit
from plugins.core.editing.yaml_text import flow, lines
from plugins.core.errors import SmeltError


@dataclass(frozen=True)
class YamlText:
    """A YAML file. root: its nodes with their places."""

    text: str
    root: MappingNode

    @classmethod
    def read(cls, text: str) -> YamlText:
        """Raises SmeltError if it is no YAML mapping."""
        try:
            root = YAML(pure=True).compose(text)
        except YAMLError as error:
            raise SmeltError(f"the YAML cannot be read: {str(error).splitlines()[0]}", "correct it") from error
        if not isinstance(root, MappingNode):
            raise SmeltError("the YAML has no sections", "correct it")
        return cls(text, root)

    def named(self, section: str, name: str) -> MappingNode | None:
        """The entry of a section's list that has this name."""
        listed = child(self.root, section)
        return next(
            (e for e in items(listed) if isinstance(e, MappingNode) and text_of(child(e, "name")) == name), None
        )

    def end(self, node: Node) -> int:
        """Behind the last character of a node, without the comments and empty lines that follow."""
        if isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style and node.value:
            last = node.value[-1]
            return self.end(last[1] if isinstance(last, tuple) else last)
        end = node.end_mark.index
        return node.start_mark.index + len(self.text[node.start_mark.index : end].rstrip())

    def line_end(self, at: int) -> int:
        """The end of a place's line."""
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end

    def column(self, node: Node) -> int:
        """How far a node is indented; of a list, its dashes."""
        return node.start_mark.column

    def append(self, sequence: SequenceNode, values: list[Any], after: Node | None = None) -> list[Edit]:
        """Entries behind one of a list, or at its end; written like the list."""
        if sequence.flow_style:
            last = after or (sequence.value[-1] if sequence.value else None)
            at = self.end(last) if last is not None else sequence.start_mark.index + 1
            text = ", ".join(map(flow, values))
            return [Edit(at, at, f", {text}" if last is not None else text)]
        indent = self.column(sequence)
        at = self.line_end(self.end(after or sequence.value[-1]))
        gap = "\n" if self._is_spaced(sequence) else ""
        body = "".join(f"{gap}\n{line}" for value in values for line in ["\n".join(lines([value], indent))])
        return [Edit(at, at, body)]

    def remove(self, sequence: SequenceNode, entry: Node) -> Edit:
        """A list without one of its entries."""
        place = sequence.value.index(entry)
        if sequence.flow_style:
            if place:
                return Edit(self.end(sequence.value[place - 1]), self.end(entry), "")
            stop = sequence.value[1].start_mark.index if len(sequence.value) > 1 else self.end(entry)
            return Edit(entry.start_mark.index, stop, "")
        start = self.text.rfind("\n", 0, entry.start_mark.index)
        if place and self._is_spaced(sequence):
            start = self.line_end(self.end(sequence.value[place - 1]))
        return Edit(start, self.line_end(self.end(entry)), "")

    def set_scalar(self, node: Node, text: str) -> Edit:
        """Another text in the place of a scalar, with its quotes."""
        start, end = node.start_mark.index, self.end(node)
        quote = self.text[start] if self.text[start] in "'\"" else ""
        return Edit(start, end, f"{quote}{text}{quote}")

    def add_key(self, mapping: MappingNode, key: str, value: str) -> Edit:
        """A further `key: value` at the end of a mapping. value: as YAML."""
        last = mapping.value[-1][1]
        at = self.end(last)
        if mapping.flow_style:
            return Edit(at, at, f", {key}: {value}")
        at = self.line_end(at)
        return Edit(at, at, f"\n{' ' * mapping.start_mark.column}{key}: {value}")

    def _is_spaced(self, sequence: SequenceNode) -> bool:
        """Whether empty lines stand between entries."""
        pairs = zip(sequence.value, sequence.value[1:], strict=False)
        gaps = [self.text[self.end(one) : other.start_mark.index] for one, other in pairs]
        return bool(gaps) and all("\n\n" in gap for gap in gaps)


def child(node: Node | None, key: str) -> Node | None:
    """The value of a key of a mapping."""
    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def items(node: Node | None) -> list[Node]:
    """The entries of a list."""
    return list(node.value) if isinstance(node, SequenceNode) else []


def text_of(node: Node | None) -> str:
    """A scalar's text; "" of anything else."""
    return str(node.value) if isinstance(node, ScalarNode) else ""


def sequences(node: Node | None) -> Iterator[SequenceNode]:
    """All lists below a node."""
    if isinstance(node, SequenceNode):
        yield node
        for one in node.value:
            yield from sequences(one)
    elif isinstance(node, MappingNode):
        for _, value in node.value:
            yield from sequences(value)


def pairs(node: Node | None) -> dict[str, tuple[Node, Node]]:
    """(key, value) nodes of a mapping by key."""
    return {str(k.value): (k, v) for k, v in node.value} if isinstance(node, MappingNode) else {}


def plain(node: Node) -> Any:
    """What a node holds, as Python values."""
    if isinstance(node, MappingNode):
        return {str(k.value): plain(v) for k, v in node.value}
    if isinstance(node, SequenceNode):
        return [plain(v) for v in node.value]
    loader = YAML(typ="safe", pure=True)
    return SafeConstructor(loader=loader).construct_object(node)
