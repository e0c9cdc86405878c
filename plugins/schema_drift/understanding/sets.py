"""Sets of values that lost some: old values that fell together into one, a column that was emptied, values gone.

Rows of a living table move on through a set of values, each in its own time, so that some rows of any value are
left or come in anew. That every row of a value becomes the same other value, and none is left, somebody did.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plugins.schema_drift.change import Change, Fact, Kind, Severity
from plugins.schema_drift.table import Table

from . import telling
from .columns import Understood
from .natural import Verdict
from .reading import Hashes
from .types import Family, read_type

_MOST_KINDS = 60
_LEAST_ROWS = 30
_LEAST_EACH = 20
_LEAST_PART = 0.03
_LEAST_SUPPORT = 0.98
_MOST_OTHERS = 2
_CLOSED_ROWS = 200
_CLOSED_KINDS = 20


@dataclass(frozen=True)
class _Moves:
    """Where the rows of each old value went. kinds: old values; targets: the likeliest new value of each; shares:
    how many of its rows took it; counts: its rows; places: of one such row among the compared ones."""

    kinds: Hashes
    targets: Hashes
    shares: NDArray[np.float64]
    counts: NDArray[np.intp]
    places: NDArray[np.intp]


def fell_together(known: Understood, one: int, two: int) -> Verdict | None:
    """Whether the values of a column of one name can't be told apart any more, though they could before."""
    old, new, match = known.old, known.new, known.match
    if match.rows < _LEAST_ROWS or match.rows < 0.5 * old.taken:
        return None
    ours, theirs = old.hashes([one])[match.before, 0], new.hashes([two])[match.after, 0]
    filled = int((ours != 0).sum())
    if filled < max(_LEAST_EACH, 0.3 * match.rows):
        return None
    if not new.hashes([two]).any():
        text = f"all of {filled:,} values of rows that exist before and after are null now, and so are all others"
        return Verdict(0.9, text, 0.0, filled, asks="Is it filled elsewhere, or not at all any more?")
    if read_type(old.types[one]).family is Family.BOOLEAN:
        return None
    both = np.nonzero((ours != 0) & (theirs != 0))[0]
    moves = _moves(ours[both], theirs[both])
    return _merged(known, one, two, moves, both) if moves is not None else None


def _moves(ours: Hashes, theirs: Hashes) -> _Moves | None:
    kinds, places, counts = np.unique(ours, return_index=True, return_counts=True)
    if not 2 <= len(kinds) <= _MOST_KINDS or len(ours) < max(_LEAST_ROWS, 4 * len(kinds)):
        return None
    targets, shares, first = np.zeros_like(kinds), np.zeros(len(kinds)), np.array(places)
    for number, kind in enumerate(kinds):
        mine = np.nonzero(ours == kind)[0]
        values, found, often = np.unique(theirs[mine], return_index=True, return_counts=True)
        best = int(often.argmax())
        targets[number], shares[number] = values[best], often[best] / len(mine)
        first[number] = mine[found[best]]
    return _Moves(kinds, targets, shares, counts, first)


def _merged(known: Understood, one: int, two: int, moves: _Moves, both: NDArray[np.intp]) -> Verdict | None:
    """Old values all of whose rows share a new value with rows of another old value."""
    rows = int(moves.counts.sum())
    if (moves.shares * moves.counts).sum() < 0.9 * rows:
        return None
    now = known.new.hashes([two])[:, 0]
    values, often = np.unique(moves.targets, return_counts=True)
    shared = np.isin(moves.targets, values[often > 1])
    enough = moves.counts >= max(_LEAST_EACH, _LEAST_PART * rows)
    # A row or two may have been updated besides.
    few = np.maximum((1 - _LEAST_SUPPORT) * moves.counts, np.minimum(_MOST_OTHERS, 0.1 * moves.counts))
    left = ~np.isin(moves.kinds, now) & (moves.counts * (1 - moves.shares) <= few + 1e-9)
    gone = shared & enough & left & (moves.targets != moves.kinds)
    if not gone.any():
        return None
    # A set of two in which only one is left, as when all work is done, may be the way of the world.
    is_pair = len(moves.kinds) == 2
    if is_pair and rows < 100:
        return None
    was = known.old.texts([one])[0][known.match.before][both]
    became = known.new.texts([two])[0][known.match.after][both]
    told = {str(was[place]): str(became[place]) for place in moves.places[gone]}
    share = float((moves.counts * (moves.targets == moves.kinds)).sum() / rows)
    some = ", ".join(f"`{a}` → `{b}`" for a, b in list(told.items())[:3]) + (" …" if len(told) > 3 else "")
    count = int(moves.counts[gone].sum())
    text = (
        f"all {count:,} rows that held {len(told)} of {len(moves.kinds)} values fell together with others: {some}"
    )
    asks = "Nothing tells them apart any more: what should stand for the values that are gone?"
    detail = {"values": told, "removed_values": sorted(told)}
    return Verdict(0.7 if is_pair else 0.9, text, share, rows, asks=asks, detail=detail)


def departures(known: Understood, table: Table) -> list[Change]:
    """Values of small, closed sets that no row holds any more, where nothing else explains it."""
    old, new, match = known.old, known.new, known.match
    if match.rows < max(_CLOSED_ROWS, 0.5 * old.taken):
        return []
    changes = []
    for one, pair in known.pairing.pairs.items():
        recipe = known.recipes.get(one)
        if (recipe and recipe.recipe.kind) or one in known.meanings or old.types[one] != new.types[pair.new]:
            continue
        if read_type(old.types[one]).family is not Family.TEXT:
            continue
        kinds, counts = np.unique(old.hashes([one])[:, 0], return_counts=True)
        kinds, counts = kinds[kinds != 0], counts[kinds != 0]
        if not 2 <= len(kinds) <= _CLOSED_KINDS:
            continue
        often = counts >= max(_LEAST_EACH, _LEAST_PART * counts.sum())
        lost = kinds[often & ~np.isin(kinds, new.hashes([pair.new])[:, 0])]
        if len(lost) and len(lost) < len(kinds):
            changes.append(_departed(known, table, one, pair.new, lost))
    return changes


def _departed(known: Understood, table: Table, one: int, two: int, lost: Hashes) -> Change:
    old, new = known.old, known.new
    held = np.isin(old.hashes([one])[:, 0], lost)
    removed = sorted({str(text) for text in old.texts([one])[0][held]})
    places = np.isin(old.hashes([one])[known.match.before, 0], lost)
    became = Counter(str(t) for t in new.texts([two])[0][known.match.after][places])
    stayed = ", ".join(f"{count:,} are `{text}`" for text, count in became.most_common(2)) or "none is left"
    listed = ", ".join(f"`{value}`" for value in removed[:5])
    text = (
        f"none of {new.taken:,} rows holds {listed}, which {int(held.sum()):,} of {old.taken:,} did; {stayed} now"
    )
    question = f"`{old.names[one]}` of {table.name}: {text}. Does anything count on these values?"
    sure, is_thin, thin = telling.capped(0.85, known.match.rows)
    return telling.change(
        Kind.VALUES_REMOVED, table, (old.names[one],), (new.names[two],), sure,
        (Fact("values", text, float(held.mean()), old.taken), *thin), severity=Severity.INFORMATIVE,
        detail={"removed_values": removed}, is_thin=is_thin, question=question,
    )  # fmt: skip
