"""Small specs, made for one question each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((CASES / f"{name}.yml").read_text(encoding="utf-8"))


def parameters(query: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Query parameters; `description` and `required` of a schema are those of its parameter."""
    found = []
    for name, schema in query.items():
        shape = {key: value for key, value in schema.items() if key not in ("description", "required")}
        about = {key: value for key, value in schema.items() if key in ("description", "required")}
        found.append({"name": name, "in": "query", "schema": shape, **about})
    return found


def record(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, **fields}}


def listing(
    schema: Mapping[str, Any] | None = None,
    *,
    query: Mapping[str, Mapping[str, Any]] | None = None,
    wrapper: str | None = None,
    beside: Mapping[str, Any] | None = None,
    headers: list[str] | None = None,
    **operation: Any,
) -> dict[str, Any]:
    """A path item whose GET lists `schema`, at the root of the answer or in `wrapper`."""
    items = {"type": "array", "items": dict(schema or record())}
    body = items if wrapper is None else {"type": "object", "properties": {wrapper: items, **(beside or {})}}
    answer: dict[str, Any] = {"description": "OK", "content": {"application/json": {"schema": body}}}
    if headers:
        answer["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    return {"get": {"parameters": parameters(query or {}), "responses": {"200": answer}, **operation}}


def answering(schema: Mapping[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    """A path item whose GET answers `schema`."""
    answer = {"description": "OK", "content": {media_type: {"schema": dict(schema)}}}
    return {"get": {"responses": {"200": answer}}}


def spec(paths: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    return {
        "openapi": "3.0.3",
        "info": {"title": "Acme API", "version": "1.0"},
        "servers": [{"url": "https://api.acme.example/v1"}],
        "paths": dict(paths),
        **parts,
    }


def write(folder: Path, document: Mapping[str, Any] | str, name: str = "spec.json") -> str:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(path)
