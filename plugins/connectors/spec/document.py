"""A spec as a tree with a name, and what kind of spec it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plugins.connectors.defects import Defects
from plugins.connectors.spec.fetching import fetch
from plugins.connectors.spec.safe_yaml import parse
from plugins.core.errors import SmeltError

# What some spec of another kind begins with, what it is called, and how to get on.
_OTHERS = (
    ("asyncapi", "an AsyncAPI document: it describes events that are sent to you, not lists that can be read"),
    ("raml", "a RAML document"),
    ("swaggerVersion", "a Swagger 1 document"),
    ("discoveryVersion", "a Google discovery document"),
    ("arazzo", "an Arazzo document"),
)
_CONVERT = "convert it to OpenAPI 3, or take the vendor's OpenAPI spec"


@dataclass(frozen=True)
class Document:
    """One spec: where it is, its tree, its kind, and the defects found so far."""

    location: str
    tree: dict[str, Any]
    kind: str  # openapi, swagger, graphql
    defects: Defects = field(default_factory=Defects)


def read_document(location: str) -> Document:
    """Read what is at `location`; raises SmeltError for what is no spec a connector can be made from."""
    text = fetch(location)
    if text.startswith("#%RAML"):
        raise SmeltError(f"{location}: this is a RAML document, which Smelt does not read", _CONVERT)
    defects = Defects()
    tree = parse(text, location, defects)
    return Document(location, tree, _kind(tree, location), defects)


def _kind(tree: Any, location: str) -> str:
    if not isinstance(tree, dict):
        raise SmeltError(f"{location}: holds no mapping, so no spec", "point at an OpenAPI or GraphQL document")
    if _introspection(tree) is not None:
        return "graphql"
    if str(tree.get("swagger", "")).startswith("2"):
        return "swagger"
    if str(tree.get("openapi", "")).startswith("3"):
        return "openapi"
    for key, what in _OTHERS:
        if key in tree:
            raise SmeltError(f"{location}: this is {what}, which Smelt does not read", _CONVERT)
    if isinstance(tree.get("info"), dict) and "_postman_id" in tree["info"]:
        raise SmeltError(f"{location}: this is a Postman collection, which Smelt does not read", _CONVERT)
    if isinstance(tree.get("paths"), dict):
        return "swagger" if "definitions" in tree else "openapi"
    raise SmeltError(
        f"{location}: neither OpenAPI (`openapi: 3…`, `swagger: 2…`) nor a GraphQL introspection result",
        _CONVERT,
    )


def _introspection(tree: dict[str, Any]) -> dict[str, Any] | None:
    data = tree.get("data")
    schema = (data if isinstance(data, dict) else tree).get("__schema")
    return schema if isinstance(schema, dict) else None


def introspection(document: Document) -> dict[str, Any]:
    """The `__schema` of a GraphQL document."""
    return _introspection(document.tree) or {}
