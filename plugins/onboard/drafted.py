"""What onboarding writes before anything is loaded: `source.yml`, the connection, and secrets as files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plugins.core.editing.yaml_text import lines

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Drafted:
    """A source that is about to be.

    files: texts by path below the project's folder, to be committed. connection: its section of smelt.toml.
    secrets: texts by path below the project's folder, which git ignores. asked: values that a person must give,
    name → what it is; those in `hidden` are secrets. notes: what a reader should know.
    """

    name: str
    kind: str
    files: Mapping[str, str]
    connection: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def secret_path(source: str, name: str) -> str:
    """Where a secret of a source is kept, relative to the project."""
    return f".smelt/connections/{source}.{name}"


def source_yml(description: str, kind: str, name: str, owner: str, streams: Sequence[Mapping[str, Any]]) -> str:
    """The text of source.yml."""
    head = {"description": description, "kind": kind, "connection": name, "owner": owner}
    return "\n".join([*lines(head), "", *lines({"streams": list(streams)})]) + "\n"


def toml_section(name: str, values: Mapping[str, Any]) -> str:
    """A section [connections.…] of smelt.toml; values are texts, booleans, and mappings of them."""
    rows = [f"{key} = {_toml(value)}" for key, value in values.items()]
    return "\n".join([f"[connections.{name}]", *rows]) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "{ " + ", ".join(f"{_key(key)} = {_toml(inner)}" for key, inner in value.items()) + " }"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _toml(name)
