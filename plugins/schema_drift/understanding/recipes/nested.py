"""Fields of structs and of JSON: moved out into columns, moved in, renamed, added, removed, retyped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from plugins.core.duck import literal, quote
from plugins.schema_drift.understanding.types import Family, read_type

_MOST_LEAVES = 200


@dataclass(frozen=True)
class Leaf:
    """A field inside a column: its path, its type, and SQL that reads it given the column's SQL."""

    path: tuple[str, ...]
    type: str
    is_json: bool = False

    def read(self, column: str) -> str:
        """SQL of the field's value, null where the column is null."""
        if self.is_json:
            return f"json_extract_string({column}, {literal(self._path)})"
        return "".join([f"({column})", *(f".{quote(part)}" for part in self.path)])

    def write(self, column: str, type_: str) -> str:
        """SQL of the field's value for a field of `type_`; inside JSON what is no text stays what it is."""
        if not self.is_json:
            return self.read(column) if self.type == type_ else f"try_cast({self.read(column)} as {type_})"
        if self.type == type_ and self.type != "varchar":
            return f"json_extract({column}, {literal(self._path)})"
        return self.read(column) if type_ in ("varchar", "json") else f"try_cast({self.read(column)} as {type_})"

    @property
    def _path(self) -> str:
        return "$" + "".join(f".{json.dumps(part, ensure_ascii=False)}" for part in self.path)

    @property
    def dotted(self) -> str:
        """The path for people."""
        return ".".join(self.path)


def leaves(con: duckdb.DuckDBPyConnection, column: str, table: str, type_: str) -> list[Leaf]:
    """The fields of a struct, or those that JSON of the column has in some rows; none of anything else."""
    family = read_type(type_).family
    if family is Family.STRUCT:
        typed = con.sql(f"select {column} from {table} limit 0").types[0]
        return list(_fields(typed, ()))[:_MOST_LEAVES]
    if family in (Family.JSON, Family.TEXT):
        return _of_json(con, column, table)
    return []


def _fields(typed: object, path: tuple[str, ...]) -> Iterator[Leaf]:
    if getattr(typed, "id", None) == "struct":
        for name, child in typed.children:  # pyright: ignore[reportAttributeAccessIssue]
            yield from _fields(child, (*path, name))
    elif path:
        yield Leaf(path, str(typed).lower())


def _of_json(con: duckdb.DuckDBPyConnection, column: str, table: str) -> list[Leaf]:
    rows = con.execute(
        f"select {column}::varchar from {table} where {column} is not null order by hash(rowid) limit 200"
    ).fetchall()
    seen: dict[tuple[str, ...], set[str]] = {}
    good = 0
    for (text,) in rows:
        if not text.lstrip().startswith("{"):
            continue
        try:
            value = json.loads(text)
        except ValueError:
            continue
        good += 1
        for path, kind in _paths(value, ()):
            seen.setdefault(path, set()).update({kind} if kind else ())
    if not rows or good < 0.8 * len(rows):
        return []
    return [
        Leaf(path, kinds.pop() if len(kinds) == 1 else "json", is_json=True)
        for path, kinds in list(seen.items())[:_MOST_LEAVES]
    ]


_JSON = {bool: "boolean", int: "bigint", float: "double", str: "varchar"}


def _paths(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    if isinstance(value, dict) and value:
        for name, child in value.items():
            yield from _paths(child, (*path, str(name)))
    elif path:
        yield path, None if value is None else _JSON.get(type(value), "json")


def packed(fields: Sequence[tuple[tuple[str, ...], str]], type_: str) -> str:
    """SQL of a struct or JSON of `type_` from SQL of its fields, by their paths."""
    tree: dict[str, object] = {}
    for path, sql in fields:
        here = tree
        for part in path[:-1]:
            here = here.setdefault(part, {})  # type: ignore[assignment]
        here[path[-1]] = sql  # pyright: ignore[reportIndexIssue]
    family = read_type(type_).family
    if family is Family.STRUCT:
        return f"cast({_struct(tree)} as {type_})"
    return f"cast({_object(tree)} as {type_ if family is Family.JSON else 'varchar'})"


def _struct(tree: dict[str, object]) -> str:
    inner = ", ".join(f"{quote(n)} := {_struct(v) if isinstance(v, dict) else v}" for n, v in tree.items())
    return f"struct_pack({inner})"


def _object(tree: dict[str, object]) -> str:
    inner = ", ".join(f"{literal(n)}, {_object(v) if isinstance(v, dict) else v}" for n, v in tree.items())
    return f"json_object({inner})"
