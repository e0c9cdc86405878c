"""What the data says about a proposed model: its types, its nulls, how many rows, whether its key is one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Limits, check, run

# A model may take longer than a question that somebody waits for.
_LIMITS = Limits(seconds=120.0, rows=100_000)


@dataclass(frozen=True)
class Measured:
    """types: DuckDB's, by column. nulls: how many rows have none, by column. is_unique: no key twice."""

    types: Mapping[str, str]
    rows: int
    nulls: Mapping[str, int]
    is_unique: bool


def describe(con: duckdb.DuckDBPyConnection, sql: str, relations: Collection[str]) -> dict[str, str]:
    """The types of a query's columns. Raises SmeltError if it may not be run, or cannot."""
    check(sql, relations)
    try:
        rows = con.execute(f"describe {sql}").fetchall()
    except duckdb.Error as error:
        raise SmeltError(f"the model's SQL does not run: {str(error).splitlines()[0]}", "ask otherwise") from error
    return {row[0]: row[1] for row in rows}


def measure(con: duckdb.DuckDBPyConnection, sql: str, relations: Collection[str], keys: Sequence[str]) -> Measured:
    """Run the model once. Raises SmeltError if the guard or the database refuses it."""
    types = describe(con, sql, relations)
    nulls = ", ".join(f"count(*) - count({quote(name)})" for name in types)
    rows, *missing = run(con, check(f"select count(*), {nulls} from ({sql}) as model", relations), _LIMITS).rows[0]
    named = ", ".join(map(quote, keys)) or "1"
    grains = f"select count(*) from (select distinct {named} from ({sql}) as model) as grains"
    ((distinct,),) = run(con, check(grains, relations), _LIMITS).rows
    return Measured(types, rows, dict(zip(types, missing, strict=True)), distinct == rows)
