"""Keys held against all rows of a stream, where DuckDB has them; those that fail teach the next guess.

Guess on a sample, check on everything, add what broke the guess to the sample and guess again, as in HyUCC
(Papenbrock, Naumann: A Hybrid Approach for Efficient Unique Column Combination Discovery, BTW 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from plugins.core.discovery.keys import with_primary
from plugins.core.discovery.profile import Key
from plugins.core.duck import literal, quote

if TYPE_CHECKING:
    import pyarrow as pa

_ROUNDS = 4
# Values that are there twice, and the rows with them, that are added to the sample for each guess that failed.
_TWICE, _BREAKING = 40, 120
# Of a sample of all rows, single columns are keys or not with this much left to doubt.
_VERIFIED = 0.6


def count_rows(everything: duckdb.DuckDBPyRelation) -> int:
    """All rows of a relation."""
    return int(_one(everything.aggregate("count(*)")))


def verify_keys(
    everything: duckdb.DuckDBPyRelation,
    total: int,
    sample: pa.Table,
    guess: Callable[[pa.Table], Sequence[Key]],
) -> tuple[Key, ...]:
    """Keys that hold on all rows of a relation, surest first.

    guess: finds keys of a table; it is asked again with rows that broke the last guess.
    """
    known: dict[frozenset[str], bool] = {}
    keys: Sequence[Key] = guess(sample)
    for _ in range(_ROUNDS):
        breaking = []
        for key in keys:
            if (columns := frozenset(key.columns)) in known or not columns <= set(everything.columns):
                continue
            known[columns] = _different(everything, key.columns) == total
            if not known[columns]:
                breaking.append(_breaking(everything, key.columns, sample.column_names))
        if not breaking:
            break
        sample = _added(sample, breaking)
        keys = guess(sample)
    return with_primary([_verified(key, total) for key in keys if known.get(frozenset(key.columns), False)])


def included(everything: duckdb.DuckDBPyRelation, column: str, values: Sequence[str]) -> int:
    """How many of some different values, as text, a column has in all rows."""
    if not values:
        return 0
    text = f"{quote(column)}::varchar"
    listed = ", ".join(map(literal, values))
    return int(_one(everything.filter(f"{text} in ({listed})").aggregate(f"count(distinct {text})")))


def _added(sample: pa.Table, breaking: Sequence[pa.Table]) -> pa.Table:
    """The sample, and the rows that are not in it yet: a row that came twice would break every key."""
    import pyarrow as pa

    more = pa.concat_tables([one.cast(sample.schema) for one in breaking])
    known = set(map(repr, sample.to_pylist()))
    fresh: list[int] = []
    for number, row in enumerate(map(repr, more.to_pylist())):
        if row not in known:
            known.add(row)
            fresh.append(number)
    return pa.concat_tables([sample, more.take(pa.array(fresh, pa.int64()))])


def _different(everything: duckdb.DuckDBPyRelation, columns: Sequence[str]) -> int:
    """Rows with values in all columns, each combination counted once."""
    if len(columns) == 1:
        return int(_one(everything.aggregate(f"count(distinct {quote(columns[0])})")))
    filled = everything.filter(" and ".join(f"{quote(one)} is not null" for one in columns))
    return int(_one(filled.project(", ".join(map(quote, columns))).distinct().aggregate("count(*)")))


def _breaking(everything: duckdb.DuckDBPyRelation, columns: Sequence[str], wanted: Sequence[str]) -> pa.Table:
    """Some rows that agree on the columns, or have no value in one."""
    listed = ", ".join(map(quote, columns))
    twice = everything.aggregate(f"{listed}, count(*) as _smelt_n", listed).filter("_smelt_n > 1").limit(_TWICE)
    rows = twice.project(", ".join(f"{quote(one)}::varchar" for one in columns)).fetchall()
    empty = " or ".join(f"{quote(one)} is null" for one in columns)
    every = ", ".join(f"{quote(one)}::varchar" for one in columns)
    values = ", ".join(
        "(" + ", ".join("null" if one is None else literal(one) for one in row) + ")" for row in rows
    )
    where = f"(({every}) in ({values})) or {empty}" if values and len(columns) > 1 else empty
    if values and len(columns) == 1:
        where = f"{every} in ({values}) or {empty}"
    return everything.filter(where).limit(_BREAKING).project(", ".join(map(quote, wanted))).to_arrow_table()


def _verified(key: Key, total: int) -> Key:
    doubt = (1 - key.confidence) * _VERIFIED
    return replace(
        key,
        confidence=round(min(0.99, 1 - doubt), 3),
        evidence=f"{key.evidence}; verified on {total:,} of {total:,} rows",
    )


def _one(relation: duckdb.DuckDBPyRelation) -> int:
    row = relation.fetchone()
    return row[0] if row else 0
