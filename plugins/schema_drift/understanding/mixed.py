"""Units that changed from some row on: old and new beside each other in the rows of now.

The point of change is the likeliest one along a column that orders rows (Page 1954): from it on, values fit the
old distribution times a known factor better than the old distribution itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plugins.core.duck import quote
from plugins.schema_drift.change import Change, Fact, Kind, Restored
from plugins.schema_drift.factors import multiple, said
from plugins.schema_drift.table import Table

from . import rivals, telling
from .columns import Understood
from .reading import Numbers, Side
from .recipes.units import divided, known_unit, speaks_of
from .types import NUMBERS, TIMES, Family, read_type

# Means drift and seasons turn; what moves less than this may be either.
_LEAST_FACTOR = 7.0
_FACTORS = (10.0, 12.0, 24.0, 60.0, 100.0, 1e3, 1440.0, 3600.0, 1e4, 86400.0, 1e6, 1e9)
_LEAST_ROWS = 20
_MOST_PER_ROW = 5.0
_DOUBT = 4.6  # a hundred times less likely than the likeliest point
# Last words of names of what tells things apart, and has no unit however far its numbers jump.
_OF_THINGS = re.compile(
    r"(?:^|_)(?:id|ids|key|sk|fk|pk|no|nr|num|number|code|zip|postcode|year|month|version|rank|position|line)$"
)
# Factors of money, lengths and weights; others are of times, and only where the name speaks of one.
_PLAIN_FACTORS = (100.0, 1e3, 1e6)
_LEAST_KINDS = 10


@dataclass(frozen=True)
class Break:
    """Rows from `place` on (in the order of column `order`) are `factor` times what they were.

    gain: of log-likelihood. rows: after the break. equal: matched rows that the two parts explain, of `compared`.
    """

    factor: float
    order: int | None
    place: int
    gain: float
    rows: int
    compared: int
    equal: int
    sure_from: int
    sure_to: int


def unit_breaks(known: Understood, table: Table) -> list[Change]:
    """Changes of unit in columns that are otherwise the same, for a part of the rows."""
    old, new = known.old, known.new
    numeric = [n for n, type_ in enumerate(old.types) if read_type(type_).family in NUMBERS]
    if not numeric:
        return []
    # All columns in one query: queries cost more than what they read.
    old.numbers(numeric)
    new.numbers([n for n, type_ in enumerate(new.types) if read_type(type_).family in NUMBERS | TIMES])
    orders: list[int] | None = None
    changes = []
    for one, pair in known.pairing.pairs.items():
        families = read_type(old.types[one]).family, read_type(new.types[pair.new]).family
        recipe = known.recipes.get(one)
        if (recipe and recipe.recipe.kind) or one in known.meanings or not set(families) <= NUMBERS:
            continue
        # What names a row has no unit, however far its numbers jump.
        if (known.match.key and one in known.match.key.before) or old.names[one] in table.key:
            continue
        if _names_things(old.names[one]) or _names_things(new.names[pair.new]):
            continue
        if pair.basis != "matched" and _numbers_rows(old, one) and _numbers_rows(new, pair.new):
            continue
        if orders is None:
            orders = _orders(known)
        found = _break_of(known, one, pair.new, [order for order in orders if order != pair.new])
        if found is not None and (
            _rows_show(known, one, pair.new, found.factor) or _is_plausible(known, found, one)
        ):
            changes.append(_told(known, table, one, pair.new, found))
    return changes


def _names_things(name: str) -> bool:
    return bool(_OF_THINGS.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))


def _is_plausible(known: Understood, found: Break, one: int) -> bool:
    """Whether new rows alone may say so: the factor is one that such a column may have, and its values are many.

    Whole numbers that were fewer before would all be multiples of the factor if they were turned back.
    """
    unit, _ = known_unit(found.factor, known.old.names[one])
    is_spoken = unit is not None and speaks_of(unit, known.old.names[one])
    if not is_spoken and not any(
        np.isclose(max(found.factor, 1 / found.factor), plain) for plain in _PLAIN_FACTORS
    ):
        return False
    pair = known.pairing.pairs[one]
    before, after = known.old.numbers([one])[:, 0], known.new.numbers([pair.new])[known.match.fresh, 0]
    before, after = before[np.isfinite(before)], after[np.isfinite(after)]
    if len(np.unique(after)) < _LEAST_KINDS:
        return False
    is_whole = bool((before == np.round(before)).all() and (after == np.round(after)).all())
    step = round(1 / found.factor) if found.factor < 1 else 1
    return not (is_whole and step > 1 and (before % step == 0).mean() < 0.5)


def _numbers_rows(side: Side, column: int) -> bool:
    """Whether it is a whole number of its own in nearly every row."""
    values = side.hashes([column])[:, 0]
    return read_type(side.types[column]).family is Family.INTEGER and len(np.unique(values)) > 0.98 * len(values)


def _orders(known: Understood) -> list[int]:
    """Columns of now that may order rows: times, and whole numbers that hardly repeat."""
    new, found = known.new, []
    for number, type_ in enumerate(new.types):
        family = read_type(type_).family
        if family in TIMES:
            found.append(number)
        elif family is Family.INTEGER and new.taken:
            values = new.numbers([number])[:, 0]
            if len(np.unique(values)) > 0.9 * new.taken:
                found.append(number)
    return found[:6]


def _break_of(known: Understood, one: int, two: int, orders: Sequence[int]) -> Break | None:
    match = known.match
    before, after = known.old.numbers([one])[:, 0], known.new.numbers([two])[:, 0]
    good = before[np.isfinite(before) & (before > 0)]
    if len(good) < _LEAST_ROWS or (after > 0).sum() < _LEAST_ROWS:
        return None
    logs = np.log(good)
    middle, spread = float(np.median(logs)), float(np.subtract(*np.percentile(logs, [75, 25])) / 1.349)
    spread = max(spread, 0.1)
    chunks = [np.median(part) for part in np.array_split(logs, 8) if len(part)]
    unrest = max(abs(float(chunk) - middle) for chunk in chunks)
    positive = np.isfinite(after) & (after > 0)
    values = np.where(positive, np.log(np.where(positive, after, 1.0)), np.nan)
    if not _is_suspect(logs, values[match.fresh]) and not _differs(before, after, match.before, match.after):
        return None
    best: Break | None = None
    for factor in (f for size in _FACTORS for f in (size, 1 / size)):
        moved = float(np.log(factor))
        if unrest > 0.25 * abs(moved):
            continue
        # Means that differ by less than half of the way are the old unit.
        gain = ((values - middle) ** 2 - (values - middle - moved) ** 2) / (2 * spread**2)
        gain = np.nan_to_num(np.clip(gain, -_MOST_PER_ROW, _MOST_PER_ROW))
        compared, equal = _known_rows(gain, before, after, match.before, match.after, factor)
        for order in orders or [None]:
            found = _best_point(known, gain, order, factor, compared, equal)
            if found is None or (best is not None and found.gain <= best.gain):
                continue
            if _is_believable(known, values, found, middle, spread):
                best = found
    return best


def _is_suspect(logs: Numbers, fresh: Numbers) -> bool:
    """Whether many more new values than usual lie far out on one side."""
    fresh = fresh[np.isfinite(fresh)]
    if len(fresh) < _LEAST_ROWS:
        return False
    low, high = np.percentile(logs, [5, 95])
    return bool((fresh > high).mean() > 0.25 or (fresh < low).mean() > 0.25)


def _differs(before: Numbers, after: Numbers, left: np.ndarray, right: np.ndarray) -> bool:
    return bool(len(left)) and float((before[left] != after[right]).mean()) > 0.02


def _known_rows(
    gain: Numbers, before: Numbers, after: Numbers, left: np.ndarray, right: np.ndarray, factor: float
) -> tuple[int, int]:
    """Matched rows say for sure which unit they are in: write it into `gain`; rows compared, and explained."""
    if not len(left):
        return 0, 0
    was, now = before[left], after[right]
    fine = np.isfinite(was) & np.isfinite(now) & (was != 0)
    slack = 1e-6 * np.abs(now) + 0.51 * (1 if abs(factor) >= 1 else 0)
    same = fine & (np.abs(was - now) <= 1e-9 * np.abs(was))
    scaled = fine & ~same & (np.abs(now - factor * was) <= np.maximum(slack, 1e-9))
    gain[right[same]] = -_MOST_PER_ROW
    gain[right[scaled]] = _MOST_PER_ROW
    return int(fine.sum()), int(same.sum() + scaled.sum())


def _best_point(
    known: Understood, gain: Numbers, order: int | None, factor: float, compared: int, equal: int
) -> Break | None:
    if order is None:
        total = float(gain.sum())
        return Break(factor, None, 0, total, len(gain), compared, equal, 0, 0) if total > 0 else None
    along = known.new.numbers([order])[:, 0]
    places = np.argsort(along, kind="stable")
    sums = np.cumsum(gain[places][::-1])[::-1]
    place = int(sums.argmax())
    if sums[place] <= 0:
        return None
    near = np.nonzero(sums >= sums[place] - _DOUBT)[0]
    # Only points without a clearly other one between them and the best are in doubt.
    start, end = place, place
    while start - 1 in near:
        start -= 1
    while end + 1 in near:
        end += 1
    return Break(factor, order, place, float(sums[place]), len(gain) - place, compared, equal, start, end)


def _is_believable(known: Understood, values: Numbers, found: Break, middle: float, spread: float) -> bool:
    if found.order is None:
        later, earlier = values, values[:0]
    else:
        places = np.argsort(known.new.numbers([found.order])[:, 0], kind="stable")
        later, earlier = values[places[found.place :]], values[places[: found.place]]
    later, earlier = later[np.isfinite(later)], earlier[np.isfinite(earlier)]
    if len(later) < _LEAST_ROWS or found.gain < 20:
        return False
    moved = float(np.log(found.factor))
    off = abs(float(np.median(later)) - middle - moved)
    width = float(np.subtract(*np.percentile(later, [75, 25])) / 1.349)
    still = not len(earlier) or abs(float(np.median(earlier)) - middle) < 0.35 * abs(moved)
    matched_fit = found.compared < 10 or found.equal >= 0.85 * found.compared
    is_as_wide = 0.4 * spread - 0.1 < width < 2.2 * spread + 0.2
    return off < max(0.4, 0.1 * abs(moved)) and is_as_wide and still and matched_fit


def _told(known: Understood, table: Table, one: int, two: int, found: Break) -> Change:
    old, new = known.old, known.new
    name, now = old.names[one], new.names[two]
    unit, factor = known_unit(found.factor, f"{name} {now}")
    plain = int(factor) if factor == int(factor) else factor
    detail: dict[str, object] = {"factor": plain}
    if unit:
        detail |= {"unit_before": unit.before, "unit_after": unit.after}
    value, made = quote(now), divided(factor, old.types[one])([quote(now)])
    reads: tuple[str, ...] = (now,)
    kept = value if old.types[one] == new.types[two] else f"cast({value} as {old.types[one]})"
    where, asks_more = "all rows", ""
    if found.order is not None and found.place > 0:
        since, *window = _window(known, found)
        made = f"case when {quote(new.names[found.order])} >= {since} then {made} else {kept} end"
        reads = (now, new.names[found.order])
        detail |= {
            "since_column": new.names[found.order],
            "since": since,
        }
        if window:
            detail |= dict(zip(("doubtful_from", "doubtful_to"), window, strict=True))
            asks_more = ", and in which unit are the rows around that point"
        where = f"rows from `{new.names[found.order]}` {since} on"
    text = (
        f"{found.rows:,} of {new.taken:,} rows ({where}) lie around {multiple(factor, 'what was usual')}; "
        "those before it don't"
    )
    facts = [Fact("distribution_break", text, found.gain, found.rows)]
    is_proven = found.compared >= 10 and found.equal < found.compared + 1 and found.rows > 0
    by_rows = is_proven and _rows_show(known, one, two, factor)
    if by_rows:
        text = (
            f"{found.equal:,} of {found.compared:,} rows that exist before and after are as before, or "
            f"{multiple(factor, 'that')}"
        )
        facts.append(Fact("same_values", text, found.equal / found.compared, found.compared))
    confidence = 0.95 if by_rows else 0.85 if found.gain > 100 else 0.7
    is_now = f"Is it {unit.after if unit else said(factor)} from there on{asks_more}?"
    question = f"`{now}` of {table.name}: {text}. {is_now}"
    return telling.change(
        Kind.UNIT_CHANGED, table, (name,), (now,), confidence, facts, detail=detail, question=question,
        alternatives=rivals.shared_out([(str(Kind.MEANING_CHANGED), 0.0)], confidence),
        restores=(Restored(name, made, reads, found.compared, found.equal),),
    )  # fmt: skip


def _rows_show(known: Understood, one: int, two: int, factor: float) -> bool:
    was = known.old.numbers([one])[known.match.before, 0]
    now = known.new.numbers([two])[known.match.after, 0]
    return int((np.isclose(now, was * factor, rtol=1e-3) & (was != now) & np.isfinite(was)).sum()) >= 3


def _window(known: Understood, found: Break) -> list[str]:
    """SQL of the first value of the order after the break, and the first and last value in doubt, if any is."""
    assert found.order is not None
    column, type_ = known.new.column(found.order), known.new.types[found.order]
    places = [found.place]
    if found.sure_from < found.sure_to:
        # Where the last candidate stands, all agree that the new unit has begun.
        places += [found.sure_from, found.sure_to - 1]
    values = [
        known.con.execute(
            f"select {column}::varchar from {known.new.temp} order by {column} nulls last limit 1 offset {place}"
        ).fetchone()
        for place in places
    ]
    since, *window = (str(value[0]) if value else "" for value in values)
    family = read_type(type_).family
    return [since if family is Family.INTEGER else f"{family_word(family)} '{since}'", *window]


def family_word(family: Family) -> str:
    """The word before a literal of a time."""
    return {Family.DATE: "date", Family.TIMESTAMP: "timestamp"}.get(family, "timestamptz")
