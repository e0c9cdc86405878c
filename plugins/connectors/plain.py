"""Inferred values as JSON has them: what `--json` prints, what questions show, and what a language model chooses
from."""

from __future__ import annotations

import dataclasses
from functools import singledispatch
from typing import Any

from plugins.connectors.inference.auth import Auth
from plugins.connectors.inference.cursors import Cursor
from plugins.connectors.inference.limits import Limits
from plugins.connectors.inference.pagination import Pagination
from plugins.connectors.inference.parents import Given, Parent
from plugins.connectors.inference.records import Records
from plugins.connectors.inference.servers import Server
from plugins.connectors.inferred import Inferred


@singledispatch
def plain(value: Any) -> Any:
    """A value without anything that is empty."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        return {name: one for name, one in found.items() if one not in (None, "", [], {}, False)}
    return value


@plain.register
def _(value: tuple) -> Any:
    return [plain(one) for one in value]


@plain.register
def _(value: Records) -> Any:
    return list(value.path)


@plain.register
def _(value: Server) -> Any:
    return value.url or None


@plain.register
def _(value: Auth) -> Any:
    if not value.schemes:
        return {"kind": "none"}
    first, *others = (_scheme(one) for one in value.schemes)
    return {**first, "together": others} if others else first


def _scheme(scheme: Any) -> dict[str, Any]:
    names = ("kind", "place", "name", "prefix", "token_url")
    return {name: getattr(scheme, name) for name in names if getattr(scheme, name)}


@plain.register
def _(value: Pagination) -> Any:
    found = {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if value.kind != "page":
        del found["start"]
    return {name: one for name, one in found.items() if one not in (None, "", [])}


@plain.register
def _(value: Cursor) -> Any:
    found = {
        "field": value.field,
        "parameter": value.parameter,
        "format": value.format,
        "with": value.fixed,
        "end_parameter": value.end_parameter,
    }
    return {name: one for name, one in found.items() if one}


@plain.register
def _(value: Parent) -> Any:
    found = {"path": value.path, "parameter": value.parameter, "field": value.field}
    return found if value.place == "path" else {**found, "in": value.place}


@plain.register
def _(value: Given) -> Any:
    return [plain(one) for one in value.parents]


@plain.register
def _(value: Limits) -> Any:
    return None if value.rate is None else {"requests": value.rate.requests, "seconds": value.rate.seconds}


def explained(inferred: Inferred[Any]) -> dict[str, Any]:
    """A value with its confidence, its reason and its runners-up."""
    return {
        "value": plain(inferred.value),
        "confidence": round(inferred.confidence, 2),
        "reason": inferred.reason,
        "runners_up": [plain(one) for one in inferred.runners_up],
    }
