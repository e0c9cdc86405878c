"""A small specification and labels to go with it, put together for one test at a time."""

from __future__ import annotations

from typing import Any

from plugins.connectors.mock import Labels

ITEM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "updated_at": {"type": "string", "format": "date-time"},
    },
}


def get(schema: Any, *parameters: dict[str, Any]) -> dict[str, Any]:
    """A path item with a GET that answers the schema."""
    answer = {"description": "ok", "content": {"application/json": {"schema": schema}}}
    return {"get": {"parameters": list(parameters), "responses": {"200": answer}}}


def parameter(name: str, place: str = "query", **more: Any) -> dict[str, Any]:
    """A parameter, by default one of the query that may be left out."""
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}, **more}


def wrapped(name: str = "items", item: Any = None, **more: Any) -> dict[str, Any]:
    """The schema of an object that has the list of items at a name."""
    return {"type": "object", "properties": {name: {"type": "array", "items": item or ITEM}, **more}}


def specification(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An OpenAPI 3 document."""
    return {"openapi": "3.0.3", "info": {"title": "small", "version": "1"}, "paths": paths, **more}


def stream(path: str = "/items", **more: Any) -> dict[str, Any]:
    """The label of a stream, unpaged and of full loads if nothing else is said."""
    plain = {"records": ["items"], "primary_key": ["id"], "pagination": {"kind": "none"}, "cursor": None}
    return {"path": path, **plain, **more}


def labels(*streams: dict[str, Any], **more: Any) -> Labels:
    """Labels of an API without credentials, if nothing else is said."""
    plain = {"spec": "small.yaml", "paths": "all", "base_url": "https://example.com/api", "auth": {"kind": "none"}}
    return Labels.model_validate({**plain, "streams": streams, **more})
