"""Single values of a YAML file: where their characters stand, and another text in their place and style."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ruamel.yaml.nodes import ScalarNode

from plugins.core.editing.edits import Edit
from plugins.core.editing.yaml_text import double_quoted, is_plain

_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r\n|.)", re.DOTALL)
_PROPERTY = re.compile(r"[&!][^\s]*\s+")
_SAFE_INSIDE = re.compile(r"[\w$.()<>=+/ -]+")


def in_style(text: str, style: str | None, in_flow: bool) -> str:
    """A text on one line, in the quotes of what it replaces, if it can be; in double quotes otherwise.

    >>> in_style("it's", "'", False)
    "'it''s'"
    """
    if style == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    if style in (None, "") and is_plain(text, in_flow):
        return text
    return double_quoted(text)


def content_start(text: str, node: ScalarNode) -> int:
    """Where a scalar begins, behind its anchor and tag."""
    at = node.start_mark.index
    while found := _PROPERTY.match(text, at, node.end_mark.index):
        at = found.end()
    return at


def value_of(node: ScalarNode) -> str:
    """A scalar's value; of a folded text, without the marks of folds."""
    return str(node.value).replace("\a", " ") if node.style == ">" else str(node.value)


def places(text: str, node: ScalarNode) -> list[tuple[int, int]] | None:
    """Where each character of a scalar's value stands; (-1, -1) of white space, which YAML may fold.

    None if value and text cannot be brought together.
    """
    units = [unit for unit in _units(text, node) if not unit[2].isspace()]
    found, at = [], 0
    for character in value_of(node):
        if character.isspace():
            found.append((-1, -1))
            continue
        if at >= len(units) or units[at][2] != character:
            return None
        found.append(units[at][:2])
        at += 1
    return found if at == len(units) else None


def _units(text: str, node: ScalarNode) -> Iterator[tuple[int, int, str]]:
    """(start, end, what it stands for) of each character or escape of a scalar's source."""
    at, stop = content_start(text, node), node.end_mark.index
    if node.style in ("'", '"'):
        at, stop = at + 1, stop - 1
    elif node.style in ("|", ">"):
        at = min(stop, text.find("\n", at) + 1)
    while at < stop:
        end, meant = at + 1, text[at]
        if node.style == "'" and text.startswith("''", at):
            end = at + 2
        elif node.style == '"' and (escape := _ESCAPE.match(text, at, stop)):
            end, meant = escape.end(), _unescaped(escape[0])
        yield at, end, meant
        at = end


def _unescaped(escape: str) -> str:
    kind = escape[1]
    if kind in "xuU":
        return chr(int(escape[2:], 16))
    return {"0": "\0", "a": "\a", "b": "\b", "v": "\v", "f": "\f", "e": "\x1b"}.get(
        kind, " " if kind in "tnrN_LP \r\n\t" else kind
    )


def inside(text: str, node: ScalarNode, parts: Sequence[tuple[int, int, str]], in_flow: bool) -> list[Edit] | None:
    """Parts of a scalar's value replaced, each (start, end, new) in the value; the rest as it is written.

    None if it cannot be done without touching the rest.
    """
    where = places(text, node)
    if where is None or any(not new or "\n" in new for _, _, new in parts):
        return None
    if node.style in ("", None) and not all(_SAFE_INSIDE.fullmatch(new) for _, _, new in parts):
        return _rewritten(text, node, parts, in_flow)
    edits = []
    for start, end, new in parts:
        if not where[start:end] or -1 in (where[start][0], where[end - 1][0]):
            return None
        edits.append(Edit(where[start][0], where[end - 1][1], _escaped(new, node.style)))
    return edits


def _rewritten(
    text: str, node: ScalarNode, parts: Sequence[tuple[int, int, str]], in_flow: bool
) -> list[Edit] | None:
    """A plain scalar written anew, with the quotes that it needs now; of several lines, it is left."""
    start = content_start(text, node)
    if "\n" in text[start : node.end_mark.index]:
        return None
    value, at, pieces = value_of(node), 0, []
    for begin, end, new in sorted(parts):
        pieces += [value[at:begin], new]
        at = end
    return [Edit(start, node.end_mark.index, in_style("".join([*pieces, value[at:]]), None, in_flow))]


def _escaped(text: str, style: str | None) -> str:
    if style == "'":
        return text.replace("'", "''")
    return double_quoted(text)[1:-1] if style == '"' else text
