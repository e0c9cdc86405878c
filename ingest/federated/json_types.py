"""Types of JSON's columns: of all values at a look, and held to them ever after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from plugins.core.duck import literal, quote
from plugins.core.errors import SmeltError

_INTEGERS = frozenset({"BIGINT", "UBIGINT"})
# JSON types of the values that a column of a type has.
_FITTING = {"bigint": ("UBIGINT", "BIGINT"), "double": ("UBIGINT", "BIGINT", "DOUBLE"), "boolean": ("BOOLEAN",)}


def json_columns(name: str, con: duckdb.DuckDBPyConnection, files: Sequence[str], options: str) -> dict[str, str]:
    """Each column's DuckDB type, from all values of the files: one type if they agree, text if they don't.

    name: the stream's; options: further ones of DuckDB's reader. Raises SmeltError if there is no column, or if
    two differ in case only; duckdb.Error names a file and line that is no JSON object.
    """
    paths = ", ".join(map(literal, files))
    no_object = f"error({literal(f'{name}: a line is no JSON object: ')} || filename)"
    found = con.execute(
        f"""
        with lines as (
            select
                case when json_type(json) = 'OBJECT' then json else {no_object} end as document,
                row_number() over () as line
            from read_ndjson_objects([{paths}], filename = true{options})
        )
        select
            member.key,
            list(distinct member.type),
            bool_and(member.type not in ('BIGINT', 'UBIGINT') or try_cast(member.value as bigint) is not null)
        from lines, json_each(lines.document) as member
        group by member.key
        order by min(lines.line), min(member.id)
        """
    ).fetchall()
    if not found:
        raise SmeltError(
            f"{name}: its files hold no record yet, so nobody knows its columns", "wait for the first"
        )
    kinds = {key: _kind(set(types), fits_bigint) for key, types, fits_bigint in found}
    lower = [key.lower() for key in kinds]
    if twice := [key for n, key in enumerate(kinds) if lower[n] in lower[:n]]:
        raise SmeltError(
            f"{name}: {twice[0]} is there twice, in upper and lower case, which can't be told apart in place",
            "set sync_mode: incremental to load it",
        )
    return kinds


def json_relation(name: str, pattern: str, columns: Mapping[str, str], options: str) -> str:
    """SELECT of the columns and `_smelt_file`; a value that doesn't fit its column's type is an error."""
    read = ", ".join(f"{literal(key)}: {literal(_read_as(kind))}" for key, kind in columns.items())
    values = ", ".join(f"{_value(name, key, kind)} as {quote(key)}" for key, kind in columns.items())
    return (
        f"select {values}, _smelt_file from read_json({literal(pattern)}, format = 'newline_delimited', "
        f"auto_detect = false, columns = {{{read}}}, filename = '_smelt_file'{options})"
    )


def _kind(types: set[str], fits_bigint: bool) -> str:
    types = types - {"NULL"}
    if types and types <= _INTEGERS:
        return "bigint" if fits_bigint else "varchar"
    if types and types <= {*_INTEGERS, "DOUBLE"}:
        return "double"
    return "boolean" if types == {"BOOLEAN"} else "varchar"


def _read_as(kind: str) -> str:
    # DuckDB would cast 2.5 to 2, and "7" to 7: what it must not change is compared first.
    return "VARCHAR" if kind == "varchar" else "JSON"


def _value(name: str, key: str, kind: str) -> str:
    column = quote(key)
    if kind == "varchar":
        return column
    fits = ", ".join(map(literal, _FITTING[kind]))
    since = f"as all were at the last look; run smelt ingest {name}"
    wrong = f"error({literal(f'{name}: a value of {key} is no {kind}, {since}: ')} || _smelt_file)::{kind}"
    return (
        f"case when json_type({column}) in ({fits}) then {column}::{kind} "
        f"when coalesce(json_type({column}), 'NULL') = 'NULL' then null else {wrong} end"
    )
