"""Records' JSON schemas as the manifest has them: references written out, recursion and depth cut, text made
harmless."""

from __future__ import annotations

from typing import Any

from plugins.connectors.spec.references import reference_of
from plugins.connectors.spec.shapes import Shape, Shapes

_DEEPEST = 5
_MOST = 1500
_TYPES = ("string", "integer", "number", "boolean")


def record_schema(raw: Any, shape: Shape, shapes: Shapes, where: str) -> dict[str, Any]:
    """A schema without references of one record; an object of unknown properties where recursion was cut."""
    writer = _Writer(shapes, where)
    written = writer.object(shape, 0, (id(raw),))
    written.setdefault("properties", {})
    return {"$schema": "http://json-schema.org/draft-07/schema#", **written, "additionalProperties": True}


class _Writer:
    def __init__(self, shapes: Shapes, where: str) -> None:
        self._shapes, self._where = shapes, where
        self._left = _MOST

    def object(self, shape: Shape, depth: int, above: tuple[Any, ...]) -> dict[str, Any]:
        written: dict[str, Any] = {"type": "object" if depth == 0 else ["object", "null"]}
        properties = {}
        for name, raw in shape.properties.items():
            # `$ref`, `$parameters` and the like mean something to airbyte-cdk wherever they stand.
            if name.startswith("$") or not name or self._left <= 0:
                continue
            self._left -= 1
            properties[name] = self._value(raw, depth + 1, above)
        if properties:
            written["properties"] = properties
        return written

    def _value(self, raw: Any, depth: int, above: tuple[Any, ...]) -> dict[str, Any]:
        mark = reference_of(raw) or id(raw)
        shape = self._shapes.of(raw, self._where)
        if shape.kind in _TYPES:
            return self._scalar(shape)
        if mark in above or depth > _DEEPEST:
            return (
                {"type": ["array", "null"]}
                if shape.kind == "array"
                else {"type": ["object", "null"]}
                if shape.kind == "object"
                else {}
            )
        if shape.kind == "object":
            return self.object(shape, depth, (*above, mark))
        if shape.kind == "array":
            items = self._value(shape.items, depth + 1, (*above, mark)) if shape.items is not None else {}
            return {"type": ["array", "null"], **({"items": items} if items else {})}
        return {}

    def _scalar(self, shape: Shape) -> dict[str, Any]:
        written: dict[str, Any] = {"type": [shape.kind, "null"]}
        if shape.format in ("date", "date-time") and shape.kind == "string":
            written["format"] = shape.format
        return written
