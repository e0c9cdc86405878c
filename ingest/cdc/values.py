"""Text of PostgreSQL values → SQL of bronze values: the counterpart, here, of what a batch pull selects there.

A change event must land in the type, and in the very value, in which a batch pull lands the row: see
`plugins.core.postgres.columns` for the rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from plugins.core.duck import literal, quote
from plugins.core.postgres import PgColumn

_CASTS = {
    "bool": "boolean", "int2": "integer", "int4": "integer", "int8": "bigint", "oid": "bigint", "float4": "float",
    "float8": "double",
}  # fmt: skip
_MOMENTS = {"date": "date", "timestamp": "timestamp", "timestamptz": "timestamptz"}
_NUMBERS = {"_int2", "_int4", "_int8", "_float4", "_float8", "_numeric"}
_TOKEN = re.compile(r'[{}]|"(?:[^"\\]|\\.)*"|[^{},"]+')
_STARTS_AT = re.compile(r"^[\[\]:\d-]+=")


def expression(column: PgColumn) -> str:
    """SQL over the column's text (under its alias): its bronze value, null where bronze can't hold it."""
    name = quote(column.alias)
    kind = column.type if _is_cast(column) else "text"
    if kind == "bytea":
        return f"unhex(substr({name}, 3))"
    if kind in _MOMENTS:
        moment = f"try_cast({name} as {_MOMENTS[kind]})"
        # PostgreSQL's years run from 4713 BC to 294276 and to infinity; bronze's from 1 to 9999.
        is_held = f"{moment} >= '0001-01-01' and {moment} < '10000-01-01' and not ends_with({name}, 'BC')"
        return f"case when {is_held} then {moment} end"
    if kind == "time":
        return f"try_cast(nullif({name}, '24:00:00') as time)"
    if kind == "numeric":
        return f"try_cast({name} as {column.declared.replace('numeric', 'decimal')})"
    if kind in _CASTS:
        return f"{name}::{_CASTS[kind]}"
    if column.type == "bpchar":
        # Padding means nothing in PostgreSQL, and a pull leaves it away.
        return f"rtrim({name}, ' ')"
    if column.type == "money" and column.kind == "b":
        return f"regexp_replace({name}, '[^0-9.-]', '', 'g')"
    return name


def extra_expression(columns: Sequence[PgColumn]) -> str:
    """SQL of the JSON (written as jsonb is) of values that fit no bronze type, by column; null: there are none."""
    refusing = [c for c in columns if _is_cast(c) and c.type in {*_MOMENTS, "time", "numeric"}]
    if not refusing:
        return "null::varchar"
    refused = {c.alias: f"{quote(c.alias)} is not null and ({expression(c)}) is null" for c in refusing}
    pairs = ", ".join(
        f"case when {refused[name]} then {literal(json.dumps(name, ensure_ascii=False) + ': ')} "
        f"|| to_json({quote(name)})::varchar end"
        for name in sorted(refused, key=lambda name: (len(name.encode()), name.encode()))
    )
    present = f"array_to_string(list_filter([{pairs}], lambda pair: pair is not null), ', ')"
    return f"'{{' || nullif({present}, '') || '}}'"


def arrays_as_json(column: PgColumn, values: pa.LargeStringArray) -> pa.LargeStringArray:
    """The literals of an array column (`{a,NULL,"b c"}`) as JSON, the way the server's `to_json` writes them."""
    coded = values.dictionary_encode()
    texts = [None if text is None else _json(text, column.type) for text in coded.dictionary.to_pylist()]
    return pa.array(texts, pa.large_string()).take(coded.indices)


def _is_cast(column: PgColumn) -> bool:
    if column.kind == "d":
        plain = {*_CASTS, "bytea"} - {"oid"}
        return column.type in plain
    return column.kind == "b" and (replace(column, alias=column.name).is_exact or column.type == "oid")


def _json(text: str, kind: str) -> str:
    if not text.startswith(("{", "[")):
        return text
    parts = (match[0] for match in _TOKEN.finditer(_STARTS_AT.sub("", text)))
    next(parts)
    return f"[{','.join(_members(parts, kind))}]"


def _members(parts: Iterator[str], kind: str) -> Iterator[str]:
    for part in parts:
        if part == "}":
            return
        if part == "{":
            yield f"[{','.join(_members(parts, kind))}]"
        elif part.startswith('"'):
            yield _member(re.sub(r"\\(.)", r"\1", part[1:-1], flags=re.DOTALL), kind)
        else:
            yield "null" if part == "NULL" else _member(part, kind)


def _member(text: str, kind: str) -> str:
    value: Any = text
    if kind == "_bool":
        return "true" if text == "t" else "false"
    if kind in _NUMBERS and text not in {"NaN", "Infinity", "-Infinity"}:
        return text
    if kind in {"_json", "_jsonb"}:
        return text
    if kind in {"_timestamp", "_timestamptz"}:
        value = text.replace(" ", "T", 1)
        value = f"{value}:00" if re.search(r"[+-]\d\d$", value) and kind == "_timestamptz" else value
    return json.dumps(value, ensure_ascii=False)
