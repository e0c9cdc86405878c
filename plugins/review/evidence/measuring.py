"""Counts of a column's values by bins: one scan of each side for all columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plugins.core.duck import literal
from plugins.review.evidence.columns import TOLERANCE, Column
from plugins.review.evidence.sides import Sides

_QUANTILES = [n / 10 for n in range(1, 10)]
_CATEGORIES = 20
# From about so many rows of base the bins are found, by which many more are counted.
_ROWS_FOR_BINS = 100_000
_SEED = 42


@dataclass(frozen=True)
class Bins:
    """Where a column's bins lie. edges: upper ends, ascending, the last is base's largest; or categories."""

    lowest: float | None = None
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """A column on one side.

    bins: rows in each bin, nulls first. distinct: about how many values. range: `min`, `max` and `mean` of numbers
    (points in time have no mean).
    """

    rows: int
    nulls: int
    bins: tuple[int, ...]
    distinct: int
    range: Mapping[str, Any]


def find_bins(sides: Sides, columns: Sequence[Column]) -> dict[Column, Bins]:
    """Bins of base's values; of a large table they are found on a sample of its rows."""
    rows = _rows(sides, "base", max(find_one_in(sides), sides.counts[0] // _ROWS_FOR_BINS))
    selected: list[str] = []
    for n, column in enumerate(columns):
        if _is_number(column):
            edges = f"[min(c{n}), max(c{n})] || quantile_disc(c{n}, {_QUANTILES})"
            selected.append(f"(select {edges} from s where c{n} is not null)")
        else:
            frequent = f"select c{n} as v, count(*) as n from s where c{n} is not null group by 1"
            selected.append(f"(select list(v) from ({frequent} order by n desc, v limit {_CATEGORIES}))")
    values = ", ".join(f"{_expression(column, 'base')} as c{n}" for n, column in enumerate(columns))
    row = sides.con.execute(
        f"with s as materialized (select {values} from {rows}) select {', '.join(selected)}"
    ).fetchall()[0]
    return {column: _bins(column, found) for column, found in zip(columns, row, strict=True)}


def find_one_in(sides: Sides) -> int:
    """Every so many rows are measured; 1: all. Counting all columns by bins is not cheap for larger tables."""
    largest, enough = max(sides.counts), sides.comparison.limits.sample_rows
    return max(sides.one_in, 1 if largest <= 2 * enough else -(-largest // enough))


def _rows(sides: Sides, side: str, one_in: int) -> str:
    """By key, so that the same keys are measured on both sides; by chance where rows can't be told apart."""
    if one_in == 1 or (sides.key and sides.matching.is_unique):
        return sides.rows(side, one_in)
    return f"(select * from {sides.rows(side, 1)} using sample {100 / one_in:.9f} percent (bernoulli, {_SEED}))"


def _bins(column: Column, found: Sequence[Any] | None) -> Bins:
    if not _is_number(column):
        return Bins(categories=tuple(found or ()))
    numbers = [number for number in found or () if number is not None]
    if not numbers:
        return Bins()
    lowest, highest, *quantiles = numbers
    # Quantiles come in order; what is not a number is the largest, as DuckDB orders it.
    return Bins(lowest, tuple(dict.fromkeys((*quantiles, highest))))


def measure(
    sides: Sides, side: str, columns: Sequence[Column], bins: Mapping[Column, Bins]
) -> dict[Column, Measured]:
    """One side's columns, all in one scan."""
    values = ", ".join(
        f"{_expression(column, side)} as c{n}, {column.of(side)} as v{n}" for n, column in enumerate(columns)
    )
    parts = [
        part for n, column in enumerate(columns) for part in _aggregates(f"c{n}", f"v{n}", column, bins[column])
    ]
    row = sides.con.execute(
        f"select count(*), {', '.join(parts)} from (select {values} from {_rows(sides, side, find_one_in(sides))})"
    ).fetchall()[0]
    rows, rest = row[0], list(row[1:])
    found: dict[Column, Measured] = {}
    for column in columns:
        size = len(_aggregates("", "", column, bins[column]))
        found[column] = _measured(column, bins[column], rows, rest[:size])
        rest = rest[size:]
    return found


def _aggregates(value: str, original: str, column: Column, bins: Bins) -> list[str]:
    """Not null, distinct, then the bins, and of numbers their range."""
    common = [f"count({value})", f"approx_count_distinct({value})"]
    if not _is_number(column):
        return [*common, *(f"count(*) filter (where {value} = {literal(c)})" for c in bins.categories)]
    mean = f"avg({value}) filter (where isfinite({value}))" if not column.is_time else "null"
    ends = [f"min({original})", f"max({original})", mean]
    if not bins.edges:
        return [*common, *ends]
    edges = ", ".join(_double(_above(edge)) for edge in bins.edges)
    below = f"count(*) filter (where {value} < {_double(_below(bins.lowest))})"
    return [*common, *ends, below, f"map_values(histogram({value}, [{edges}]))"]


def _measured(column: Column, bins: Bins, rows: int, values: Sequence[Any]) -> Measured:
    filled, distinct, *rest = values
    nulls = rows - filled
    if not _is_number(column):
        return Measured(rows, nulls, (nulls, *rest, filled - sum(rest)), distinct, {})
    low, high, mean, *counts = rest
    ends = {"min": low, "max": high, **({} if column.is_time else {"mean": mean})}
    if not counts:
        return Measured(rows, nulls, (nulls, filled), distinct, ends)
    below, inside = counts[0], list(counts[1] or ())[: len(bins.edges)]
    inside += [0] * (len(bins.edges) - len(inside))
    above = filled - sum(inside)
    return Measured(rows, nulls, (nulls, below, inside[0] - below, *inside[1:], above), distinct, ends)


def _is_number(column: Column) -> bool:
    found = column.measured("base")
    return found is not None and found[1]


def _expression(column: Column, side: str) -> str:
    found = column.measured(side)
    assert found is not None, column
    return found[0]


def _above(edge: float) -> float:
    return edge + TOLERANCE * abs(edge)


def _below(edge: float | None) -> float:
    return edge - TOLERANCE * abs(edge) if edge is not None else 0.0


def _double(value: float) -> str:
    return f"'{value!r}'::double"
