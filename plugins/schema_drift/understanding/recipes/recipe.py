"""Recipes: how an old column's values are made from columns of now, and how well that works on matched rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from plugins.core.duck import quote
from plugins.schema_drift.change import Kind, Restored, Supplied
from plugins.schema_drift.understanding.reading import Side
from plugins.schema_drift.understanding.types import TIMES, Family, read_type

MATCHED = "temp._drift_matched"
_AT_ONCE = 100
# Given the SQL of the columns that it reads, the SQL of the value.
Expression = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class Recipe:
    """One way in which old columns and new columns hold the same.

    kind: what the change is, if names don't differ. old, new: numbers of columns. restore: of each old column
    from the new ones; None: it can't be had again. supply: of each new column from the old ones. detail: for the
    change. text: what happened, for people. tolerance, slack: by how much values may differ,
    relative and absolute (of times, in seconds). test: SQL, given old and new columns, that is true where a
    row fits, for recipes that give neither side in full.
    """

    kind: Kind | None
    old: tuple[int, ...]
    new: tuple[int, ...]
    restore: tuple[Expression | None, ...]
    supply: tuple[Expression | None, ...]
    detail: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    question: str | None = None
    tolerance: float = 0.0
    slack: float = 0.0
    test: Callable[[Sequence[str], Sequence[str]], str] | None = None
    # A prior: recipes that say less go first where both work.
    cost: float = 0.0


@dataclass(frozen=True)
class Proof:
    """compared: matched rows where either side has a value. equal: of those, where the recipe gives the other
    side's value. restored: the same for each old column. varied: different old values among the equal rows."""

    compared: int
    equal: int
    restored: tuple[tuple[int, int], ...]
    varied: int = 0

    @property
    def share(self) -> float:
        """The share of compared rows that are equal; 0 where there are none."""
        return self.equal / self.compared if self.compared else 0.0


def identity(old: Side, new: Side, one: int, two: int) -> Recipe:
    """The old column is the new one; in another type it is cast."""
    before, after = old.types[one], new.types[two]
    if before == after:
        return Recipe(None, (one,), (two,), (lambda c: c[0],), (lambda c: c[0],))
    return Recipe(
        None, (one,), (two,), (lambda c: cast(c[0], after, before),), (lambda c: cast(c[0], before, after),)
    )


def cast(value: str, given: str, wanted: str) -> str:
    """SQL that turns a value of one type into another; null for what doesn't fit."""
    one, two = read_type(given).family, read_type(wanted).family
    if one is Family.TEXT and two in (Family.INTEGER, Family.DECIMAL, Family.FLOAT):
        return f"try_cast(nullif(trim({value}), '') as {wanted})"
    if one is Family.BOOLEAN and two in (Family.DECIMAL, Family.FLOAT):
        return f"cast(cast({value} as integer) as {wanted})"
    return f"try_cast({value} as {wanted})"


def prove(con: duckdb.DuckDBPyConnection, old: Side, new: Side, recipes: Sequence[Recipe]) -> list[Proof]:
    """Count, on `temp._drift_matched`, for how many rows each recipe gives the values of the other side."""
    return [
        Proof(row[0], row[1], tuple((row[0], count) for count in row[3:]), row[2])
        for row in _counted(con, [_counts(one, old, new) for one in recipes], MATCHED)
    ]


def screen(
    con: duckdb.DuckDBPyConnection, old: Side, new: Side, recipes: Sequence[Recipe], rows: str, least: float
) -> list[Recipe]:
    """Those recipes that work for a share of `rows`, a relation with the columns of the matched rows."""
    counted = _counted(con, [_counts(one, old, new)[:2] for one in recipes], rows)
    return [one for one, row in zip(recipes, counted, strict=True) if row[0] and row[1] >= least * row[0]]


def _counted(con: duckdb.DuckDBPyConnection, wanted: Sequence[Sequence[str]], rows: str) -> list[tuple[int, ...]]:
    """The values of each group of aggregates; zeros for groups that don't bind to the types at hand."""
    found: list[tuple[int, ...]] = []
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        try:
            row = con.execute(f"select {', '.join(one for group in part for one in group)} from {rows}").fetchone()
        except duckdb.Error:
            # A recipe that doesn't bind is no candidate; halves are tried until it stands alone.
            if len(part) == 1:
                found.append((0,) * len(part[0]))
                continue
            half = len(part) // 2
            found += _counted(con, part[:half], rows) + _counted(con, part[half:], rows)
            continue
        values = iter(row or ())
        found += [tuple(next(values) for _ in group) for group in part]
    return found


def _counts(one: Recipe, old: Side, new: Side) -> list[str]:
    """SQL of: rows compared, rows equal, different old values among these, and rows equal by old column."""
    befores, afters = [old.column(n) for n in one.old], [new.column(n) for n in one.new]
    filled = " or ".join(f"{name} is not null" for name in (*befores, *afters))
    tests = [
        same(made(afters), name, old.types[number], one) if made else "false"
        for made, name, number in zip(one.restore, befores, one.old, strict=True)
    ]
    whole = " and ".join(tests)
    if one.test is not None:
        whole = one.test(befores, afters)
    elif all(made is None for made in (*one.restore, *one.supply)):
        whole = "false"
    elif any(made is None for made in one.restore):
        whole = " and ".join(
            same(made(befores), name, new.types[number], one) if made else "true"
            for made, name, number in zip(one.supply, afters, one.new, strict=True)
        )
    values = befores[0] if len(befores) == 1 else f"({', '.join(befores)})"
    counts = [f"count(*) filter ({filled})", f"count(*) filter (({filled}) and {whole})"]
    counts.append(f"count(distinct case when ({filled}) and {whole} then {values}::varchar end)")
    if one.test is not None:
        tests = [whole] * len(tests)
    return counts + [f"count(*) filter (({filled}) and {test})" for test in tests]


def same(made: str, name: str, type_: str, recipe: Recipe) -> str:
    """SQL that is true where a made value is the given one; floats and rounded numbers within a tolerance."""
    family = read_type(type_).family
    if family in TIMES and recipe.slack:
        close = f"abs(epoch(({made})::timestamp) - epoch({name}::timestamp)) <= {recipe.slack!r}"
        return f"coalesce({close}, ({made}) is null and {name} is null)"
    if family is Family.FLOAT or recipe.tolerance or recipe.slack:
        relative = f"{max(recipe.tolerance, 1e-9)!r} * abs({name}::double)"
        close = f"abs(({made})::double - {name}::double) <= greatest({relative}, {max(recipe.slack, 1e-12)!r})"
        return f"coalesce({close}, ({made}) is null and {name} is null)"
    return f"(({made}) is not distinct from {name})"


def restored(recipe: Recipe, proof: Proof, old: Side, new: Side) -> tuple[Restored, ...]:
    """The recipe in the tables' own names, for what can be had again."""
    reads = tuple(new.names[n] for n in recipe.new)
    given = [quote(name) for name in reads]
    return tuple(
        Restored(old.names[number], made(given), reads, *counted)
        for number, made, counted in zip(recipe.old, recipe.restore, proof.restored, strict=True)
        if made
    )


def supplied(recipe: Recipe, old: Side, new: Side) -> tuple[Supplied, ...]:
    """The recipe in the other direction."""
    reads = tuple(old.names[n] for n in recipe.old)
    given = [quote(name) for name in reads]
    return tuple(
        Supplied(new.names[number], made(given), reads)
        for number, made in zip(recipe.new, recipe.supply, strict=True)
        if made
    )
