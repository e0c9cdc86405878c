"""A DuckDB target, read from profiles.yml without dbt, whose import takes longer than a whole answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

_VARIABLE = re.compile(
    r"""\{\{\s*env_var\(\s*(?P<q>['"])(?P<name>\w+)(?P=q)\s*"""
    r"""(?:,\s*(?P<d>['"])(?P<default>[^'"\\]*)(?P=d)\s*)?\)\s*\}\}"""
)


# What a target may have so that there is nothing about it but what `PlainTarget` says.
_PLAIN = {"type", "path", "schema", "threads"}
_PLAIN_PATH = re.compile(r"[\w./ -]+")


@dataclass(frozen=True)
class PlainTarget:
    """A target in a DuckDB file. path: as profiles.yml has it, with the environment's variables.

    rest: what else there is of it; None where only dbt can tell.
    """

    path: str
    rest: PlainRest | None


@dataclass(frozen=True)
class PlainRest:
    """Names of the profile and the target, the database and the schema of models, and dbt's threads."""

    profile: str
    target: str
    database: str
    schema: str
    threads: int


def plain_target(
    folder: Path, profiles: Path, target: str | None, environment: Mapping[str, str]
) -> PlainTarget | None:
    """The target of a project.

    folder: the project's. profiles: that of profiles.yml. target: default: the profile's. None where only dbt can
    tell: other templates and adapters, and whatever is wrong.
    """

    def text(document: Any, key: str, default: str | None = None) -> str | None:
        found = _entry(document, key)
        return _rendered(found, environment) if isinstance(found, str) else default if found is None else None

    named = text(_read(folder / "dbt_project.yml"), "profile")
    profile = _entry(_read(profiles / "profiles.yml"), named)
    target = target or text(profile, "target")
    output = _entry(_entry(profile, "outputs"), target)
    path = text(output, "path")
    # Neither `:memory:` nor what is elsewhere: `md:shop`.
    if text(output, "type") != "duckdb" or not path or ":" in path:
        return None
    schema, threads = text(output, "schema", "main"), output.get("threads", 1)
    is_whole = output.keys() <= _PLAIN and _PLAIN_PATH.fullmatch(path) and type(threads) is int and threads > 0
    # As DuckDB names a file's database.
    database = Path(path).name.lstrip(".").partition(".")[0]
    if not (is_whole and database and schema and named and target):
        return PlainTarget(path, None)
    return PlainTarget(path, PlainRest(named, target, database, schema, threads))


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
