"""The same rows at both times: a key is found on data where none is known, or where it changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .evidence import likeness
from .reading import Hashes, Side, key_text, modulus_for

Places = NDArray[np.intp]
_MOST_TRIED = 8
# Of the rows at one time, how many must have a partner at the other for a found key to be believed.
_LEAST_SHARE = 0.05
_GIVEN_COUNTS = 0.35
# Numbers under two names may be the same ones by chance: then the other columns must agree on the rows they join.
_LEAST_CROSSED = 0.2
# Where the table's own key still tells rows apart, rows with other keys are other rows, however alike they are:
# only one that joins this share of them may say that the key itself was written anew.
_LEAST_REWRITTEN = 0.5


@dataclass(frozen=True)
class Key:
    """Columns by number that identify a row, at each time; is_given: the table's own key, under its own names."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    is_given: bool = False


@dataclass(frozen=True)
class Match:
    """Rows by place in each side's temporary table: `before[i]` and `after[i]` are the same row.

    gone, fresh: places without a partner. key: None if no key was found; then nothing is matched.
    """

    key: Key | None
    before: Places
    after: Places
    gone: Places
    fresh: Places

    @property
    def rows(self) -> int:
        """How many rows have a partner."""
        return len(self.before)


def match(old: Side, new: Side) -> Match:
    """Take rows of both sides and match them by the key that makes most columns agree."""
    modulus = modulus_for(old, new)
    best: tuple[float, Key] | None = None
    last: Key | None = None
    given, is_sound = _given(old, new), False
    for number, key in enumerate(_candidates(old, new)):
        found = _by(old, new, key, modulus)
        last = key
        score = _agreement(old, new, found)
        if key.is_given:
            is_sound = len(_once(new.keys())[0]) >= 0.95 * new.taken > 0
        elif is_sound and found.rows < _LEAST_REWRITTEN * min(old.taken, new.taken):
            score = 0.0
        if key.is_given and found.rows >= 0.5 * min(old.taken, new.taken) > 0:
            # A key that still joins the rows was no worse before; others must be a good deal better.
            score += _GIVEN_COUNTS
        is_crossed = [old.names[n] for n in key.before] != [new.names[n] for n in key.after]
        if is_crossed and key != given and score < _LEAST_CROSSED:
            score = 0.0
        if best is None or score > best[0]:
            best = (score, key)
        # The given key is believed as soon as it makes sense; others compete.
        if (key.is_given and score > 0.3) or score > 0.9 or number >= _MOST_TRIED:
            break
    if best is None or best[0] <= 0.0:
        old.take((), modulus)
        new.take((), modulus)
        return _nothing(old, new)
    if best[1] == last:
        return found
    return _by(old, new, best[1], modulus)


def _nothing(old: Side, new: Side) -> Match:
    none = np.zeros(0, dtype=np.intp)
    return Match(None, none, none, np.arange(old.taken), np.arange(new.taken))


def _by(old: Side, new: Side, key: Key, modulus: int) -> Match:
    old.take(key.before, modulus)
    new.take(key.after, modulus)
    one, two = _once(old.keys()), _once(new.keys())
    _, left, right = np.intersect1d(one[0], two[0], assume_unique=True, return_indices=True)
    before, after = one[1][left], two[1][right]
    order = np.argsort(before, kind="stable")
    before, after = before[order], after[order]
    gone = np.setdiff1d(np.arange(old.taken), before, assume_unique=True)
    fresh = np.setdiff1d(np.arange(new.taken), after, assume_unique=True)
    return Match(key, before, after, gone, fresh)


def _once(keys: Hashes) -> tuple[Hashes, Places]:
    """Keys that occur once and aren't null, and their places."""
    values, places, counts = np.unique(keys, return_index=True, return_counts=True)
    single = (counts == 1) & (values != 0)
    return values[single], places[single]


def _agreement(old: Side, new: Side, found: Match) -> float:
    """How well columns beside the key agree on the matched rows: the mean of each one's best; 0: none."""
    smaller = min(old.taken, new.taken)
    if found.key is None or not found.rows or found.rows < _LEAST_SHARE * smaller:
        return 0.0
    rest_old = [n for n in range(len(old.names)) if n not in found.key.before][:60]
    rest_new = [n for n in range(len(new.names)) if n not in found.key.after][:60]
    share = found.rows / smaller if smaller else 0.0
    if not rest_old or not rest_new:
        return 0.35 * share if found.key.is_given else 0.2 * share
    some = slice(0, 500)
    lift = likeness(old.hashes(rest_old)[found.before[some]], new.hashes(rest_new)[found.after[some]]).lift
    # A key that joins more rows is worth a little more than one that joins few.
    return float(np.clip(lift.max(axis=1), 0, 1).mean()) * (0.8 + 0.2 * share) + 1e-6


def _candidates(old: Side, new: Side) -> Iterator[Key]:
    """Keys worth a try: the given one first, then what is unique on both sides and has values in common."""
    given = _given(old, new)
    if given:
        yield given
    if not old.rows or not new.rows:
        return
    tried = {(given.before, given.after)} if given else set()
    for key in (*_single(old, new), *_repaired(old, new), *_composite(old, new)):
        if (key.before, key.after) not in tried:
            tried.add((key.before, key.after))
            yield key


def _places(side: Side, names: Sequence[str]) -> tuple[int, ...] | None:
    lower = {name.lower(): number for number, name in enumerate(side.names)}
    exact = {name: number for number, name in enumerate(side.names)}
    found = [exact.get(name, lower.get(name.lower())) for name in names]
    return tuple(one for one in found if one is not None) if names and None not in found else None


def _given(old: Side, new: Side) -> Key | None:
    for names in (old.seen.table.key, new.seen.table.key):
        before, after = _places(old, names), _places(new, names)
        if before and after:
            return Key(before, after, is_given=True)
    before, after = _places(old, old.seen.table.key), _places(new, new.seen.table.key)
    return Key(before, after) if before and after and len(before) == len(after) else None


def _unique(side: Side) -> list[int]:
    """Columns in which (nearly) every row has a value of its own."""
    if not side.names:
        return []
    listed = ", ".join(f"approx_count_distinct({side.column(n)})" for n in range(len(side.names)))
    counted = side.con.execute(f"select {listed} from {side.source}").fetchone() or ()
    least = 0.85 * side.rows
    return [number for number, distinct in enumerate(counted) if side.rows and distinct >= least]


def _sketch(side: Side, numbers: Sequence[int]) -> Hashes:
    """Hashes of the values of some columns as a key; of large tables those of every n-th value."""
    text = key_text(side, numbers)
    modulus = max(1, side.rows // 20_000)
    where = f" where h % {modulus} = 0" if modulus > 1 else ""
    found = side.con.execute(
        f"select h from (select hash({text}) as h from {side.source} where {text} is not null){where}"
    ).fetchnumpy()["h"]
    return np.unique(np.asarray(found).astype(np.uint64))


def _overlap(one: Hashes, two: Hashes) -> float:
    if not len(one) or not len(two):
        return 0.0
    return len(np.intersect1d(one, two, assume_unique=True)) / min(len(one), len(two))


def _single(old: Side, new: Side) -> list[Key]:
    sketches_old = {number: _sketch(old, [number]) for number in _unique(old)[:12]}
    sketches_new = {number: _sketch(new, [number]) for number in _unique(new)[:12]}
    scored: list[tuple[float, Key]] = []
    for one, left in sketches_old.items():
        for two, right in sketches_new.items():
            share = _overlap(left, right)
            if share > _LEAST_SHARE:
                bonus = 0.2 if old.names[one] == new.names[two] else 0.0
                scored.append((share + bonus, Key((one,), (two,))))
    return [key for _, key in sorted(scored, key=lambda pair: -pair[0])][:4]


def _repaired(old: Side, new: Side) -> list[Key]:
    """A given key some of whose columns have another name now: each such column replaced by its best likeness."""
    given = _places(old, old.seen.table.key) or ()
    if len(given) < 2:
        return []
    lower = {name.lower(): number for number, name in enumerate(new.names)}
    after: list[int] = []
    for one in given:
        same = lower.get(old.names[one].lower())
        if same is None:
            free = [n for n, name in enumerate(new.names) if name not in old.names and n not in after]
            mine = _sketch(old, [one])
            same = max(free, key=lambda n: _jaccard(mine, _sketch(new, [n])), default=None)
        if same is None:
            return []
        after.append(same)
    return [Key(given, tuple(after))]


def _jaccard(one: Hashes, two: Hashes) -> float:
    union = len(np.union1d(one, two))
    return len(np.intersect1d(one, two)) / union if union else 0.0


def _composite(old: Side, new: Side) -> list[Key]:
    """Two or three columns of the same names that together are unique on both sides."""
    shared = [(old.names.index(name), number) for number, name in enumerate(new.names) if name in old.names][:12]
    found: list[Key] = []
    for size in (2, 3):
        picked = list(combinations(shared, size))[:66]
        if not picked:
            continue
        sides = []
        for side, which in ((old, 0), (new, 1)):
            listed = ", ".join(
                f"approx_count_distinct(({', '.join(side.column(pair[which]) for pair in one)}))" for one in picked
            )
            sides.append(side.con.execute(f"select {listed} from {side.source}").fetchone() or ())
        found += [
            Key(tuple(pair[0] for pair in one), tuple(pair[1] for pair in one))
            for one, left, right in zip(picked, *sides, strict=True)
            if left >= 0.9 * old.rows and right >= 0.9 * new.rows
        ]
        if found:
            return found[:4]
    return found
