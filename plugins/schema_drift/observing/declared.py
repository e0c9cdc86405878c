"""Source tables as a commit of the project declares them: columns, and what tests say of them; no rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ruamel.yaml import YAML, YAMLError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugins.core.project import Project
from plugins.review import Repository
from plugins.schema_drift.observing.found import Found, plain_type
from plugins.schema_drift.observing.watched import Watched
from plugins.schema_drift.table import Column, Table

_COMBINATION = "unique_combination_of_columns"


@dataclass(frozen=True)
class Declared:
    """A source table in YAML. name: `source.table`. key: of its tests and constraints; empty: none.

    is_whole: whether a contract says that these are all columns.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    is_whole: bool = False


def declared_at(project: Project, commit: str) -> tuple[dict[str, Declared], tuple[str, ...]]:
    """What the project's YAML files declared at a commit, by `source.table`, and which files could not be read.

    Raises SmeltError if the project is in no repository.
    """
    repository = Repository.find(project.folder)
    prefix = str(repository.prefix(project.folder))
    listed = repository.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, "--", prefix).split("\0")
    files = repository.blobs(commit, [path for path in listed if path.endswith((".yml", ".yaml"))])
    found: dict[str, Declared] = {}
    notes = []
    for path, text in files.items():
        if b"sources" not in text:
            continue
        try:
            tree = YAML(typ="safe").load(text.decode())
            found |= {one.name: one for one in _sources(tree)}
        except (YAMLError, UnicodeError, KeyError, TypeError, AttributeError) as error:
            notes.append(f"{path} of that commit cannot be read: {' '.join(str(error).split())[:200]}")
    return found, tuple(notes)


def as_table(declared: Declared, watched: Watched, now: Found | None, dialect: str) -> Table:
    """The declared table under the id that it has now; types that are the same as now's are written as now's.

    A column without a declared type has now's: nothing is known of it but its name.
    """
    types = {column.name.lower(): column.type for column in now.columns} if now is not None else {}
    columns = tuple(
        replace(column, type=_type(column.type, types.get(column.name.lower()), dialect))
        for column in declared.columns
    )
    relation = now.place if now is not None else watched.place
    return Table(watched.id, declared.name, relation, columns, declared.key)


def _type(declared: str, now: str | None, dialect: str) -> str:
    if now is None or (declared and _canonical(declared, dialect) != _canonical(now, dialect)):
        return declared
    return now


def _canonical(text: str, dialect: str) -> str:
    try:
        return exp.DataType.build(text, dialect=dialect).sql("duckdb").lower()
    except SqlglotError:
        return text


def _sources(tree: Any) -> Iterator[Declared]:
    for source in (tree or {}).get("sources") or ():
        for table in source.get("tables") or ():
            columns = [one for one in table.get("columns") or () if isinstance(one, dict)]
            yield Declared(
                f"{source['name']}.{table['name']}",
                tuple(
                    Column(str(c["name"]), plain_type(str(c.get("data_type") or "")), _is_nullable(c))
                    for c in columns
                ),
                _key(table, columns),
                bool(((table.get("config") or {}).get("contract") or {}).get("enforced")),
            )


def _tests(node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names of tests, without their package, and their arguments."""
    for test in [*(node.get("data_tests") or ()), *(node.get("tests") or ())]:
        if isinstance(test, str):
            yield test.rpartition(".")[2], {}
        elif isinstance(test, dict):
            for name, arguments in test.items():
                given = arguments if isinstance(arguments, dict) else {}
                yield str(name).rpartition(".")[2], {**given, **(given.get("arguments") or {})}


def _rules(column: Mapping[str, Any]) -> set[str]:
    return {str(rule.get("type")) for rule in column.get("constraints") or () if isinstance(rule, dict)}


def _is_nullable(column: Mapping[str, Any]) -> bool | None:
    # A test says what is hoped for of the rows, and nothing of how the table was made.
    return False if _rules(column) & {"not_null", "primary_key"} else None


def _key(table: Mapping[str, Any], columns: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    primary = tuple(str(c["name"]) for c in columns if "primary_key" in _rules(c))
    unique = [
        str(c["name"])
        for c in columns
        if "unique" in _rules(c) or any(n == "unique" and not a.get("where") for n, a in _tests(c))
    ]
    if primary or unique:
        return primary or (min(unique, key=lambda name: not name.lower().endswith("id")),)
    for name, arguments in _tests(table):
        if name == _COMBINATION and isinstance(arguments.get("combination_of_columns"), list):
            return tuple(map(str, arguments["combination_of_columns"]))
    return ()
