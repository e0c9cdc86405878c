"""Reference pages from pydantic models: a table of keys for each section."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def to_markdown(model: type[BaseModel], title: str, intro: str) -> str:
    """A page that lists every key of `model` and of the sections inside it: type, default, meaning."""
    schema = model.model_json_schema()
    sections = {title: schema, **schema.get("$defs", {})}
    parts = [f"# {title}", "", intro, ""]
    for name, section in sections.items():
        if name != title:
            parts += [f"## {name}", "", section.get("description", ""), ""]
        parts += _table(section)
    return "\n".join(parts).rstrip() + "\n"


def _table(section: dict[str, Any]) -> list[str]:
    required = set(section.get("required", ()))
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, spec in section.get("properties", {}).items():
        default = "required" if key in required else f"`{spec.get('default')}`" if "default" in spec else ""
        meaning = spec.get("description", "").replace("|", "\\|")
        rows.append(f"| `{key}` | {_type(spec)} | {default} | {meaning} |")
    return [*rows, ""]


def _type(spec: dict[str, Any]) -> str:
    """A short name of a JSON-schema type."""
    if "$ref" in spec:
        return spec["$ref"].rsplit("/", 1)[-1]
    if "enum" in spec:
        return " or ".join(f"`{value}`" for value in spec["enum"])
    if "anyOf" in spec:
        return " or ".join(_type(option) for option in spec["anyOf"])
    kind = spec.get("format") or spec.get("type", "any")
    if kind == "array":
        return f"list of {_type(spec['items'])}"
    if kind == "object" and isinstance(spec.get("additionalProperties"), dict):
        return f"mapping to {_type(spec['additionalProperties'])}"
    return "null" if kind == "null" else str(kind)
