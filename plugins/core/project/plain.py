"""A DuckDB target, read from profiles.yml without dbt, whose import takes longer than a whole answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

_VARIABLE = re.compile(
    r"""\{\{\s*env_var\(\s*(?P<q>['"])(?P<name>\w+)(?P=q)\s*"""
    r"""(?:,\s*(?P<d>['"])(?P<default>[^'"\\]*)(?P=d)\s*)?\)\s*\}\}"""
)


def duckdb_path(folder: Path, profiles: Path, target: str | None, environment: Mapping[str, str]) -> str | None:
    """The path of a target's DuckDB file, as profiles.yml has it, with the environment's variables.

    folder: the project's. profiles: that of profiles.yml. target: default: the profile's. None where only dbt can
    tell: other templates and adapters, and whatever is wrong.
    """

    def text(document: Any, key: str) -> str | None:
        found = _entry(document, key)
        return _rendered(found, environment) if isinstance(found, str) else None

    profile = _entry(_read(profiles / "profiles.yml"), text(_read(folder / "dbt_project.yml"), "profile"))
    output = _entry(_entry(profile, "outputs"), target or text(profile, "target"))
    path = text(output, "path")
    # Neither `:memory:` nor what is elsewhere: `md:shop`.
    return path if text(output, "type") == "duckdb" and path and ":" not in path else None


def _read(path: Path) -> Any:
    try:
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, YAMLError):
        return None


def _entry(document: Any, key: str | None) -> Any:
    return document.get(key) if isinstance(document, dict) and key is not None else None


def _rendered(text: str, environment: Mapping[str, str]) -> str | None:
    """With the values of its variables; None if one isn't set, or if it has other templates."""
    found = [environment.get(match["name"], match["default"]) for match in _VARIABLE.finditer(text)]
    values = iter(found)
    whole = _VARIABLE.sub(lambda _: next(values) or "", text)
    return None if None in found or re.search(r"\{[{%#]", whole) else whole
