"""Which files a machine may write, and what may be in them: checked before anything compiles."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from plugins.review.proposal import FileChange
from plugins.review.sandbox.jinja_policy import CONFIG_KEYS, check_template, has_jinja

_LARGEST = 5_000_000
_FOLDERS: dict[str, frozenset[str]] = {
    "models": frozenset({".sql", ".yml", ".yaml", ".md"}),
    "sources": frozenset({".yml", ".yaml", ".md"}),
    "seeds": frozenset({".csv", ".yml", ".yaml"}),
    "tests": frozenset({".sql", ".yml", ".yaml", ".csv"}),
    "contracts": frozenset({".yml", ".yaml"}),
}
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
_DOCS_BLOCK = re.compile(r"\{%-?\s*(?:docs\s+\w+|enddocs)\s*-?%\}")


@dataclass(frozen=True)
class Violation:
    """Something that a machine may not write; `line` counts from 1, 0: the file as a whole."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}{f':{self.line}' if self.line else ''}: {self.what}"


def check_machine_written(changes: Iterable[FileChange], macros: Collection[str] = ()) -> list[Violation]:
    """Everything in the changed files that a machine may not write; empty: they may be compiled.

    macros: macros that models may call besides ref, source, config and is_incremental.
    """
    return [violation for change in changes for violation in _check(change, macros)]


def _check(change: FileChange, macros: Collection[str]) -> Iterator[Violation]:
    path = PurePosixPath(change.path)
    why = _wrong_place(path)
    if why is not None:
        yield Violation(change.path, 0, why)
        return
    text = change.after
    if text is None:
        return
    if len(text) > _LARGEST or "\0" in text:
        yield Violation(change.path, 0, "it is too large, or no text")
    elif path.suffix == ".sql":
        for refusal in check_template(text, macros):
            yield Violation(change.path, refusal.line, f"machine-written SQL may not use {refusal.what}")
    elif path.suffix in (".yml", ".yaml"):
        yield from _check_yaml(change.path, text)
    elif path.suffix == ".md" and has_jinja(_DOCS_BLOCK.sub("", text)):
        yield Violation(change.path, 0, "Jinja other than docs blocks")


def _wrong_place(path: PurePosixPath) -> str | None:
    if len(path.parts) < 2 or any(part.startswith(".") for part in path.parts):
        return "machines write below models, sources, seeds, tests and contracts only"
    suffixes = _FOLDERS.get(path.parts[0])
    if suffixes is None or path.suffix not in suffixes:
        return f"machines write no {path.suffix or 'such'} files in {path.parts[0]}"
    return None


def _check_yaml(path: str, text: str) -> Iterator[Violation]:
    if re.search(r"(?m)[:\-\[{,]\s*[&*][A-Za-z0-9]", text):
        yield Violation(path, 0, "YAML anchors and aliases")
        return
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        yield Violation(path, 0, f"YAML that can't be read: {str(error).splitlines()[0]}")
        return
    parts = PurePosixPath(path).parts
    is_dbt = parts[0] != "contracts" and parts[-1] not in _NOT_DBT
    if not isinstance(document, dict):
        if document is not None:
            yield Violation(path, 0, "a YAML file without sections")
        return
    if not is_dbt:
        return
    for section, content in document.items():
        if section not in _SECTIONS:
            yield Violation(path, 0, f"the section {section!r}")
            continue
        yield from _walk(path, content, (str(section),))


def _walk(path: str, value: Any, place: tuple[str, ...]) -> Iterator[Violation]:
    if isinstance(value, dict):
        # The keys of a fixture's rows are columns.
        are_columns = place[-1] == "rows"
        for key, inner in value.items():
            if not are_columns:
                yield from _check_key(path, str(key), inner, place)
            yield from _walk(path, inner, (*place, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(path, inner, place)
    elif isinstance(value, str) and not _may_be_rendered(value, place):
        yield Violation(path, 0, f"Jinja in {'.'.join(place)}")


def _check_key(path: str, key: str, value: Any, place: tuple[str, ...]) -> Iterator[Violation]:
    # A unit test may say what is_incremental() is; a source may not override another package's.
    is_override = key == "overrides" and place[0] == "unit_tests"
    if (key.lower() in _REFUSED_KEYS and not is_override) or has_jinja(key):
        yield Violation(path, 0, f"the key {key!r} in {'.'.join(place)}")
    elif key.startswith("+"):
        yield Violation(path, 0, f"the configuration {key!r} in {'.'.join(place)}")
    elif key == "format" and value == "sql":
        yield Violation(path, 0, "a fixture written as SQL")
    elif key == "config" and isinstance(value, dict):
        for name in value:
            # Whether an export is a table or a view is said to schedulers of saved queries; dbt makes none.
            is_export = name == "export_as" and place[0] == "saved_queries"
            if str(name) not in CONFIG_KEYS and not is_export:
                yield Violation(path, 0, f"the configuration {name!r} in {'.'.join(place)}")


def _may_be_rendered(text: str, place: tuple[str, ...]) -> bool:
    if not has_jinja(text):
        return True
    if place[-1] == "description":
        return not has_jinja(_DOC.sub("", text))
    if place[0] in ("metrics", "semantic_models", "saved_queries") and place[-1] in ("filter", "where"):
        return not has_jinja(_METRIC_NAME.sub("", text))
    return False
