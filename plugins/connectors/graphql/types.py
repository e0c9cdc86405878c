"""The types of an introspection result, and the JSON schemas that a selection of their fields answers with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# https://spec.graphql.org/October2021/#Name: nothing else may go into a query.
NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_SCALARS = {"Int": "integer", "Float": "number", "Boolean": "boolean", "BigInt": "integer", "Long": "integer"}
_TIMES = re.compile(r"date_?time|timestamp|instant", re.I)
_OBJECTS = ("OBJECT", "INTERFACE")


@dataclass(frozen=True)
class Kind:
    """A type without its wrappers: `lists` counts the lists around it."""

    name: str
    kind: str
    lists: int
    is_required: bool


@dataclass(frozen=True)
class Argument:
    """An argument of a field."""

    name: str
    type: Kind
    has_default: bool
    description: str

    @property
    def is_required(self) -> bool:
        """Whether a query has to give it."""
        return self.type.is_required and not self.has_default

    @property
    def declared(self) -> str:
        """Its type as a query declares it."""
        return (
            f"{'[' * self.type.lists}{self.type.name}{']' * self.type.lists}{'!' if self.type.is_required else ''}"
        )


@dataclass(frozen=True)
class Field:
    """A field of a type."""

    name: str
    type: Kind
    arguments: tuple[Argument, ...]
    description: str
    is_deprecated: bool


class Types:
    """The types of one schema, by name; whatever is malformed is not there."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        listed = schema.get("types")
        listed = listed if isinstance(listed, list) else []
        self._types = {one["name"]: one for one in listed if isinstance(one, dict) and _is_name(one.get("name"))}
        query = schema.get("queryType")
        self.query = str(query.get("name")) if isinstance(query, dict) else "Query"

    def fields(self, name: str) -> tuple[Field, ...]:
        """The fields of an object or interface that a query may name."""
        raw = self._types.get(name, {}).get("fields")
        found = [_field(one) for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []
        return tuple(one for one in found if one is not None)

    def field(self, owner: str, name: str) -> Field | None:
        """One field."""
        return next((one for one in self.fields(owner) if one.name == name), None)

    def enum(self, name: str) -> tuple[str, ...]:
        """The values of an enum."""
        raw = self._types.get(name, {}).get("enumValues")
        return tuple(str(one.get("name")) for one in raw if isinstance(one, dict)) if isinstance(raw, list) else ()


def is_object(kind: Kind) -> bool:
    """Whether fields have to be selected of it."""
    return kind.kind in _OBJECTS


def scalar_schema(kind: Kind) -> dict[str, Any]:
    """The JSON schema of a scalar or enum."""
    schema: dict[str, Any] = {"type": _SCALARS.get(kind.name, "string")}
    if _TIMES.search(kind.name):
        schema["format"] = "date-time"
    elif kind.name == "Date":
        schema["format"] = "date"
    return {"type": "array", "items": schema} if kind.lists else schema


def _field(raw: Mapping[str, Any]) -> Field | None:
    kind = _kind(raw.get("type"))
    if kind is None or not _is_name(raw.get("name")) or str(raw["name"]).startswith("__"):
        return None
    arguments = raw.get("args")
    found = [_argument(one) for one in arguments if isinstance(one, dict)] if isinstance(arguments, list) else []
    if any(one is None for one in found):
        return None
    return Field(
        name=str(raw["name"]),
        type=kind,
        arguments=tuple(one for one in found if one is not None),
        description=str(raw.get("description") or ""),
        is_deprecated=raw.get("isDeprecated") is True,
    )


def _argument(raw: Mapping[str, Any]) -> Argument | None:
    kind = _kind(raw.get("type"))
    if kind is None or not _is_name(raw.get("name")):
        return None
    default = raw.get("defaultValue")
    return Argument(str(raw["name"]), kind, default is not None, str(raw.get("description") or ""))


def _kind(raw: Any) -> Kind | None:
    lists, is_required = 0, isinstance(raw, dict) and raw.get("kind") == "NON_NULL"
    for _ in range(12):
        if not isinstance(raw, dict):
            return None
        if raw.get("kind") == "LIST":
            lists += 1
        elif raw.get("kind") != "NON_NULL":
            return (
                Kind(str(raw["name"]), str(raw.get("kind")), lists, is_required)
                if _is_name(raw.get("name"))
                else None
            )
        raw = raw.get("ofType")
    return None


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(NAME.fullmatch(value)) and len(value) <= 200
