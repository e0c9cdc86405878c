"""Gives values that came as text the type in DuckDB that holds them exactly."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugins.core import duck
from plugins.schema_drift.table import Column

_EXACT = frozenset({"BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "UUID"})
_FLOATS = frozenset({"REAL", "FLOAT", "DOUBLE"})
_DIGITS = 38
# A number of any precision, whose type depends on the values.
_NUMBER = "number"


def with_types(con: duckdb.DuckDBPyConnection, staged: str, columns: Sequence[Column], dialect: str) -> str:
    """The list of a `select` over text columns c0, c1, … that gives `columns`; what fits no type stays text.

    staged: the table that holds the text. Raises duckdb.Error.
    """
    kinds = [_kind(column.type, dialect) for column in columns]
    measured = [_measures(n, kind) for n, kind in enumerate(kinds)]
    asked = ", ".join(part for parts in measured for part in parts)
    found = iter(con.execute(f"select {asked} from {staged}").fetchall()[0])
    selected = []
    for n, (column, kind) in enumerate(zip(columns, kinds, strict=True)):
        failed, whole, scale = next(found), next(found), next(found)
        if kind == _NUMBER:
            fits = (whole or 0) + (scale or 0) <= _DIGITS
            kind = f"decimal({_DIGITS}, {scale or 0})" if fits else "varchar"
        selected.append(f"cast(c{n} as {'varchar' if failed else kind}) as {duck.quote(column.name)}")
    return ", ".join(selected)


def _measures(n: int, kind: str) -> tuple[str, str, str]:
    """SQL: how many values are not of the kind, and of numbers the most digits before and after the point."""
    if kind != _NUMBER:
        return f"count(*) filter (where c{n} is not null and try_cast(c{n} as {kind}) is null)", "0", "0"
    return (
        f"count(*) filter (where not regexp_full_match(c{n}, '-?[0-9]*[.]?[0-9]*'))",
        f"max(length(ltrim(split_part(c{n}, '.', 1), '-')))",
        f"max(length(split_part(c{n}, '.', 2)))",
    )


def _kind(declared: str, dialect: str) -> str:
    try:
        kind = exp.DataType.build(declared, dialect=dialect)
    except SqlglotError:
        return "varchar"
    if kind.is_type(exp.DataType.Type.DECIMAL):
        digits = [int(part.name) for part in kind.expressions if part.name.isdigit()]
        return kind.sql("duckdb") if digits and digits[0] <= _DIGITS else _NUMBER
    sql = kind.sql("duckdb")
    return sql if sql in _EXACT | _FLOATS else "varchar"
