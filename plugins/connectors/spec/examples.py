"""Schemas from what a spec shows instead of describing: example values, and JSON in prose."""

from __future__ import annotations

import json
import re
from typing import Any

_DEEPEST = 8
_ITEMS = 5
_FENCE = re.compile(r"```[\w+-]*\s*\n(.*?)```", re.DOTALL)
_KEY = re.compile(r'\s*["\']([\w .$@-]{1,80})["\']\s*(?::|=>)\s*')
_REMARK = re.compile(r"(?<!:)//[^\n]*|(?<=[\s{\[,])# [^\n\"]*$", re.MULTILINE)
_WORD_TYPES = (
    ("array", re.compile(r"\barray\b", re.I)),
    ("boolean", re.compile(r"\bbool(ean)?\b|^\s*(true|false)\b", re.I)),
    ("integer", re.compile(r"\b(int|integer|long)\b|^\s*-?\d+\s*,?\s*$", re.I)),
    ("number", re.compile(r"\b(number|float|double|decimal)\b|^\s*-?\d+\.\d+", re.I)),
    ("object", re.compile(r"\b(object|hash|dictionary)\b", re.I)),
)


def schema_of(value: Any, depth: int = 0) -> dict[str, Any]:
    """A JSON schema that the example `value` fits; of a list, what its first items have between them."""
    if isinstance(value, dict) and depth < _DEEPEST:
        return {
            "type": "object",
            "properties": {str(name): schema_of(item, depth + 1) for name, item in value.items()},
        }
    if isinstance(value, list):
        items = [schema_of(item, depth + 1) for item in value[:_ITEMS]]
        properties: dict[str, Any] = {}
        for item in items:
            properties = {**item.get("properties", {}), **properties}
        merged = {**items[0], **({"properties": properties} if properties else {})} if items else {}
        return {"type": "array", "items": merged}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer", "example": value}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, str):
        return {"type": "string", "example": value[:200]}
    return {"type": "object"} if isinstance(value, dict) else {}


def read_example(value: Any) -> Any:
    """An example, parsed if it is JSON in a text; None if it says nothing."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, (dict, list)) and value else None


def schema_in_prose(text: str) -> dict[str, Any] | None:
    """The schema that a JSON block in Markdown sketches, `"id": (string) the identifier` and the like included.

    Of several blocks the first with a list of objects counts, else the first. None if there is none.
    """
    found = [schema for block in _FENCE.findall(text) if (schema := _Sketch(block).schema())]
    return next((schema for schema in found if _has_list(schema)), found[0] if found else None)


def _has_list(schema: dict[str, Any]) -> bool:
    parts = [schema, *schema.get("properties", {}).values()]
    return any(part.get("type") == "array" and part.get("items", {}).get("properties") for part in parts)


class _Sketch:
    """Reads JSON as people sketch it: types in words for values, dots for more, comments, commas forgotten."""

    def __init__(self, block: str) -> None:
        start = re.search(r"^[ \t]*[{\[]", block, re.MULTILINE)
        self._text = _REMARK.sub("", block[start.start() :])[:20_000] if start else ""
        self._at = 0

    def schema(self) -> dict[str, Any] | None:
        if not self._text:
            return None
        found = self._value(0)
        return found if found.get("properties") or found.get("items") else None

    def _value(self, depth: int) -> dict[str, Any]:
        self._skip(" \t\n\r")
        opening = self._peek()
        if opening == "{" and depth < _DEEPEST:
            return self._object(depth)
        if opening == "[" and depth < _DEEPEST:
            self._at += 1
            items = self._items(depth + 1)
            self._until("]")
            return {"type": "array", "items": items}
        return self._words(depth)

    def _items(self, depth: int) -> dict[str, Any]:
        """What is in a list: a value, or keys without braces around them, perhaps after a remark."""
        announced = re.compile(r'\s*[^"{}\[\]\n]+\]?:?\s*\n(?=\s*")').match(self._text, self._at)
        start = announced.end() if announced else self._at
        if _KEY.match(self._text, start):
            self._at = start
            return self._object(depth, "]")
        return self._value(depth)

    def _object(self, depth: int, closing: str = "}") -> dict[str, Any]:
        self._at += closing == "}"
        properties: dict[str, Any] = {}
        while self._at < len(self._text):
            self._skip(" \t\n\r,;")
            if self._peek() == closing:
                self._at += closing == "}"
                break
            if key := _KEY.match(self._text, self._at):
                self._at = key.end()
                properties[key[1]] = self._value(depth + 1)
            else:
                self._line()
        return {"type": "object", "properties": properties}

    def _words(self, depth: int) -> dict[str, Any]:
        """A value that is told in words, up to the end of its line; a bracket in it opens what the words
        announce."""
        line_end = self._text.find("\n", self._at)
        line_end = len(self._text) if line_end < 0 else line_end
        line = self._text[self._at : line_end]
        bare = re.sub(r"\([^)]*\)|\"[^\"]*\"", lambda found: "·" * len(found[0]), line)
        opening = re.search(r"[{\[]\s*$", bare)
        if opening and depth < _DEEPEST:
            self._at += opening.start()
            return {**self._value(depth), "description": line[: opening.start()].strip()}
        closing = re.search(r"[}\]]", bare)
        self._at += closing.start() if closing else len(line)
        words = line[: closing.start()] if closing else line
        kind = next((kind for kind, pattern in _WORD_TYPES if pattern.search(words[:60])), "string")
        return {"type": kind, "description": words.strip(' ,"')[:300]}

    def _line(self) -> None:
        """Skip what is no key: dots, remarks."""
        found = re.compile(r"[}\]\n]").search(self._text, self._at + 1)
        self._at = found.start() if found else len(self._text)

    def _until(self, closing: str) -> None:
        found = self._text.find(closing, self._at)
        self._at = found + 1 if found >= 0 else len(self._text)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, characters: str) -> None:
        while self._at < len(self._text) and self._text[self._at] in characters:
            self._at += 1
