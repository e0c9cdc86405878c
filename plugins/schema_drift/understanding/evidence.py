"""How alike columns are, all against all: on the same rows, and by what they hold where no rows can be matched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .reading import Hashes, Numbers

Matrix = NDArray[np.float64]
# Beyond so many pairs, the first rows say which are worth a closer look.
_MANY_PAIRS = 20_000
_SCREEN_ROWS = 150


@dataclass(frozen=True)
class Likeness:
    """Of every old column (rows) with every new one (columns), on matched rows; all of shape (old, new).

    share: rows with the same value among those where one side has any. chance: the same, if rows were shuffled.
    lift: what is beyond chance, 1 is all that could be (Cohen 1960). rows: how many had a value. bits: how
    much an agreement says, in bits a row: none for constants.
    """

    share: Matrix
    chance: Matrix
    lift: Matrix
    rows: Matrix
    bits: Matrix


def likeness(old: Hashes, new: Hashes) -> Likeness:
    """Compare every column of `old` with every one of `new`; shapes (rows, p) and (rows, q), rows aligned."""
    wide, high, height = old.shape[1], new.shape[1], max(len(old), 1)
    worth = np.ones((wide, high), dtype=bool)
    if wide * high > _MANY_PAIRS and height > 2 * _SCREEN_ROWS:
        some = np.linspace(0, height - 1, _SCREEN_ROWS).astype(int)
        worth = _agreeing(old[some], new[some], worth)[0] > 0.02
    share, filled = _agreeing(old, new, worth)
    chance = np.zeros_like(share)
    counts_old = [_shares(old[:, number], height) for number in range(wide)]
    counts_new = [_shares(new[:, number], height) for number in range(high)]
    for one, two in zip(*np.nonzero(share > 0), strict=True):
        chance[one, two] = _chance(counts_old[one], counts_new[two], height)
    lift = np.divide(share - chance, 1 - chance, out=np.zeros_like(share), where=chance < 1 - 1e-9)
    bits = np.where(filled > 0, -np.log2(np.clip(chance, 2.0**-16, 1)), 0.0)
    return Likeness(share, chance, lift, filled, bits)


def _agreeing(old: Hashes, new: Hashes, worth: NDArray[np.bool_]) -> tuple[Matrix, Matrix]:
    """The share of rows with the same value, and the rows that have any; 0 for pairs that aren't worth a look."""
    share, filled = np.zeros(worth.shape), np.zeros(worth.shape)
    for number in range(old.shape[1]):
        picked = np.nonzero(worth[number])[0]
        if not len(picked):
            continue
        mine, theirs = old[:, [number]], new if len(picked) == new.shape[1] else new[:, picked]
        some = (mine != 0) | (theirs != 0)
        filled[number, picked] = some.sum(axis=0)
        share[number, picked] = ((mine == theirs) & some).sum(axis=0)
    return np.divide(share, filled, out=np.zeros_like(share), where=filled > 0), filled


def _shares(column: Hashes, height: int) -> tuple[Hashes, Matrix]:
    values, counts = np.unique(column, return_counts=True)
    return values, counts / height


def _chance(one: tuple[Hashes, Matrix], two: tuple[Hashes, Matrix], height: int) -> float:
    """The share of rows that would agree if rows were shuffled, among those where one side has a value."""
    # Columns of mostly own values agree by chance hardly ever, which need not be counted out.
    if len(one[0]) > 0.5 * height and len(two[0]) > 0.5 * height:
        return 1.0 / height
    _, left, right = np.intersect1d(one[0], two[0], assume_unique=True, return_indices=True)
    both = one[1][left] * two[1][right]
    empty = both[one[0][left] == 0].sum()
    return float((both.sum() - empty) / (1 - empty)) if empty < 1 - 1e-12 else 1.0


def entropy(column: Hashes) -> float:
    """Bits that a value of the column says, nulls left out; 0 for a constant."""
    filled = column[column != 0]
    if not len(filled):
        return 0.0
    shares = np.unique(filled, return_counts=True)[1] / len(filled)
    return float(-(shares * np.log2(shares)).sum())


def overlap(old: Hashes, new: Hashes) -> float:
    """The share of the values of both that both have, each weighted by how often it occurs; 0..1."""
    left, right = old[old != 0], new[new != 0]
    if not len(left) or not len(right):
        return 0.0
    one, two = _shares(left, len(left)), _shares(right, len(right))
    _, i, j = np.intersect1d(one[0], two[0], assume_unique=True, return_indices=True)
    return float(min(one[1][i].sum(), two[1][j].sum()))


def apart(old: Numbers, new: Numbers) -> float:
    """Kolmogorov's distance of two samples, 0 (same distribution) to 1; 1 where one has no numbers."""
    left, right = np.sort(old[np.isfinite(old)]), np.sort(new[np.isfinite(new)])
    if not len(left) or not len(right):
        return 1.0
    grid = np.concatenate([left, right])
    one = np.searchsorted(left, grid, side="right") / len(left)
    two = np.searchsorted(right, grid, side="right") / len(right)
    return float(np.abs(one - two).max())


def unlike(old: Hashes, new: Hashes) -> float:
    """Total variation between how often each shape (or value) occurs, nulls left out: 0 same, 1 nothing shared."""
    left, right = old[old != 0], new[new != 0]
    if not len(left) or not len(right):
        return 1.0
    one, two = _shares(left, len(left)), _shares(right, len(right))
    every = np.union1d(one[0], two[0])
    first, second = np.zeros(len(every)), np.zeros(len(every))
    first[np.searchsorted(every, one[0])] = one[1]
    second[np.searchsorted(every, two[0])] = two[1]
    return float(np.abs(first - second).sum() / 2)
