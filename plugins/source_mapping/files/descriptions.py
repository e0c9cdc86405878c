"""What people say of columns, from YAML, JSON or CSV, put to the columns of the two tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plugins.core.errors import SmeltError
from plugins.source_mapping.files.opening import decoded, encoding_of, start_of
from plugins.source_mapping.matching import Table

_FORMS = (
    "it is `source: {column: text}` and `target: {column: text}`, dbt YAML with `columns:` and `description:`, "
    "or rows `table,column,description`"
)
_MOST_CHARACTERS = 64 * 2**20
_LONGEST = 2_000


@dataclass(frozen=True)
class _Said:
    """table: `source`, `target`, a table's name, or empty: of either. column: empty: of the table itself."""

    table: str
    column: str
    text: str


def describe(path: Path, source: Table, target: Table) -> tuple[Table, Table, tuple[str, ...]]:
    """The two tables with the descriptions of a file, and notes.

    The file is `{"source": {"column": "text"}, "target": {…}}` as YAML or JSON, dbt YAML, or rows
    `table,column,description`. A table is called `source` or `target` or as its file is; what is said of a table
    of another name, or of none, is of both. Raises SmeltError if the file can't be read, or is of another form.
    """
    said = list(_read(path))
    named = {"source", "target", source.name.casefold(), target.name.casefold()}
    taken: set[tuple[str, str]] = set()

    def of(table: Table, role: str) -> Table:
        texts = {}
        for one in said:
            # What is of this very table goes before what is of any.
            is_own = one.table.casefold() in (role, table.name.casefold())
            if is_own or one.table.casefold() not in named:
                key = one.column.casefold()
                if is_own or key not in texts:
                    texts[key] = one
        columns = []
        for column in table.columns:
            found = texts.get(column.name.strip().casefold()) if column.name.strip() else None
            if found is not None:
                taken.add((found.table, found.column))
            columns.append(replace(column, description=found.text) if found is not None else column)
        own = texts.get("")
        return replace(
            table, columns=tuple(columns), description=own.text if own is not None else table.description
        )

    described = of(source, "source"), of(target, "target")
    unknown = [one.column for one in said if one.column and (one.table, one.column) not in taken]
    notes = (
        (f"{path.name}: {len(unknown):,} descriptions are of columns that neither table has",) if unknown else ()
    )
    return *described, notes


def _read(path: Path) -> Iterator[_Said]:
    encoding = encoding_of(path, start_of(path))
    with decoded(path, encoding) as file:
        text = file.read(_MOST_CHARACTERS).lstrip("\ufeff")
    if path.suffix.lower() in (".csv", ".tsv"):
        yield from _of_rows(path, _csv_rows(path, text))
        return
    document = _parsed(path, text)
    if isinstance(document, list):
        yield from _of_rows(path, document)
    elif isinstance(document, Mapping):
        yield from _of_mapping(path, document)
    else:
        raise _other_form(path)


def _csv_rows(path: Path, text: str) -> list[dict[str, Any]]:
    delimiter = max(",;\t|", key=text.partition("\n")[0].count)
    try:
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise SmeltError(f"{path} cannot be read as CSV: {error}", "check its quotes") from error


def _parsed(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError) as error:
        short = " ".join(str(error).split())[:300]
        raise SmeltError(f"{path} is no JSON and no YAML: {short}", _FORMS) from error
    except RecursionError as error:
        raise SmeltError(f"{path} is nested too deeply to be read", _FORMS) from error


def _other_form(path: Path) -> SmeltError:
    return SmeltError(f"{path} holds no descriptions of columns in a form that is known", _FORMS)


def _of_rows(path: Path, rows: list[Any]) -> Iterator[_Said]:
    """Rows of a table, column and description, whatever the case of these names."""
    for row in rows:
        fields = (
            {str(key).strip().casefold(): value for key, value in row.items()} if isinstance(row, Mapping) else {}
        )
        column = fields.get("column", fields.get("name"))
        if column is None or "description" not in fields:
            raise _other_form(path)
        yield from _said(fields.get("table") or "", column, fields["description"])


def _of_mapping(path: Path, document: Mapping[Any, Any]) -> Iterator[_Said]:
    if any(isinstance(document.get(kind), list) for kind in ("models", "sources", "seeds", "snapshots")):
        for kind in ("models", "seeds", "snapshots"):
            yield from _of_resources(document.get(kind))
        for source in _list(document.get("sources")):
            yield from _of_resources(source.get("tables") if isinstance(source, Mapping) else None)
        return
    if isinstance(document.get("columns"), list):
        yield from _of_resources([document])
        return
    for key, value in document.items():
        if isinstance(value, str):
            yield from _said("", key, value)
        elif isinstance(value, Mapping):
            for column, text in value.items():
                yield from _said(key, column, text)
        elif isinstance(value, list):
            yield from _of_resources([{"name": key, "columns": value}])
        else:
            raise _other_form(path)


def _of_resources(resources: object) -> Iterator[_Said]:
    """dbt's models, seeds, snapshots or a source's tables."""
    for resource in _list(resources):
        if isinstance(resource, Mapping):
            name = resource.get("name") or ""
            yield from _said(name, "", resource.get("description"))
            for column in _list(resource.get("columns")):
                if isinstance(column, Mapping):
                    yield from _said(name, column.get("name"), column.get("description"))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _said(table: object, column: object, text: object) -> Iterator[_Said]:
    if isinstance(text, Mapping):
        text = text.get("description")
    if column is not None and isinstance(text, str) and text.strip():
        yield _Said(str(table).strip(), str(column).strip(), text.strip()[:_LONGEST])
