"""JSON schemas as the inference sees them: references resolved, `allOf` merged, alternatives united, one level
at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from plugins.connectors.spec.references import References, name_in, reference_of

_MERGED = 200
_TYPES = ("object", "array", "string", "integer", "number", "boolean")


@dataclass(frozen=True)
class Shape:
    """One level of a schema. `properties`, `items` and `values` are raw schemas, to be looked at when needed."""

    kind: str = "unknown"  # one of _TYPES, or unknown
    name: str = ""  # what references called it
    properties: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: Any = None
    values: Any = None  # of an object that is a map
    format: str = ""
    description: str = ""
    enum: tuple[Any, ...] = ()
    example: Any = None
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    is_read_only: bool = False
    is_lost: bool = False  # its reference is broken

    @property
    def is_scalar(self) -> bool:
        """Whether it holds one value."""
        return self.kind in ("string", "integer", "number", "boolean")


class Shapes:
    """Shapes of raw schemas, each made once."""

    def __init__(self, references: References) -> None:
        self._references = references
        # With each shape its schema: an id is only good while its object lives.
        self._known: dict[int, tuple[Any, Shape]] = {}
        self._open: set[int] = set()

    def of(self, raw: Any, where: str) -> Shape:
        """The shape of `raw`; unknown where it is no schema, lost where its reference is broken."""
        if not isinstance(raw, dict):
            return Shape()
        if id(raw) in self._known:
            return self._known[id(raw)][1]
        if id(raw) in self._open:
            return Shape(kind="object", name=name_in(reference_of(raw) or ""))
        self._open.add(id(raw))
        try:
            shape = self._made(raw, where)
        finally:
            self._open.discard(id(raw))
        self._known[id(raw)] = (raw, shape)
        return shape

    def property_of(self, shape: Shape, name: str, where: str) -> Shape:
        """The shape of one property."""
        return self.of(shape.properties.get(name), where)

    def _made(self, raw: dict[str, Any], where: str) -> Shape:
        if (reference := reference_of(raw)) is not None:
            target = self._references.resolve(raw, where)
            if not isinstance(target, dict):
                return Shape(name=name_in(reference), is_lost=True)
            found = self.of(target, where)
            return found if found.name else replace(found, name=name_in(reference))
        shape = _own(raw)
        for part in _schemas(raw.get("allOf"))[:_MERGED]:
            shape = _merged(shape, self.of(part, where))
        for keyword in ("oneOf", "anyOf"):
            choices = [part for part in _schemas(raw.get(keyword)) if part.get("type") != "null"][:_MERGED]
            if choices:
                shape = _merged(shape, _united([self.of(part, where) for part in choices]))
        return shape


def _schemas(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _own(raw: dict[str, Any]) -> Shape:
    kinds = raw.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    kind = next((one for one in kinds if one in _TYPES), "unknown")
    properties = raw.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    if properties and kind in ("unknown", "string"):
        kind = "object"
    elif kind == "unknown" and "items" in raw:
        kind = "array"
    values = raw.get("additionalProperties")
    if isinstance(values, dict) and values and kind == "unknown":
        kind = "object"
    required = raw.get("required")
    enum = raw.get("enum")
    examples = raw.get("examples")
    first = examples[0] if isinstance(examples, list) and examples else None
    return Shape(
        kind=kind,
        name=_text(raw.get("title")) if kind == "object" and " " not in _text(raw.get("title")) else "",
        properties={str(name): part for name, part in properties.items()},
        required=frozenset(name for name in required if isinstance(name, str))
        if isinstance(required, list)
        else frozenset(),
        items=raw.get("items"),
        values=values if isinstance(values, dict) and values else None,
        format=_text(raw.get("format")),
        description=_text(raw.get("description")) or _text(raw.get("title")),
        enum=tuple(enum) if isinstance(enum, list) else (),
        example=raw.get("example", first),
        default=raw.get("default"),
        minimum=_number(raw.get("minimum")),
        maximum=_number(raw.get("maximum")),
        is_read_only=raw.get("readOnly") is True,
    )


def _merged(one: Shape, other: Shape) -> Shape:
    """What is both."""
    kind = other.kind if one.kind == "unknown" or (one.kind != "object" and other.properties) else one.kind
    return replace(
        one,
        kind=kind,
        name=one.name or other.name,
        properties={**other.properties, **one.properties} if one.properties else other.properties,
        required=one.required | other.required,
        items=one.items if one.items is not None else other.items,
        values=one.values if one.values is not None else other.values,
        format=one.format or other.format,
        description=one.description or other.description,
        enum=one.enum or other.enum,
        example=one.example if one.example is not None else other.example,
        default=one.default if one.default is not None else other.default,
        minimum=one.minimum if one.minimum is not None else other.minimum,
        maximum=one.maximum if one.maximum is not None else other.maximum,
        is_read_only=one.is_read_only or other.is_read_only,
        is_lost=one.is_lost or other.is_lost,
    )


def _united(choices: list[Shape]) -> Shape:
    """What is one of several: the properties of all objects; else the list, if one is a list; else the first."""
    objects = [choice for choice in choices if choice.kind == "object"]
    lists = [choice for choice in choices if choice.kind == "array"]
    if lists and len(lists) >= len(objects):
        return lists[0]
    if objects:
        properties: dict[str, Any] = {}
        for choice in objects:
            properties |= {name: part for name, part in choice.properties.items() if name not in properties}
        shared = frozenset.intersection(*(choice.required for choice in objects))
        return replace(objects[0], properties=properties, required=shared)
    known = [choice for choice in choices if choice.kind != "unknown"]
    return (known or choices)[0]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
