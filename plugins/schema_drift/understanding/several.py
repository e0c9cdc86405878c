"""What one-to-one pairs don't explain: columns split and merged, fields moved in and out of structs and JSON."""

from __future__ import annotations

import duckdb

from plugins.schema_drift.change import Kind

from .columns import Understood
from .fields import nested
from .pairing import Pair
from .recipes import Found, Recipe, prove
from .recipes.finding import Texts
from .recipes.pieces import merges, sample, splits
from .types import NUMBERS, TIMES, Family, read_type

_LEAST_SHARE = 0.8
_MOST_WHOLES = 40
# Rows of a pair that are equal, from which on the rest are updates and no part of something else.
_MOST_UNEVEN = 0.98
_MOST_UNEVEN_PAIRS = 12
_WHOLE = frozenset({Family.TEXT, Family.TIMESTAMP})
_PART = NUMBERS | TIMES | {Family.TEXT, Family.TIME}


def find_several(con: duckdb.DuckDBPyConnection, known: Understood) -> None:
    """Take columns that several others explain out of what is left over; `known.several` tells how."""
    if not known.match.rows or not (known.pairing.removed or known.pairing.added):
        return
    recipes = [*nested(con, known), *_pieces(con, known)]
    founds = [
        Found(one, proof) for one, proof in zip(recipes, prove(con, known.old, known.new, recipes), strict=True)
    ]
    good = [one for one in founds if _is_good(one)]
    good.sort(key=lambda one: (-round(one.proof.share, 2), -len(one.recipe.old) - len(one.recipe.new)))
    for found in good:
        recipe = found.recipe
        for one in _outdone(known, found):
            known.pairing.release(one)
            known.recipes.pop(one, None)
        is_free = set(recipe.old) <= set(known.pairing.removed) and set(recipe.new) <= set(known.pairing.added)
        if is_free:
            known.several.append(found)
            known.pairing.removed = [n for n in known.pairing.removed if n not in recipe.old]
            known.pairing.added = [n for n in known.pairing.added if n not in recipe.new]


def _uneven(known: Understood) -> list[int]:
    """Old columns whose partner has some other values: what is missing there may stand in a column of its own."""
    pairs = known.pairing.pairs.items()
    found = [
        (pair.share or 0.0, one)
        for one, pair in pairs
        if pair.basis == "matched" and pair.compared and (pair.share or 0.0) < _MOST_UNEVEN
        if not ((recipe := known.recipes.get(one)) and recipe.recipe.kind)
    ]
    return [one for _, one in sorted(found)[:_MOST_UNEVEN_PAIRS]]


def _outdone(known: Understood, found: Found) -> list[int]:
    """Pairs within the recipe's columns, if it explains most of what they leave open; none otherwise."""
    inside = [
        (one, pair)
        for one, pair in known.pairing.pairs.items()
        if one in found.recipe.old or pair.new in found.recipe.new
    ]
    is_within = all(one in found.recipe.old and pair.new in found.recipe.new for one, pair in inside)
    best = max((pair.share or 0.0 for _, pair in inside), default=0.0)
    is_better = found.proof.share - best >= 0.5 * (1 - best)
    uneven = set(_uneven(known))
    return (
        [one for one, _ in inside] if is_within and is_better and uneven.issuperset(o for o, _ in inside) else []
    )


def _is_good(found: Found) -> bool:
    proof = found.proof
    if found.recipe.kind in (Kind.COLUMN_SPLIT, Kind.COLUMNS_MERGED):
        share = min((equal / rows if rows else 0.0) for rows, equal in proof.restored)
        return share >= _LEAST_SHARE and proof.varied >= 3
    return proof.share >= _LEAST_SHARE and proof.varied >= 2


def _pieces(con: duckdb.DuckDBPyConnection, known: Understood) -> list[Recipe]:
    old, new, texts = known.old, known.new, Texts(con, known.match)
    uneven = _uneven(known)
    partners = [known.pairing.pairs[one].new for one in uneven]
    olds = [n for n in (*known.pairing.removed, *uneven) if read_type(old.types[n]).family in _PART]
    news = [n for n in (*known.pairing.added, *partners) if read_type(new.types[n]).family in _PART]
    if not olds or not news:
        return []
    ours = {n: sample(texts.of(old.column(n))) for n in olds[: 4 * _MOST_WHOLES]}
    theirs = {n: sample(texts.of(new.column(n))) for n in news[: 4 * _MOST_WHOLES]}
    found: list[Recipe] = []
    for one in list(ours)[:_MOST_WHOLES] if len(news) > 1 else ():
        if read_type(old.types[one]).family in _WHOLE:
            found += splits(old, new, one, list(theirs), ours[one], theirs)
    for two in list(theirs)[:_MOST_WHOLES] if len(olds) > 1 else ():
        if read_type(new.types[two]).family in _WHOLE:
            found += merges(old, new, two, list(ours), theirs[two], ours)
    return found


def taken(known: Understood) -> dict[int, Pair]:
    """Old columns that are in one new column alone, by several recipes, as pairs: what became of a name."""
    return {
        found.recipe.old[0]: Pair(found.recipe.old[0], found.recipe.new[0], 6.0, "matched", found.proof.share)
        for found in known.several
        if len(found.recipe.old) == len(found.recipe.new) == 1
    }
