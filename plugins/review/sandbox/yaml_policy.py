"""What YAML a machine may write: sections, keys, and the little Jinja that names something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from plugins.review.sandbox.edits import COLUMN_KEYS, is_plain_name
from plugins.review.sandbox.jinja_policy import CONFIG_KEYS, has_jinja

_SECTIONS = frozenset(
    [
        "version",
        "models",
        "sources",
        "seeds",
        "exposures",
        "metrics",
        "semantic_models",
        "saved_queries",
        "unit_tests",
        "data_tests",
        "groups",
    ]
)
# Read by Smelt, Soda and the Airbyte CDK; dbt does not see them, and their own checks apply.
_NOT_DBT = frozenset({"source.yml", "mapping.yml", "connector.yml"})
_REFUSED_KEYS = frozenset(
    [
        "pre-hook",
        "post-hook",
        "pre_hook",
        "post_hook",
        "sql_header",
        "on-run-start",
        "on-run-end",
        "external_location",
        "plugin",
        "database",
        "overrides",
        "location",
        "external",
        "macro-paths",
        "dispatch",
    ]
)
_DOC = re.compile(r"\{\{\s*doc\(\s*(['\"])[\w. -]+\1(?:\s*,\s*(['\"])[\w. -]+\2)?\s*\)\s*\}\}")
_METRIC_NAME = re.compile(
    r"\{\{\s*(?:Dimension|TimeDimension|Entity|Metric)\(\s*(['\"])\w+\1(?:\s*,\s*(['\"])\w+\2)?\s*\)\s*\}\}"
)


# What people keep in such files, and machines add to none of.
_PEOPLES_SECTIONS = frozenset({"snapshots", "macros", "analyses"})
_ANCHOR = re.compile(r"(?m)[:\-\[{,]\s*([&*][A-Za-z0-9]\w*)")


@dataclass(frozen=True)
class Rendered:
    """A text with Jinja."""

    text: str


@dataclass(frozen=True)
class Fixture:
    """Rows that are written as SQL."""

    sql: str


@dataclass(frozen=True)
class Named:
    """Names of columns in a setting; is_plain: whether they are nothing else."""

    is_plain: bool


@dataclass(frozen=True)
class Refused:
    """What is refused, and the value that it is refused for: people may have written the same."""

    what: str
    value: Any = None


def find_anchors(text: str) -> list[str]:
    """YAML anchors and aliases."""
    return _ANCHOR.findall(text)


def check_yaml(path: str, text: str) -> Iterator[Refused]:
    """What in a YAML file a machine may not write. Look for anchors first: they make small files large."""
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        yield Refused(f"YAML that can't be read: {str(error).splitlines()[0]}", text)
        return
    parts = PurePosixPath(path).parts
    is_dbt = parts[0] not in ("contracts", "soda") and parts[-1] not in _NOT_DBT
    if not isinstance(document, dict):
        if document is not None:
            yield Refused("a YAML file without sections", text)
        return
    if not is_dbt:
        return
    for section, content in document.items():
        if section not in _SECTIONS:
            yield Refused(f"the section {section!r}", None if section in _PEOPLES_SECTIONS else repr(content))
        yield from _walk(content, (str(section),))


def _walk(value: Any, place: tuple[str, ...]) -> Iterator[Refused]:
    if isinstance(value, dict):
        # The keys of a fixture's rows are columns.
        are_columns = place[-1] == "rows"
        if value.get("format") == "sql" and not are_columns:
            yield Refused("a fixture written as SQL", Fixture(str(value.get("rows", value.get("fixture")))))
        for key, inner in value.items():
            if not are_columns:
                yield from _check_key(str(key), inner, place)
            yield from _walk(inner, (*place, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, place)
    elif isinstance(value, str) and not _may_be_rendered(value, place):
        yield Refused(f"Jinja in {'.'.join(place)}", Rendered(value))


def _check_key(key: str, value: Any, place: tuple[str, ...]) -> Iterator[Refused]:
    where = ".".join(place)
    # A unit test may say what is_incremental() is; a source may not override another package's.
    is_override = key == "overrides" and place[0] == "unit_tests"
    if (key.lower() in _REFUSED_KEYS and not is_override) or has_jinja(key):
        yield Refused(f"the key {key!r} in {where}", repr(value))
    elif key.startswith("+"):
        yield Refused(f"the configuration {key!r} in {where}", repr(value))
    elif key == "config" and isinstance(value, dict):
        for name, setting in value.items():
            # Whether an export is a table or a view is said to schedulers of saved queries; dbt makes none.
            is_export = name == "export_as" and place[0] == "saved_queries"
            if str(name) not in CONFIG_KEYS and not is_export:
                kept = Named(_are_names(setting)) if name in COLUMN_KEYS else repr(setting)
                yield Refused(f"the configuration {name!r} in {where}", kept)


def _are_names(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    return all(isinstance(text, str) and is_plain_name(text) for text in texts)


def _may_be_rendered(text: str, place: tuple[str, ...]) -> bool:
    if not has_jinja(text):
        return True
    if place[-1] == "description":
        return not has_jinja(_DOC.sub("", text))
    if place[0] in ("metrics", "semantic_models", "saved_queries") and place[-1] in ("filter", "where"):
        return not has_jinja(_METRIC_NAME.sub("", text))
    return False
