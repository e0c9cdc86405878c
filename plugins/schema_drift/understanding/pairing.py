"""Which old column is which new one: every pair weighed, and the whole assigned one-to-one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plugins.core.assignment import assign

from .confidence import odds
from .evidence import apart, entropy, likeness, overlap, unlike
from .matching import Match
from .names import alike
from .reading import Side
from .types import NUMBERS, TIMES, Family, Type, compare_types, read_type

Matrix = NDArray[np.float64]
# Bits of agreement from which chance is no explanation.
ENOUGH_BITS = 16.0
_SETTLED = 0.98


@dataclass
class Pair:
    """An old column and a new one that are the same, as far as is known so far.

    share: of compared rows that are equal; None where none could be compared. log_odds: that it is so.
    twins: other new (or old) columns that explain it as well. rivals: new columns that came second, with their
    log-odds. basis: `matched`, `unmatched`, `named` or `header`.
    """

    old: int
    new: int
    log_odds: float
    basis: str
    share: float | None = None
    compared: int = 0
    lift: float = 0.0
    bits: float = 0.0
    chance: float = 0.0
    twins: tuple[int, ...] = ()
    twin_olds: tuple[int, ...] = ()
    rivals: tuple[tuple[int, float], ...] = ()
    evidence: dict[str, float] = field(default_factory=dict)


@dataclass
class Pairing:
    """pairs: by old column. removed, added: columns that have no partner yet."""

    pairs: dict[int, Pair]
    removed: list[int]
    added: list[int]

    def take(self, pair: Pair) -> None:
        """Believe a pair."""
        self.pairs[pair.old] = pair
        self.removed = [one for one in self.removed if one != pair.old]
        self.added = [one for one in self.added if one != pair.new]

    def release(self, old: int) -> None:
        """Give a pair up."""
        pair = self.pairs.pop(old)
        self.removed = sorted([*self.removed, pair.old])
        self.added = sorted([*self.added, pair.new])


def same_names(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Columns of exactly one name at both times."""
    places = {name: number for number, name in enumerate(new)}
    return {number: places[name] for number, name in enumerate(old) if name in places}


def pair_matched(old: Side, new: Side, match: Match) -> Pairing:
    """Pairs that the same rows prove; what isn't proven is left in `removed` and `added`."""
    named = same_names(old.names, new.names)
    pairing = Pairing({}, list(range(len(old.names))), list(range(len(new.names))))
    ours = old.hashes(range(len(old.names)))[match.before]
    theirs = new.hashes(range(len(new.names)))[match.after]
    for one, two in named.items():
        seen = likeness(ours[:, [one]], theirs[:, [two]])
        share, rows = float(seen.share[0, 0]), int(seen.rows[0, 0])
        is_alike = compare_types(old.types[one], new.types[two]) == "same"
        if share >= _SETTLED and is_alike and (rows >= 5 or rows == match.rows):
            bits = float(seen.bits[0, 0])
            pairing.take(Pair(one, two, 8.0, "matched", share, rows, float(seen.lift[0, 0]), bits))
    _settle_keys(pairing, match, old, new)
    if not pairing.removed or not pairing.added:
        return pairing
    left, right = list(pairing.removed), list(pairing.added)
    for pair in _weigh(old, new, left, right, ours, theirs):
        pairing.take(pair)
    return pairing


def _settle_keys(pairing: Pairing, match: Match, old: Side, new: Side) -> None:
    """The key's columns are the same by how rows were matched."""
    if match.key is None or match.rows < 5:
        return
    for one, two in zip(match.key.before, match.key.after, strict=True):
        if one in pairing.removed and two in pairing.added:
            total = min(old.taken, new.taken) or 1
            share = match.rows / total
            odds_of = 1.0 + 5.0 * share if len(match.key.before) == 1 else 3.0
            ours, theirs = old.hashes([one])[match.before], new.hashes([two])[match.after]
            exact = float((ours == theirs).mean())
            pairing.take(Pair(one, two, odds_of, "matched", exact, match.rows, exact, 10.0))


def _weigh(
    old: Side, new: Side, left: list[int], right: list[int], ours: NDArray[np.uint64], theirs: NDArray[np.uint64]
) -> list[Pair]:
    seen = likeness(ours[:, left], theirs[:, right])
    evidence = _common(old, new, left, right)
    lift = np.clip(seen.lift, 0, 1)
    strength = seen.bits * seen.share * seen.rows
    evidence["lift"] = lift
    evidence["evidence"] = lift * np.clip(strength / 60.0, 0, 1)
    evidence["lead"] = lead(lift)
    evidence["nulls"] = 1 - np.abs(
        (ours[:, left] == 0).mean(0)[:, None] - (theirs[:, right] == 0).mean(0)[None, :]
    )
    total = odds("matched", evidence)
    # Without agreement beyond chance nothing is proven, whatever the names.
    proven = (lift >= 0.3) & (strength >= ENOUGH_BITS)
    gains = {
        (one, two): float(total[one, two]) for one, two in zip(*np.nonzero(proven & (total > 0)), strict=True)
    }
    pairs = []
    for one, two in assign(gains).items():
        twins = tuple(
            right[other]
            for other in range(len(right))
            if other != two and lift[one, other] >= lift[one, two] - 0.002
        )
        olds = tuple(
            left[other]
            for other in range(len(left))
            if other != one and lift[other, two] >= lift[one, two] - 0.002
        )
        pairs.append(
            Pair(
                left[one], right[two], gains[one, two], "matched", float(seen.share[one, two]),
                int(seen.rows[one, two]), float(lift[one, two]), float(seen.bits[one, two]),
                float(seen.chance[one, two]), twins, olds, _rivals(total, right, one, two),
                {name: float(values[one, two]) for name, values in evidence.items()},
            )
        )  # fmt: skip
    return pairs


def _rivals(total: Matrix, right: Sequence[int], one: int, two: int) -> tuple[tuple[int, float], ...]:
    """The new columns that come next after `two` for old column `one`, with log-odds, if they are worth a word."""
    order = [int(other) for other in np.argsort(-total[one])[:3] if other != two and total[one, other] > -3.0]
    return tuple((right[other], float(total[one, other])) for other in order)


def lead(score: Matrix) -> Matrix:
    """By how much each pair is better than the best other of its row and of its column; −1..1."""
    wide, high = score.shape
    result = np.array(score)
    if high > 1:
        ordered = np.sort(score, axis=1)
        best = np.where(score == ordered[:, [-1]], ordered[:, [-2]], ordered[:, [-1]])
        result = np.minimum(result, score - best)
    if wide > 1:
        ordered = np.sort(score, axis=0)
        best = np.where(score == ordered[[-1], :], ordered[[-2], :], ordered[[-1], :])
        result = np.minimum(result, score - best)
    return result


def _common(old: Side, new: Side, left: list[int], right: list[int]) -> dict[str, Matrix]:
    names_old, names_new = [old.names[n] for n in left], [new.names[n] for n in right]
    types = [read_type(old.types[n]) for n in left], [read_type(new.types[n]) for n in right]
    places_old = [n / max(len(old.names), 1) for n in left]
    places_new = [n / max(len(new.names), 1) for n in right]
    return common(names_old, names_new, *types, places_old, places_new)


def common(
    names_old: Sequence[str],
    names_new: Sequence[str],
    types_old: Sequence[Type],
    types_new: Sequence[Type],
    places_old: Sequence[float],
    places_new: Sequence[float],
) -> dict[str, Matrix]:
    """What declarations alone say of each pair."""
    equal = np.array([[one == two for two in names_new] for one in names_old], dtype=np.float64)
    table: dict[tuple[Type, Type], float] = {}
    for one in set(types_old):
        for two in set(types_new):
            table[one, two] = type_likeness(one, two)
    types = np.array([[table[one, two] for two in types_new] for one in types_old])
    apart_by = np.abs(np.array(places_old)[:, None] - np.array(places_new)[None, :])
    shape = (len(names_old), len(names_new))
    return {
        "name": alike(names_old, names_new),
        "same_name": equal.reshape(shape),
        "type": types.reshape(shape),
        "position": (1 - apart_by).reshape(shape),
    }


def type_likeness(one: Type, two: Type) -> float:
    """1 for one family, 0.5 for families of one sort, 0 else."""
    if one.family is two.family:
        return 1.0
    for sort in (NUMBERS, TIMES, {Family.TEXT, Family.UUID, Family.JSON}):
        if one.family in sort and two.family in sort:
            return 0.5
    return 0.0


_LIKELIEST = 12
_SAMPLE = 3_000


def pair_unmatched(old: Side, new: Side, left: list[int], right: list[int], most: float = 4.5) -> list[Pair]:
    """Pairs by what columns hold, where no rows can be compared; of these only the likeliest are believed."""
    if not left or not right:
        return []
    evidence = _common(old, new, left, right)
    shape = (len(left), len(right))
    evidence |= {name: np.zeros(shape) for name in ("overlap", "shape", "nulls")}
    first = evidence["name"] + evidence["type"] + 2 * evidence["same_name"] + 0.3 * evidence["position"]
    worth = np.zeros(shape, dtype=bool)
    if shape[1] <= _LIKELIEST * 3:
        worth[:] = True
    else:
        np.put_along_axis(worth, np.argsort(-first, axis=1)[:, :_LIKELIEST], True, axis=1)
    bits = {}
    for one, two in zip(*np.nonzero(worth), strict=True):
        bits[one, two] = _held(old, new, left[one], right[two], evidence, one, two)
    evidence["lead"] = lead(0.5 * (evidence["overlap"] + evidence["shape"]))
    total = odds("unmatched", evidence)
    gains = {
        (one, two): float(min(total[one, two], most))
        for one, two in zip(*np.nonzero(worth & (total > 0)), strict=True)
    }
    return [
        Pair(left[one], right[two], gains[one, two], "unmatched", bits=bits[one, two],
             rivals=_rivals(total, right, one, two),
             evidence={name: float(values[one, two]) for name, values in evidence.items()})
        for one, two in assign(gains).items()
    ]  # fmt: skip


def _held(old: Side, new: Side, one: int, two: int, evidence: dict[str, Matrix], row: int, column: int) -> float:
    """Fill in how alike the contents of two columns are; returns the bits of a value of the old one."""
    ours, theirs = old.hashes([one])[:_SAMPLE, 0], new.hashes([two])[:_SAMPLE, 0]
    bits = min(entropy(ours), entropy(theirs))
    # Small sets of values meet by chance; values that nobody else has don't.
    worth = float(np.clip(bits / 6.0, 0.15 if bits else 0.0, 1.0))
    evidence["overlap"][row, column] = overlap(ours, theirs) * worth
    gap = abs(float((ours == 0).mean() if len(ours) else 0) - float((theirs == 0).mean() if len(theirs) else 0))
    evidence["nulls"][row, column] = 1 - gap
    if not bits:
        return 0.0
    families = read_type(old.types[one]).family, read_type(new.types[two]).family
    if all(family in NUMBERS | TIMES for family in families):
        distance = apart(old.numbers([one])[:_SAMPLE, 0], new.numbers([two])[:_SAMPLE, 0])
    elif Family.TEXT in families:
        shapes = unlike(old.shapes(one, slice(_SAMPLE)), new.shapes(two, slice(_SAMPLE)))
        lengths = apart(old.lengths([one])[:_SAMPLE, 0], new.lengths([two])[:_SAMPLE, 0])
        distance = 0.5 * shapes + 0.5 * lengths
    else:
        distance = 0.5
    evidence["shape"][row, column] = 1 - distance
    return bits
