"""The best recipe of each pair of columns, proven on matched rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from plugins.schema_drift.understanding.matching import Match
from plugins.schema_drift.understanding.reading import Side
from plugins.schema_drift.understanding.types import NUMBERS, TIMES, Family, read_type

from .dates import of_dates
from .recipe import Proof, Recipe, identity, prove, screen
from .texts import of_texts
from .units import of_units
from .values import of_values

# What is left over after a recipe may be updates of rows; more than this is another meaning.
LEAST_SHARE = 0.8
_LEAST_VARIED = 2
_SAMPLE = 400
_SCREENED = 60
_ENOUGH_KINDS = 8
# Rows that a recipe explains beyond those that are equal anyway: fewer are updates that happen to fit.
LEAST_MORE = 3
_LEAST_GAIN = 0.5


@dataclass(frozen=True)
class Found:
    """A recipe and how well it does."""

    recipe: Recipe
    proof: Proof

    @property
    def worth(self) -> float:
        """For choosing among recipes of one pair: what it explains, less for recipes that could explain any."""
        lost = 0.05 if None in self.recipe.restore else 0.0
        return self.proof.share - 0.03 * self.recipe.cost - lost


class Texts:
    """Values of matched rows as text, each column read once."""

    def __init__(self, con: duckdb.DuckDBPyConnection, match: Match) -> None:
        self._con = con
        self._every = max(1, match.rows // 5_000)
        self._kept: dict[str, list[str | None]] = {}

    def of(self, column: str) -> list[str | None]:
        """The column of `temp._drift_matched` as text, of at most 5,000 rows, the same ones for each."""
        if column not in self._kept:
            rows = self._con.execute(
                f"select {column}::varchar from temp._drift_matched where rowid % {self._every} = 0 order by rowid"
            ).fetchall()
            self._kept[column] = [row[0] for row in rows]
        return self._kept[column]


def find_all(
    con: duckdb.DuckDBPyConnection, old: Side, new: Side, match: Match, pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], list[Found]]:
    """Recipes for each pair of numbers of columns, best first; those that explain too little are left out."""
    recipes: list[Recipe] = []
    texts = Texts(con, match)
    for one, two in pairs:
        recipes += _of(texts, old, new, match, one, two)
    recipes = _screened(con, old, new, recipes)
    found: dict[tuple[int, int], list[Found]] = {}
    for recipe, proof in zip(recipes, prove(con, old, new, recipes), strict=True):
        if proof.share >= LEAST_SHARE and proof.varied >= _LEAST_VARIED:
            found.setdefault((recipe.old[0], recipe.new[0]), []).append(Found(recipe, proof))
    return {pair: sorted(_worthy(all_), key=lambda one: -one.worth) for pair, all_ in found.items()}


def _worthy(founds: list[Found]) -> list[Found]:
    """Those that explain more than the plain values do, which are lower case, or padded, already; and these."""
    plain = next((one for one in founds if one.recipe.kind is None and not one.recipe.cost), None)
    if plain is None:
        return founds
    share, equal = plain.proof.share, plain.proof.equal
    return [
        one
        for one in founds
        if one is plain
        or (one.proof.share - share >= _LEAST_GAIN * (1 - share) and one.proof.equal - equal >= LEAST_MORE)
    ]


def _screened(con: duckdb.DuckDBPyConnection, old: Side, new: Side, recipes: list[Recipe]) -> list[Recipe]:
    """Those that do anything on a few rows; only these are proven on all."""
    if len(recipes) < 10:
        return recipes
    con.execute(
        "create or replace temp table _drift_some as select * from temp._drift_matched "
        f"order by hash(rowid) limit {_SCREENED}"
    )
    return screen(con, old, new, recipes, "temp._drift_some", LEAST_SHARE - 0.3)


def _of(texts: Texts, old: Side, new: Side, match: Match, one: int, two: int) -> list[Recipe]:
    types = old.types[one], new.types[two]
    before, after = old.numbers([one])[match.before, 0], new.numbers([two])[match.after, 0]
    if not _is_possible(old, new, match, one, two):
        return []
    found: list[Recipe] = []
    if types[0] != types[1]:
        plain = identity(old, new, one, two)
        # A cast that happens to read Y and N as booleans is no reason to believe that nothing else changed.
        is_words = "boolean" in types
        found.append(replace(plain, cost=1.0) if is_words else plain)
    else:
        found.append(identity(old, new, one, two))
    if (read_type(types[0]).family, read_type(types[1]).family) == (Family.TIMESTAMP, Family.DATE):
        lost = "the time of day is gone, and can't be had again. Who needs it?"
        day = identity(old, new, one, two)
        found.append(replace(day, slack=86_399.999999, text="the same days", question=lost, cost=0.3))
    found += of_units(old, new, one, two, before, after)
    was, now = texts.of(old.column(one)), texts.of(new.column(two))
    found += of_values(one, two, types, was, now)
    found += of_texts(one, two, *types, was[:_SAMPLE], now[:_SAMPLE])
    found += of_dates(one, two, types, (was, now), (before, after))
    return found


def _is_possible(old: Side, new: Side, match: Match, one: int, two: int) -> bool:
    """Whatever is done to values, nulls stay nulls and there are no fewer or more different ones than before."""
    ours, theirs = old.hashes([one])[match.before, 0], new.hashes([two])[match.after, 0]
    both = (ours != 0) & (theirs != 0)
    if both.sum() < 0.5 * max((ours != 0).sum(), (theirs != 0).sum(), 1):
        return False
    kinds = len(np.unique(ours[both])), len(np.unique(theirs[both]))
    # Rounding makes one of many; other ways of writing hardly do.
    families = read_type(old.types[one]).family, read_type(new.types[two]).family
    is_rounded = (set(families) <= NUMBERS and min(kinds) >= _ENOUGH_KINDS) or (
        families[0] in TIMES and min(kinds) >= _LEAST_VARIED
    )
    return min(kinds) >= 2 and (min(kinds) >= 0.2 * max(kinds) or is_rounded)
