"""Whether values under one name changed as rows of a living table do, or mean something else now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .evidence import apart, entropy, likeness, overlap, unlike
from .matching import Match
from .reading import Hashes, Numbers, Side
from .types import NUMBERS, TIMES, Family, read_type

_LEAST_ROWS = 30
_MOST_LIFT = 0.1
_SMALL_SET_BITS = 4.5


_FEW_ROWS = 10
_LEAST_RELATED = 0.3
_LEAST_APART = 0.1
_LEAST_BITS = 1.5
_SINCE, _UNTIL = 631_152_000.0, 4_102_444_800.0  # 1990 to 2100
# A value within this much of the old one may be the same one, corrected.
_NEAR = 0.02


@dataclass(frozen=True)
class Verdict:
    """confidence that the meaning changed, and what speaks for it, in one line.

    share, rows: of compared rows, those with the same value. asks: what a person has to say, as a question.
    detail: for the change. is_thin: whether there are too few rows to be sure.
    """

    confidence: float
    text: str
    share: float
    rows: int
    asks: str = "What does it mean now, and where did the old values go?"
    detail: Mapping[str, Any] = field(default_factory=dict)
    is_thin: bool = False


def other_meaning(old: Side, new: Side, match: Match, one: int, two: int, is_settled: bool) -> Verdict | None:
    """Whether a column of one name holds something else; None: it may be the same.

    is_settled: most other columns of the table kept their values on the matched rows, so that the table lives on.
    """
    if match.rows >= _FEW_ROWS and is_settled:
        found = _rescaled(old, new, match, one, two)
        return found or _on_rows(old, new, match, one, two)
    if not match.rows and min(old.taken, new.taken) >= 100 and is_settled:
        return _by_content(old, new, one, two)
    return None


def _on_rows(old: Side, new: Side, match: Match, one: int, two: int) -> Verdict | None:
    ours, theirs = old.hashes([one])[match.before, 0], new.hashes([two])[match.after, 0]
    both = (ours != 0) & (theirs != 0)
    rows = int(both.sum())
    # Nulls that come or go in a burst are no new meaning.
    if rows < _FEW_ROWS or rows < 0.2 * match.rows:
        return None
    seen = likeness(ours[both][:, None], theirs[both][:, None])
    share, lift = float(seen.share[0, 0]), float(seen.lift[0, 0])
    if lift > _MOST_LIFT:
        return None
    bits = entropy(ours[both]), entropy(theirs[both])
    if min(bits) < 0.2:
        return None
    families = read_type(old.types[one]).family, read_type(new.types[two]).family
    ordered = NUMBERS | TIMES
    text = f"only {round(share * rows):,} of {rows:,} rows that exist before and after carry the same value"
    if all(family in ordered for family in families):
        before, after = old.numbers([one])[match.before, 0][both], new.numbers([two])[match.after, 0][both]
        sure = _numbers_differ(before, after, min(bits))
        if all(family in TIMES for family in families) and (after >= before).mean() > 0.95:
            return None
        if not sure:
            return None
        text += ", and old and new values have no relation"
        return Verdict(sure if rows >= _LEAST_ROWS else 0.6, text, share, rows, is_thin=rows < _LEAST_ROWS)
    if rows < _LEAST_ROWS:
        return None
    met = overlap(ours[both], theirs[both])
    if min(bits) < _SMALL_SET_BITS:
        # A status moves on within its set of values.
        if met >= 0.3 or Family.BOOLEAN in families:
            return None
        return Verdict(0.8, f"{text}, and the sets of values differ", share, rows)
    shapes = _written_apart(old.shapes(one, match.before[both]), new.shapes(two, match.after[both]))
    if met < 0.1 and shapes > 0.5:
        return Verdict(
            0.93, f"{text}, none of the values of before is left, and they are written otherwise", share, rows
        )
    return Verdict(0.75, f"{text}, and no way was found to make one from the other", share, rows)


def _rescaled(old: Side, new: Side, match: Match, one: int, two: int) -> Verdict | None:
    """Every number is some part more (or less) than it was, by no one factor: another currency, net or gross.

    Corrections leave many values where they were or near it, and go both ways; what adds up grows by no share of
    itself, and what everybody's grows by is one number.
    """
    families = read_type(old.types[one]).family, read_type(new.types[two]).family
    if not all(family in NUMBERS for family in families):
        return None
    before, after = old.numbers([one])[match.before, 0], new.numbers([two])[match.after, 0]
    fine = np.isfinite(before) & np.isfinite(after) & (before != 0)
    rows = int(fine.sum())
    if rows < _FEW_ROWS or rows < 0.3 * match.rows:
        return None
    before, after = before[fine], after[fine]
    ratio, moved = after / before, after - before
    if (np.abs(ratio - 1) <= _NEAR).mean() > 0.01:
        return None
    low, high = (float(part) for part in np.percentile(ratio, [1, 99]))
    if low <= 0 or not (low > 1 or high < 1) or np.log(high / low) > 0.7:
        return None
    size = np.log(np.abs(before))
    if np.log(high / low) > 2 * float(np.subtract(*np.percentile(size, [90, 10]))):
        return None
    # What is added to each row, more or less the same, is a share of its own of each value.
    if _width(moved) < 1.5 * _width(ratio - 1):
        return None
    text = (
        f"each of {rows:,} values of rows that exist before and after is {low:.3g} to {high:.3g} × what it was, "
        "by no constant factor"
    )
    asks = "Is it another currency, net instead of gross, or another quantity?"
    sure = 0.9 if rows >= 100 else 0.8 if rows > _LEAST_ROWS else 0.6
    return Verdict(sure, text, 0.0, rows, asks=asks, is_thin=rows <= _LEAST_ROWS)


def _width(values: Numbers) -> float:
    """How many times as large the ninth decile is as the first, signs aside."""
    low, high = np.percentile(np.abs(values), [10, 90])
    return float(high / low) if low > 0 else float("inf")


def _numbers_differ(before: Numbers, after: Numbers, bits: float) -> float:
    """The confidence that numbers of the same rows have nothing to do with each other; 0 where they may.

    A gauge that reads otherwise each time keeps its distribution; a counter, and most that is updated, its order.
    """
    fine = np.isfinite(before) & np.isfinite(after)
    before, after = before[fine], after[fine]
    rows = len(before)
    if rows < _FEW_ROWS or _is_clock(before, after):
        return 0.0
    # Three times the spread that shuffled rows have.
    if abs(_ranks(before, after)) > max(_LEAST_RELATED, min(3 / np.sqrt(rows - 1), 0.6)):
        return 0.0
    distance = apart(before, after)
    # Of few rows distributions differ by chance (Smirnov 1948).
    if distance < _LEAST_APART + 1.4 * np.sqrt(2 / rows) or bits < _LEAST_BITS:
        return 0.0
    # What adds up only grows, and may grow by more than it was.
    if (after >= before).mean() > 0.95 and (before >= 0).all() and (distance < 0.9 or rows < _LEAST_ROWS):
        return 0.0
    return 0.92 if distance > 0.5 else 0.8


def _is_clock(before: Numbers, after: Numbers) -> bool:
    """Whether both are seconds (or parts of them) since 1970, and later ones now: times of the last change."""
    known = any(_SINCE * unit <= np.median(before) <= _UNTIL * unit for unit in (1.0, 1e3, 1e6))
    return known and bool((after >= before).mean() > 0.95)


def _ranks(before: Numbers, after: Numbers) -> float:
    """Spearman's correlation."""
    one, two = np.argsort(np.argsort(before)).astype(float), np.argsort(np.argsort(after)).astype(float)
    if not one.std() or not two.std():
        return 0.0
    return float(np.corrcoef(one, two)[0, 1])


def _by_content(old: Side, new: Side, one: int, two: int) -> Verdict | None:
    ours, theirs = old.hashes([one])[:, 0], new.hashes([two])[:, 0]
    if min(entropy(ours), entropy(theirs)) < 1 or overlap(ours, theirs) > 0.05:
        return None
    # Time goes on, and numbers of rows with it.
    families = read_type(old.types[one]).family, read_type(new.types[two]).family
    is_number_of_rows = all(len(np.unique(side)) >= 0.98 * len(side) for side in (ours, theirs))
    if set(families) <= TIMES or (set(families) <= {Family.INTEGER, Family.UUID} and is_number_of_rows):
        return None
    distance = content_distance(old, new, one, two)
    if distance < 0.9:
        return None
    text = f"no value of before is left, and the distributions are {distance:.0%} apart; no rows could be matched"
    return Verdict(0.6, text, 0.0, 0)


def content_distance(old: Side, new: Side, one: int, two: int) -> float:
    """0 (alike) to 1: how far apart what two columns hold is, values aside."""
    families = read_type(old.types[one]).family, read_type(new.types[two]).family
    if all(family in NUMBERS | TIMES for family in families):
        return apart(old.numbers([one])[:, 0], new.numbers([two])[:, 0])
    return _written_apart(old.shapes(one), new.shapes(two))


def _written_apart(old: Hashes, new: Hashes) -> float:
    """0 to 1: how far apart shapes are, beyond how far the halves of the old ones are: tokens have many shapes."""
    return max(0.0, unlike(old, new) - unlike(old[::2], old[1::2]))


def null_share(column: Hashes) -> float:
    """The share of nulls."""
    return float((column == 0).mean()) if len(column) else 0.0
