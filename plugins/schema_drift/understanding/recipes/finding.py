"""The best recipe of each pair of columns, proven on matched rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from plugins.schema_drift.understanding.matching import Match
from plugins.schema_drift.understanding.reading import Side

from .recipe import Proof, Recipe, identity, prove
from .units import of_units

# What is left over after a recipe may be updates of rows; more than this is another meaning.
LEAST_SHARE = 0.8
_LEAST_VARIED = 2


@dataclass(frozen=True)
class Found:
    """A recipe and how well it does."""

    recipe: Recipe
    proof: Proof

    @property
    def worth(self) -> float:
        """For choosing among recipes of one pair: what it explains, less for recipes that could explain anything."""
        return self.proof.share - 0.01 * self.recipe.cost


def find_all(
    con: duckdb.DuckDBPyConnection, old: Side, new: Side, match: Match, pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], list[Found]]:
    """Recipes for each pair of numbers of columns, best first; those that explain too little are left out."""
    recipes: list[Recipe] = []
    for one, two in pairs:
        recipes += _of(con, old, new, match, one, two)
    found: dict[tuple[int, int], list[Found]] = {}
    for recipe, proof in zip(recipes, prove(con, old, new, recipes), strict=True):
        if proof.share >= LEAST_SHARE and proof.varied >= _LEAST_VARIED:
            found.setdefault((recipe.old[0], recipe.new[0]), []).append(Found(recipe, proof))
    return {pair: sorted(all_, key=lambda one: -one.worth) for pair, all_ in found.items()}


def _of(con: duckdb.DuckDBPyConnection, old: Side, new: Side, match: Match, one: int, two: int) -> list[Recipe]:
    before = old.numbers([one])[match.before, 0]
    after = new.numbers([two])[match.after, 0]
    found: list[Recipe] = []
    if old.types[one] != new.types[two]:
        found.append(identity(old, new, one, two))
    found += of_units(old, new, one, two, before, after)
    return found
