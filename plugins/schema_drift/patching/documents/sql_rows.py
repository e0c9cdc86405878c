"""Rows written as SQL: literals under the name of a column, with the values that the source gives now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from plugins.schema_drift.patching.documents.fixtures import Unconvertible, move_row
from plugins.schema_drift.patching.documents.fragments import mentions
from plugins.schema_drift.patching.documents.shift import Shift

_BETWEEN = re.compile(r"(?i)\bunion\s+(?:all\s+|distinct\s+)?(?:by\s+name\s+)?(?=select\b)")
# A literal that is all of an entry of a select list, but for a cast, and its name.
_ENTRY = re.compile(
    r"""(?ix) (?: \bselect\s | , ) \s* (?P<literal> '(?:[^']|'')*' | -?\d+(?:\.\d+)? | (?:null|true|false)\b )
    (?: \s*::\s*\w+ (?:\(\s*\d+(?:\s*,\s*\d+)?\s*\))? )? \s+as\s+ (?: "(?P<quoted>[^"]+)" | (?P<name>\w+) )"""
)


def sql_parts(text: str, shift: Shift) -> list[tuple[int, int, str]]:
    """(start, end, new) of each literal that is given differently now. Raises Unconvertible."""
    parts: list[tuple[int, int, str]] = []
    reads = {name for one in shift.supplies for name in one.reads}
    for start, row in _rows(text):
        found = {(one["quoted"] or one["name"]): one for one in _ENTRY.finditer(row)}
        known = {name: match for name, match in found.items() if shift.find(name, shift.before) is not None}
        named = {one.lower() for one in mentions(row, list(reads))}
        if not named <= {name.lower() for name in known}:
            raise Unconvertible("these rows are SQL; give the values as the source gives them now")
        move = move_row({name: _value(match["literal"]) for name, match in known.items()}, shift)
        if move.added or None in move.names.values():
            raise Unconvertible("these rows are SQL; give the columns that the source has now")
        for name, value in move.values.items():
            literal = known[name]["literal"]
            at = start + known[name].start("literal")
            parts.append((at, at + len(literal), _written(value, literal)))
    return [one for one in parts if text[one[0] : one[1]] != one[2]]


def _rows(text: str) -> Iterator[tuple[int, str]]:
    """(place, text) of each select."""
    start = 0
    for match in _BETWEEN.finditer(text):
        yield start, text[start : match.start()]
        start = match.end()
    yield start, text[start:]


def _value(literal: str) -> Any:
    words: Mapping[str, Any] = {"null": None, "true": True, "false": False}
    if literal.lower() in words:
        return words[literal.lower()]
    return literal[1:-1].replace("''", "'") if literal.startswith("'") else literal


def _written(value: Any, like: str) -> str:
    """A value as SQL, quoted where the one in its place was."""
    if value is None or isinstance(value, bool):
        return str(value).lower() if value is not None else "null"
    if isinstance(value, str) or like.startswith("'"):
        return "'" + str(value).replace("'", "''") + "'"
    return str(value)
