"""JSON schemas of OpenLineage events, from the classes that OpenLineage generates from its own specification.

No installed package has the specification's JSON files; `openlineage.client.generated` has a class for every
type in them, with its fields, their types, which are optional, and the URL of its schema.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import attr
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client import generated
from openlineage.client.generated.base import BaseFacet, RunEvent

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}
_FORMATS = {"eventTime": "date-time", "runId": "uuid", "producer": "uri", "_producer": "uri"}
# Facets of OpenLineage's own dbt integration; they are not part of the specification.
_INTEGRATION = "https://github.com/OpenLineage/OpenLineage/tree/main/integration/"

# jsonschema itself checks these two only with further packages.
_formats = FormatChecker()


@_formats.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    text = str(value)
    return "T" in text and datetime.fromisoformat(text).tzinfo is not None


@_formats.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return bool(urlsplit(str(value)).scheme)


def violations(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event and each of its facets; empty if it is valid."""
    found = _errors(_schema(RunEvent), event)
    for facet in _facets(event):
        url = facet.get("_schemaURL", "")
        if url in _classes():
            found += _errors(_schema(_classes()[url]), facet)
        elif not url.startswith(_INTEGRATION):
            found.append(f"no such facet: {url}")
    return found


def _errors(schema: dict[str, Any], value: Any) -> list[str]:
    validator = Draft202012Validator(schema, format_checker=_formats)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def _facets(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "_producer" in value or "_schemaURL" in value:
            yield value
        for part in value.values():
            yield from _facets(part)
    elif isinstance(value, list):
        for part in value:
            yield from _facets(part)


@cache
def _classes() -> dict[str, type]:
    """Schema URL → class of every facet."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(generated.__path__):
        members = vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values()
        for member in members:
            if isinstance(member, type) and issubclass(member, BaseFacet):
                found[member._get_schema()] = member
    return found


def _schema(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if kind in _SCALARS:
        return {"type": _SCALARS[kind]}
    if get_origin(kind) in (Union, UnionType):
        return {"anyOf": [_schema(part) for part in get_args(kind) if part is not NoneType]}
    if get_origin(kind) is list:
        return {"type": "array", "items": _schema(get_args(kind)[0])}
    if get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": _schema(get_args(kind)[1])}
    return _object(kind) if attr.has(kind) else {}


@cache
def _object(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    properties, required = {}, []
    for one in attr.fields(kind):
        nested = "facet" in one.name.lower() or one.type is kind
        properties[one.name] = {"type": "object"} if nested else _property(one.name, hints[one.name], kind)
        if one.default is attr.NOTHING or one.name in ("producer", "schemaURL", "_producer", "_schemaURL"):
            required.append(one.name)
    return {"type": "object", "properties": properties, "required": required}


def _property(name: str, hint: Any, owner: type) -> dict[str, Any]:
    if owner in _inside(hint):  # a field of a struct has fields
        return {"type": "array"}
    schema = _schema(hint)
    return {**schema, "format": _FORMATS[name]} if name in _FORMATS else schema


def _inside(hint: Any) -> Iterator[Any]:
    yield hint
    for part in get_args(hint):
        yield from _inside(part)
