"""What happened to the columns of one table whose rows are seen at both times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np

from plugins.schema_drift.table import SeenTable

from .evidence import entropy, likeness
from .matching import Match, match
from .natural import Verdict, other_meaning
from .pairing import ENOUGH_BITS, Pair, Pairing, pair_matched, pair_unmatched, same_names
from .reading import Side
from .recipes import LEAST_MORE, Found, find_all, identity, prove
from .types import Family, read_type

# Pairs of left-over columns for which recipes are tried at most, all against all.
_MOST_PAIRS = 240
_FEW_PER_COLUMN = 6
_REPLACED_ROWS, _REPLACED_BITS = 30, 3.0


@dataclass
class Understood:
    """What is known of one table: pairs with their recipes, what is left, and which names hold something else.

    recipes: by old column, of pairs that are not plain. several: recipes with more than one column on a side.
    meanings: by old column, verdicts on pairs of one name. rivals: by old column, recipes that came second.
    """

    con: duckdb.DuckDBPyConnection
    old: Side
    new: Side
    match: Match
    pairing: Pairing
    recipes: dict[int, Found] = field(default_factory=dict)
    several: list[Found] = field(default_factory=list)
    meanings: dict[int, Verdict] = field(default_factory=dict)
    rivals: dict[int, list[Found]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, ...]:
        """Names, before, of the columns that rows were matched by."""
        return tuple(self.old.names[n] for n in self.match.key.before) if self.match.key else ()


def understand(con: duckdb.DuckDBPyConnection, before: SeenTable, after: SeenTable) -> Understood:
    """Match rows, pair columns, find recipes for those that differ; leaves temporary tables behind."""
    old, new = Side.of(con, before, "b"), Side.of(con, after, "a")
    matched = match(old, new)
    pairing = pair_matched(old, new, matched) if matched.rows else _all_open(old, new)
    known = Understood(con, old, new, matched, pairing)
    if matched.rows:
        _make_matched(con, known)
        _find_recipes(con, known)
    _settle_names(known)
    _prove_casts(con, known)
    _soften(known)
    _doubt_names(known)
    return known


def _doubt_names(known: Understood) -> None:
    """Pairs of one name whose rows agree by a good part, but not as those of the same column would."""
    from .sets import fell_together

    for one, pair in known.pairing.pairs.items():
        recipe = known.recipes.get(one)
        if one in known.meanings or (recipe and recipe.recipe.kind) or (pair.share or 0.0) >= 0.98:
            continue
        if known.old.names[one] == known.new.names[pair.new]:
            verdict = fell_together(known, one, pair.new)
            if verdict is not None:
                known.meanings[one] = verdict


def _all_open(old: Side, new: Side) -> Pairing:
    return Pairing({}, list(range(len(old.names))), list(range(len(new.names))))


def _make_matched(con: duckdb.DuckDBPyConnection, known: Understood) -> None:
    """Write the matched rows side by side; left out where every pair is plain and nothing is left over."""
    if _is_plain(known):
        return
    once = "qualify count(*) over (partition by {0}_key) = 1"
    con.execute(
        "create or replace temp table _drift_matched as select b.*, a.* from "
        f"(select * from {known.old.temp} {once.format('b')}) as b join "
        f"(select * from {known.new.temp} {once.format('a')}) as a on b.b_key = a.a_key"
    )


def _is_plain(known: Understood) -> bool:
    pairing = known.pairing
    plain = all(
        known.old.types[one] == known.new.types[pair.new] and (pair.share or 0) > 0.98
        for one, pair in pairing.pairs.items()
    )
    return plain and (not pairing.removed or not pairing.added)


def _find_recipes(con: duckdb.DuckDBPyConnection, known: Understood) -> None:
    """Prove what pairs need more than another name; pair what a recipe explains."""
    old, new, pairing = known.old, known.new, known.pairing
    if _is_plain(known):
        return
    from .fields import retyped as retyped_fields

    retyped = [pair for one, pair in pairing.pairs.items() if old.types[one] != new.types[pair.new]]
    casts = [identity(old, new, pair.old, pair.new) for pair in retyped]
    for pair, recipe, proof in zip(retyped, casts, prove(con, old, new, casts), strict=True):
        known.recipes[pair.old] = Found(recipe, proof)
    inside = retyped_fields(con, known)
    for one, proof in zip(inside, prove(con, old, new, list(inside.values())), strict=True):
        if proof.share >= known.recipes[one].proof.share:
            known.recipes[one] = Found(inside[one], proof)
    uneven = [(one, pair.new) for one, pair in pairing.pairs.items() if (pair.share or 0) < 0.98 and pair.compared]
    better = find_all(con, old, new, known.match, uneven)
    for (one, _), founds in better.items():
        # Updates of rows are no recipe: it must explain nearly all that differs.
        share = pairing.pairs[one].share or 0.0
        rest = 1 - share
        more = founds[0].proof.equal - share * pairing.pairs[one].compared if founds else 0
        if founds and founds[0].proof.share - share >= 0.8 * rest and more >= LEAST_MORE:
            known.recipes[one] = founds[0]
            known.rivals[one] = founds[1:4]
    # What a recipe explains under its own name needs no other candidates.
    named = same_names(old.names, new.names)
    # Structs with other fields are cast by leaving some out: what became of their fields is told by `fields`.
    own = [
        (one, named[one])
        for one in pairing.removed
        if named.get(one) in pairing.added and not _is_struct(old.types[one], new.types[named[one]])
    ]
    _take_recipes(known, find_all(con, old, new, known.match, own))
    from .several import find_several

    find_several(con, known)
    _take_recipes(known, find_all(con, old, new, known.match, _worth_trying(known)))


def _is_replaced(known: Understood, named: Mapping[int, int]) -> bool:
    """Whether the same keys name other things now: texts that told rows apart have other values in all of them.

    Of tables that only hold what was measured last, every number may be another one; names stay.
    """
    old, matched = known.old, known.match
    # Rows that happen to share the values of other columns are not the same rows.
    if not matched.key or not matched.key.is_given or matched.rows < 0.5 * min(old.taken, known.new.taken):
        return False
    texts = [
        (one, two)
        for one, two in named.items()
        if read_type(old.types[one]).family is Family.TEXT and not (matched.key and one in matched.key.before)
    ]
    if matched.rows < _REPLACED_ROWS or not texts:
        return False
    shares = [_measured(known, one, two)[0] or 0.0 for one, two in texts]
    bits = [entropy(old.hashes([one])[matched.before, 0]) for one, _ in texts]
    return max(bits) > _REPLACED_BITS and all(
        share < 0.05 for share, told in zip(shares, bits, strict=True) if told > _REPLACED_BITS
    )


def _is_struct(*types: str) -> bool:
    return all(read_type(type_).family is Family.STRUCT for type_ in types)


def _worth_trying(known: Understood) -> list[tuple[int, int]]:
    old, new, pairing = known.old, known.new, known.pairing
    left, right = pairing.removed, pairing.added
    if len(left) * len(right) <= _MOST_PAIRS:
        return [(one, two) for one in left for two in right]
    from .names import alike

    named = same_names(old.names, new.names)
    likely = alike([old.names[n] for n in left], [new.names[n] for n in right])
    pairs = {(one, named[one]) for one in left if named.get(one) in right}
    for row, one in enumerate(left):
        if len(pairs) >= 4 * _MOST_PAIRS:
            break
        pairs |= {(one, right[column]) for column in np.argsort(-likely[row])[:_FEW_PER_COLUMN]}
    return sorted(pairs)


def _take_recipes(known: Understood, found: dict[tuple[int, int], list[Found]]) -> None:
    from plugins.core.assignment import assign

    from .names import alike

    if not found:
        return
    old, new = known.old, known.new
    rows, columns = sorted({one for one, _ in found}), sorted({two for _, two in found})
    names = alike([old.names[n] for n in rows], [new.names[n] for n in columns])
    gains = {}
    for (one, two), all_ in found.items():
        bonus = names[rows.index(one), columns.index(two)] + (1.0 if old.names[one] == new.names[two] else 0.0)
        gains[one, two] = recipe_odds(all_[0]) + bonus
    for one, two in assign(gains).items():
        best = found[one, two][0]
        known.recipes[one] = best
        known.rivals[one] = found[one, two][1:4]
        proof = best.proof
        known.pairing.take(
            Pair(one, two, min(gains[one, two], 7.0), "matched", proof.share, proof.compared, proof.share, 4.0)
        )


def recipe_odds(found: Found) -> float:
    """Log-odds that a proven recipe is what happened: more rows, more different values, fewer exceptions."""
    proof = found.proof
    return (
        -1.5
        + 6.0 * (proof.share - 0.5)
        + 1.2 * min(np.log10(max(proof.equal, 1)), 3.0)
        + 0.8 * min(np.log10(max(proof.varied, 1)), 3.0)
        - found.recipe.cost
    )


def _settle_names(known: Understood) -> None:
    """Pairs of one name that nothing has proven: the same, unless their rows say otherwise."""
    old, new, pairing = known.old, known.new, known.pairing
    named = same_names(old.names, new.names)
    lower: dict[str, list[int]] = {}
    for number, name in enumerate(new.names):
        lower.setdefault(name.lower(), []).append(number)
    total = len(named) or 1
    kept = sum(
        1 for one, pair in pairing.pairs.items() if (pair.share or 0) > 0.9 and pair.bits * pair.compared > 16
    )
    is_settled = kept >= max(2, 0.4 * total) if known.match.rows else total >= 0.6 * max(len(old.names), 1)
    is_settled = is_settled or (kept <= len(known.key) and _is_replaced(known, named))
    for one in list(pairing.removed):
        two = named.get(one)
        if two is None or two not in pairing.added:
            continue
        verdict = other_meaning(old, new, known.match, one, two, is_settled)
        if verdict is not None:
            known.meanings[one] = verdict
        share, rows, lift = _measured(known, one, two)
        pairing.take(Pair(one, two, 3.0, "named", share, rows, lift))


def _prove_casts(con: duckdb.DuckDBPyConnection, known: Understood) -> None:
    """How well a cast gives the old values of columns that are paired by their name alone."""
    if not known.match.rows:
        return
    old, new = known.old, known.new
    left = [
        pair
        for one, pair in known.pairing.pairs.items()
        if old.types[one] != new.types[pair.new] and one not in known.recipes and one not in known.meanings
    ]
    casts = [identity(old, new, pair.old, pair.new) for pair in left]
    for pair, recipe, proof in zip(left, casts, prove(con, old, new, casts), strict=True):
        known.recipes[pair.old] = Found(recipe, proof)


def _measured(known: Understood, one: int, two: int) -> tuple[float | None, int, float]:
    if not known.match.rows:
        return None, 0, 0.0
    seen = likeness(known.old.hashes([one])[known.match.before], known.new.hashes([two])[known.match.after])
    return float(seen.share[0, 0]), int(seen.rows[0, 0]), float(seen.lift[0, 0])


def _soften(known: Understood) -> None:
    """Pair what is left by what columns hold, where the rows can't say; remember pairs that came close."""
    old, new, pairing = known.old, known.new, known.pairing
    left, right = list(pairing.removed), list(pairing.added)
    if not left or not right:
        return
    if not old.taken or not new.taken:
        return
    open_old, open_new = _undecided(known, left, right)
    most = 3.0 if not known.match.rows else 2.0
    for pair in pair_unmatched(old, new, open_old, open_new, most):
        if not known.match.rows or _is_undecided(known, pair.old, pair.new):
            if pair.bits < 0.2:
                pair.log_odds = min(pair.log_odds, 0.4)
            pairing.take(pair)


def _undecided(known: Understood, left: Sequence[int], right: Sequence[int]) -> tuple[list[int], list[int]]:
    if not known.match.rows:
        return list(left), list(right)
    olds = [one for one in left if any(_is_undecided(known, one, two) for two in right)]
    news = [two for two in right if any(_is_undecided(known, one, two) for one in left)]
    return olds, news


def _is_undecided(known: Understood, one: int, two: int) -> bool:
    """Whether the matched rows say too little of a pair: few rows, constants, or nulls on both sides."""
    ours, theirs = known.old.hashes([one])[known.match.before, 0], known.new.hashes([two])[known.match.after, 0]
    if abs(float((ours == 0).mean()) - float((theirs == 0).mean())) > 0.5:
        return False
    both = (ours != 0) & (theirs != 0)
    if both.sum() == 0:
        return bool((ours == 0).all() and (theirs == 0).all())
    bits = max(entropy(ours[both]), entropy(theirs[both])) * float(both.sum())
    agree = float((ours[both] == theirs[both]).mean())
    return bits < ENOUGH_BITS and agree > 0.5
