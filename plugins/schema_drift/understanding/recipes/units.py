"""The same quantity in another unit: a known factor, a constant one, or another zero."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from plugins.schema_drift.change import Kind
from plugins.schema_drift.factors import divisor_of, multiple
from plugins.schema_drift.understanding.reading import Numbers, Side
from plugins.schema_drift.understanding.types import NUMBERS, Family, read_type

from .recipe import Expression, Recipe

_LEAST_ROWS = 3
_LEAST_SHARE = 0.7
_MOST_PLACES, _NEARLY_ALL = 7, 0.98
# So near to a whole number, what values are divided by is that number.
_NEAR = 1e-4
Places = tuple[int | None, int | None]


@dataclass(frozen=True)
class Unit:
    """One unit of `before` is `factor` of `after`; words: what in a column's name speaks for it."""

    factor: float
    before: str
    after: str
    words: str = ""


# Of money whose currency nobody says.
WHOLE, MINOR = "whole currency units", "minor units (such as cents)"
HUNDREDFOLD, HUNDREDTHS = "units", "hundredths"
_UNITS = (
    Unit(100, HUNDREDFOLD, HUNDREDTHS),
    Unit(100, WHOLE, MINOR,
         "price amount cost total fee net gross tax balance fare salary wage revenue charge payment refund "
         "gbp usd eur chf pounds euros dollars francs pence cents"),
    Unit(100, "fraction", "percent", "rate ratio share percent pct discount margin vat tax"),
    Unit(100, "m", "cm", "height width length depth distance cm"),
    Unit(1000, "s", "ms", "time duration latency elapsed seconds ms epoch timestamp ts delay timeout"),
    Unit(1000, "kg", "g", "weight mass kg grams"),
    Unit(1000, "km", "m", "distance km metres"),
    Unit(1000, "units", "thousandths"),
    Unit(1e6, "s", "µs", "time duration latency micros us epoch timestamp"),
    Unit(1e6, "units", "millionths"),
    Unit(1e9, "s", "ns", "time nanos ns"),
    Unit(60, "min", "s", "time duration minutes seconds elapsed"),
    Unit(60, "h", "min", "hours time duration"),
    Unit(3600, "h", "s", "time duration hours"),
    Unit(24, "days", "h", "days age lead time"),
    Unit(1440, "days", "min", "days time"),
    Unit(86400, "days", "s", "days time"),
    Unit(7, "weeks", "days", "weeks time"),
    Unit(12, "years", "months", "years months age term"),
    Unit(1024, "KiB", "bytes", "size bytes kb memory disk file"),
    Unit(1024**2, "MiB", "bytes", "size bytes mb memory disk file"),
    Unit(0.3048, "ft", "m", "height length distance feet altitude elevation depth"),
    Unit(2.54, "in", "cm", "height width length inches size"),
    Unit(25.4, "in", "mm", "height width length inches size"),
    Unit(1.609344, "mi", "km", "distance miles speed km"),
    Unit(0.45359237, "lb", "kg", "weight mass pounds lbs"),
    Unit(28.349523125, "oz", "g", "weight mass"),
    Unit(3.785411784, "gal (US)", "l", "volume fuel litres"),
    Unit(10, "tenfold units", "tenths"),
    Unit(1e4, "fraction", "basis points", "rate bps yield"),
)  # fmt: skip
_AFFINE = (
    (1.8, 32.0, "°C", "°F"),
    (1 / 1.8, -32 / 1.8, "°F", "°C"),
    (1.0, 273.15, "°C", "K"),
    (1.0, -273.15, "K", "°C"),
)


def of_units(old: Side, new: Side, one: int, two: int, before: Numbers, after: Numbers) -> list[Recipe]:
    """Recipes by which numbers of matched rows, shape (rows,), differ only in their unit; none if they don't."""
    families = read_type(old.types[one]).family, read_type(new.types[two]).family
    if not all(family in NUMBERS for family in families):
        return []
    both = np.isfinite(before) & np.isfinite(after)
    left, right = before[both], after[both]
    if len(left) < _LEAST_ROWS or len(np.unique(left)) < _LEAST_ROWS:
        return []
    places = _places(new.types[two], right), _places(old.types[one], left)
    names = old.names[one] + " " + new.names[two]
    return [
        found
        for found in (
            _scaled(old, new, one, two, left, right, places, names),
            _moved(old, new, one, two, left, right, places),
        )
        if found is not None
    ]


def _places(type_: str, values: Numbers) -> int | None:
    """How many decimal places a type keeps; of floats, how many nearly all values have; None: no such number."""
    read = read_type(type_)
    if read.family is not Family.FLOAT:
        return read.scale
    near = 1e-9 * np.maximum(np.abs(values), 1.0)
    for places in range(_MOST_PLACES):
        if (np.abs(values - np.round(values, places)) <= near).mean() >= _NEARLY_ALL:
            return places
    return None


def _resolution(places: int | None) -> float:
    """By how much rounding may move a value: half of its last place."""
    return 0.0 if places is None else 0.5 * 10.0**-places


def _scaled(
    old: Side, new: Side, one: int, two: int, left: Numbers, right: Numbers, places: Places, names: str
) -> Recipe | None:
    if (left != 0).sum() < _LEAST_ROWS:
        return None
    slack = _resolution(places[0]), _resolution(places[1])
    unit, factor, share = _factor(left, right, slack, names)
    if share < _NEARLY_ALL and slack[0]:
        # Some cut off what others round: then the whole last place is missing, and half of it on the average.
        cut = _factor(left, right + slack[0] * np.sign(left), slack, names)
        if cut[2] > share:
            (unit, factor, share), slack = cut, (2 * slack[0], slack[1])
    rounding = slack[0] + slack[1] * abs(factor)
    spread = np.percentile(right, 90) - np.percentile(right, 10)
    if share < _LEAST_SHARE or spread < 8 * rounding or abs(factor - 1) < 1e-9:
        return None if abs(factor - 1) >= 1e-9 else _rounded(old, new, one, two, 1.01 * (slack[0] + slack[1]))
    detail: dict[str, object] = {"factor": _plain(factor)}
    question = None
    if unit:
        detail |= {"unit_before": unit.before, "unit_after": unit.after}
        text = f"every value is {multiple(factor, 'what it was')} ({unit.before} → {unit.after})"
    else:
        text = f"every value is {multiple(factor, 'what it was')}"
        question = (
            f"values of `{new.names[two]}` are {multiple(factor, 'those of before')}. That is no unit that is "
            "known: is it another currency, or another meaning?"
        )
    back = divided(factor, old.types[one], places[1])
    # Where the new unit is kept coarser than the old one was, only as much as it keeps comes back.
    is_coarse = slack[0] > slack[1] * abs(factor) * 1.001 and not _is_exact(left, right, factor)
    coarse = float(1.01 * slack[0] / abs(factor)) if is_coarse else 0.0
    if coarse and not question:
        question = (
            f"values of `{new.names[two]}` are kept to {coarse / 1.01:.3g} of the old unit only; what was finer "
            "can't be had again. Who needs it?"
        )
    there = _times(factor, new.types[two], places[0])
    return Recipe(
        Kind.UNIT_CHANGED, (one,), (two,), (back,), (there,), detail, text, question,
        slack=coarse, cost=0.2 if unit else 0.8,
    )  # fmt: skip


def _is_exact(left: Numbers, right: Numbers, factor: float) -> bool:
    """Whether every value comes back: then nothing finer was lost, however few decimals the new ones have."""
    return bool((np.abs(right / factor - left) <= 1e-9 * np.abs(left)).all())


def _factor(
    left: Numbers, right: Numbers, slack: tuple[float, float], names: str
) -> tuple[Unit | None, float, float]:
    """The unit, if one is known, the factor, and the share of rows that it explains."""
    # Large values carry the ratio with the least rounding.
    large = (left != 0) & (np.abs(left) >= np.median(np.abs(left[left != 0])))
    ratio = float(np.median(right[large] / left[large]))
    if not np.isfinite(ratio) or ratio == 0:
        return None, 1.0, 0.0
    unit, factor = known_unit(ratio, names)
    share = _fitting(left, right, factor, slack)
    if unit and share >= _LEAST_SHARE:
        return unit, factor, share
    plain = _plainest(left, right, ratio, slack)
    return None, plain, _fitting(left, right, plain, slack)


def _fitting(left: Numbers, right: Numbers, factor: float, slack: tuple[float, float]) -> float:
    """The share of rows that a factor explains, up to rounding on both sides."""
    rounding = slack[0] + slack[1] * abs(factor)
    return float((np.abs(right - factor * left) <= np.maximum(1e-6 * np.abs(right), rounding * 1.01)).mean())


def _plainest(left: Numbers, right: Numbers, ratio: float, slack: tuple[float, float]) -> float:
    """The factor with the fewest digits that explains as many rows as any near a ratio."""
    near = np.abs(right - ratio * left) <= 2 * slack[0] + 2e-3 * np.abs(right)
    weight = float((left[near] ** 2).sum())
    better = float((left[near] * right[near]).sum()) / weight if weight else ratio
    tried = [float(f"{one:.{digits}g}") for one in (better, ratio) for digits in range(1, 8)]
    small = [one for one in (better, ratio) if 0 < one < 1]
    tried += [1 / n for one in small if (n := round(1 / one)) > 1 and abs(1 / (n * one) - 1) < _NEAR]
    shares = [_fitting(left, right, one, slack) for one in tried]
    if _fitting(left, right, 1.0, slack) >= max(shares) - 0.05:
        return 1.0
    good = [one for one, share in zip(tried, shares, strict=True) if share >= max(shares) - 0.005]
    return min(good, key=lambda one: len(str(divisor_of(one) or f"{one:.7g}")))


def _rounded(old: Side, new: Side, one: int, two: int, slack: float) -> Recipe:
    """The same numbers up to what is kept of them; slack: by how much they may differ."""
    before, after = old.types[one], new.types[two]
    back: Expression = lambda c: f"try_cast({c[0]} as {before})"  # noqa: E731
    there: Expression = lambda c: f"try_cast({c[0]} as {after})"  # noqa: E731
    lost = "values are rounded, and what they were can't be had again. Who needs it?" if slack else None
    return Recipe(
        None,
        (one,),
        (two,),
        (back,),
        (there,),
        text="the same numbers, rounded",
        question=lost,
        tolerance=1e-6,
        slack=slack,
        cost=0.1,
    )


def known_unit(ratio: float, names: str) -> tuple[Unit | None, float]:
    """The unit whose factor (or its inverse) is within 0.4 % of a ratio, and the exact factor; else the ratio."""
    spoken = _spoken(names)
    best: tuple[float, Unit, float] | None = None
    for unit in _UNITS:
        for factor, turned in (
            (unit.factor, unit),
            (1 / unit.factor, Unit(1 / unit.factor, unit.after, unit.before, unit.words)),
        ):
            off = abs(ratio / factor - 1)
            if off < 0.004:
                score = len(spoken & set(unit.words.split())) - off
                if best is None or score > best[0]:
                    best = (score, turned, factor)
    return (_in_currency(best[1], names), best[2]) if best else (None, float(f"{ratio:.6g}"))


# Words that say a currency, what it is called, and what a hundredth of it is.
_CURRENCIES = (
    ({"gbp", "pound", "pounds", "sterling", "pence"}, "pounds", "pence"),
    ({"eur", "euro", "euros"}, "euros", "cents"),
    ({"usd", "dollar", "dollars", "cad", "aud"}, "dollars", "cents"),
    ({"chf", "franc", "francs"}, "francs", "centimes"),
)


# In lower case, `us` is a pronoun.
_OF_THE_STATES = re.compile(r"\bUS\$|\bU\.?S\.? (?i:cents?|dollars?)\b")


def currency_of(text: str) -> tuple[str, str] | None:
    """What the one currency that a text speaks of is called, and a hundredth of it; None for none or several."""
    spoken = _spoken(text) | ({"usd"} if _OF_THE_STATES.search(text) else set())
    found = [(whole, minor) for words, whole, minor in _CURRENCIES if spoken & words]
    return found[0] if len(found) == 1 else None


def _in_currency(unit: Unit, names: str) -> Unit:
    whole, minor = currency_of(names) or (WHOLE, MINOR)
    called: dict[str, str] = {WHOLE: whole, MINOR: minor}
    return Unit(unit.factor, called.get(unit.before, unit.before), called.get(unit.after, unit.after), unit.words)


def speaks_of(unit: Unit, names: str) -> bool:
    """Whether names have a word of the unit."""
    return bool(_spoken(names) & set(unit.words.split()))


def _spoken(names: str) -> set[str]:
    return set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", names).lower()))


def _moved(
    old: Side, new: Side, one: int, two: int, left: Numbers, right: Numbers, places: Places
) -> Recipe | None:
    """Another zero: temperatures."""
    slack = _resolution(places[0]), _resolution(places[1])
    for factor, zero, before, after in _AFFINE:
        rounding = slack[0] + slack[1] * factor
        fits = np.abs(right - (factor * left + zero)) <= np.maximum(1e-6 * np.abs(right), rounding * 1.01)
        spread = np.percentile(right, 90) - np.percentile(right, 10)
        if fits.mean() >= _LEAST_SHARE and spread >= 8 * rounding:
            detail = {"factor": _plain(factor), "offset": _plain(zero), "unit_before": before, "unit_after": after}
            away: Expression = lambda c, f=factor, z=zero: f"({c[0]} - {_text(z)}) / {_text(f)}"  # noqa: E731
            onto: Expression = lambda c, f=factor, z=zero: f"{c[0]} * {_text(f)} + {_text(z)}"  # noqa: E731
            back, there = _kept(away, old.types[one], places[1]), _kept(onto, new.types[two], places[0])
            coarse = 0.0 if slack[0] < slack[1] * factor else float(1.01 * slack[0] / factor + slack[1])
            return Recipe(
                Kind.UNIT_CHANGED, (one,), (two,), (back,), (there,), detail,
                f"every value is {before} turned into {after}", slack=coarse, cost=0.2,
            )  # fmt: skip
    return None


def _kept(made: Expression, type_: str, places: int | None = None) -> Expression:
    """Rounded to what the type keeps, and cast to it; floats to the places that their values have."""
    read = read_type(type_)
    if read.family is Family.FLOAT:
        rounded = made if places is None else (lambda c: f"round({made(c)}, {places})")
        return lambda c: f"cast({rounded(c)} as {type_})"
    return lambda c: f"cast(round({made(c)}, {read.scale}) as {type_})"


def divided(factor: float, type_: str, places: int | None = None) -> Expression:
    """SQL that takes a factor back, rounded to what the type keeps; places: those that values of a float have."""
    if divisor := divisor_of(factor):
        return _kept(lambda c: f"{c[0]} * {divisor}", type_, places)
    return _kept(lambda c: f"{c[0]} / {_text(factor, True)}", type_, places)


def _times(factor: float, type_: str, places: int | None) -> Expression:
    if divisor := divisor_of(factor):
        return _kept(lambda c: f"{c[0]} / {divisor}.0", type_, places)
    return _kept(lambda c: f"{c[0]} * {_text(factor)}", type_, places)


def _plain(number: float) -> float | int:
    return int(number) if number == int(number) else number


def _text(number: float, is_divisor: bool = False) -> str:
    """A number for SQL and people; a divisor has a decimal point, so that no engine divides integers."""
    if number == int(number):
        return f"{int(number)}.0" if is_divisor else str(int(number))
    return f"{number:.12g}"
