"""Numbers, and texts that hold numbers: amounts with a unit, percentages, coordinates, booleans of 0 and 1."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from plugins.core.discovery.look import Look
from plugins.core.discovery.names import MONEY_UNITS, is_id_name, unit_in
from plugins.core.discovery.semantics.candidate import Candidate, count_fits, sureness, told
from plugins.core.discovery.semantics.moments import of_numbers
from plugins.core.discovery.semantics.reference import currency_codes

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_ENGLISH = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[+-]?\d+(?:\.\d+)?", re.ASCII)
_EUROPEAN = re.compile(r"[+-]?\d{1,3}(?:[.  '’]\d{3})+(?:,\d+)?|[+-]?\d+,\d+|[+-]?\d+", re.ASCII)
_LEADING_ZERO = re.compile(r"[+-]?0\d+")
_NUMBER = r"[+-]?\(?\d[\d.,  '’]*\)?"
_SYMBOLS = {
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "R$": "BRL",
    "US$": "USD", "zł": "PLN", "₽": "RUB", "kr": "SEK",
}  # fmt: skip
_MEASURES = frozenset(
    {"kg", "g", "mg", "lb", "lbs", "oz", "t", "km", "m", "cm", "mm", "mi", "ft", "in", "l", "ml", "cl",
     "kwh", "wh", "w", "kw", "mw", "v", "a", "gb", "mb", "kb", "tb", "b", "s", "ms", "min", "mins", "h",
     "hr", "hrs", "hours", "days", "day", "years", "weeks", "months", "km/h", "mph", "°c", "°f", "c", "f",
     "%", "px", "pt", "hz", "mhz", "ghz", "pcs", "stk", "piece", "pieces", "units", "k"}
)  # fmt: skip
_BEHIND = re.compile(rf"({_NUMBER})\s?([A-Za-z°€$£¥₹ł%/²³]{{1,7}}\.?)")
_BEFORE = re.compile(rf"([+-]?(?:[A-Z]{{0,3}}[$€£¥₹]|[A-Z]{{3}}|zł))\s?({_NUMBER})")
_PERCENT = re.compile(rf"{_NUMBER}\s?%")
# Written in digits, and no numbers: a cast would lose zeros.
_DIGITS = frozenset({"phone", "postal_code"})


def of_numeric(look: Look) -> Iterator[Candidate]:
    """What is known of a column of numbers."""
    numbers = look.numbers
    if len(numbers):
        yield from _meanings(look, numbers, None)


def of_written(look: Look) -> Iterator[Candidate]:
    """What is known of a text column that holds numbers, with or without a unit."""
    texts = look.texts
    if not texts or not any(any(map(str.isdigit, text)) for text in texts[:3]):
        return
    if count := count_fits(texts, _PERCENT.fullmatch):
        yield Candidate(
            "percentage",
            sureness(count, len(texts), 0.97, 0.5),
            told(count, len(texts), "percentages"),
            "0 %",
            unit="%",
        )
    yield from _with_unit(look, texts)
    for form, pattern in (("plain", _PLAIN), ("1,234.56", _ENGLISH), ("1.234,56", _EUROPEAN)):
        if not (count := count_fits(texts, pattern.fullmatch)):
            continue
        if sum(_LEADING_ZERO.fullmatch(text) is not None for text in texts) > 0:
            return
        numbers = np.array([_read(text, form) for text in texts if pattern.fullmatch(text)])
        casts_to = look.number_type if form == "plain" else "DOUBLE" if count == len(texts) else None
        sure = sureness(count, len(texts), 0.9, 0.5)
        for one in _meanings(look, numbers[np.isfinite(numbers)], casts_to):
            yield replace(
                one,
                confidence=min(one.confidence, 0.5 + sure / 2),
                format=one.format or (form if form != "plain" else None),
            )
        return


def _read(text: str, form: str) -> float:
    if form == "1,234.56":
        text = text.replace(",", "")
    elif form == "1.234,56":
        text = re.sub(r"[.  '’]", "", text).replace(",", ".")
    return float(text)


def _with_unit(look: Look, texts: list[str]) -> Iterator[Candidate]:
    """Amounts whose unit stands before or behind the number."""
    units: Counter[str] = Counter()

    def has_unit(text: str) -> bool:
        hit = _BEHIND.fullmatch(text)
        unit = hit[2] if hit else None
        if unit is None and (before := _BEFORE.fullmatch(text)):
            unit = before[1].lstrip("+-")
        if unit is None or unit == "%":
            return False
        known = _SYMBOLS.get(unit) or (
            unit if unit in currency_codes() or unit.lower().rstrip(".") in _MEASURES else None
        )
        if known:
            units[known] += 1
        return known is not None

    if count := count_fits(texts, has_unit):
        unit = " or ".join(name for name, _ in units.most_common(3))
        yield Candidate(
            "amount", sureness(count, len(texts), 0.96, 0.5), 
            told(count, len(texts), f"numbers with a unit ({unit})"),
            "number with unit", unit=units.most_common(1)[0][0] if len(units) == 1 else f"mixed ({unit})",
        ).named(look.name, "amount" in look.hints)  # fmt: skip


def _meanings(look: Look, numbers: NDArray[np.float64], casts_to: str | None) -> Iterator[Candidate]:
    if not len(numbers):
        return
    yield Candidate(
        "number",
        0.6 * len(numbers) / (len(numbers) + 1) + 0.1,
        f"{len(numbers):,} different numbers",
        casts_to=casts_to,
    )
    yield from (
        one if casts_to is None or one.casts_to or one.value in _DIGITS else replace(one, casts_to=casts_to)
        for one in _special(look, numbers)
    )


def _special(look: Look, numbers: NDArray[np.float64]) -> Iterator[Candidate]:
    low, high, hints = float(numbers.min()), float(numbers.max()), look.hints
    shown = f"{len(numbers):,} different numbers from {low:g} to {high:g}"
    has_parts = bool((numbers % 1).any())
    yield from of_numbers(look, numbers)
    if "latitude" in hints and low >= -90 and high <= 90:
        yield _hinted(look, "latitude", 0.95 if has_parts else 0.6, f"{shown}, within -90 to 90", unit="°")
    if "longitude" in hints and low >= -180 and high <= 180:
        yield _hinted(look, "longitude", 0.95 if has_parts else 0.6, f"{shown}, within -180 to 180", unit="°")
    if "percentage" in hints and low >= -100 and high <= 1_000:
        form = "0..1" if high <= 1 and low >= -1 else "0..100"
        # Rates and ratios are of anything, unless they are parts of one.
        is_said = re.search(r"pct|perc|prozent|pourcentage|porcentaje", look.name.lower()) is not None
        strength = 0.85 if is_said and high <= 100 else 0.65 if form == "0..1" else 0.45
        yield _hinted(
            look,
            "percentage",
            strength,
            shown,
            form=form,
            unit="%" if form == "0..100" else None,
        )
    unit = unit_in(look.name)
    if "amount" in hints or unit in MONEY_UNITS:
        yield _hinted(look, "amount", 0.85, shown, unit=unit)
    elif unit:
        yield _hinted(look, "amount", 0.75, shown, unit=unit)
    elif has_parts and low >= 0 and not (np.abs(numbers * 100 - np.round(numbers * 100)) > 1e-6).any():
        yield Candidate("amount", 0.35, f"{shown}, none with more than two decimals")
    said, values = "boolean" in hints, set(np.unique(numbers))
    if values == {0.0, 1.0} or (said and values < {0.0, 1.0}):
        strength = 0.9 if said else 0.72
        only = " and ".join(f"{one:g}" for one in sorted(values))
        sure = strength * look.filled / (look.filled + 4)
        told_so = f"{only} only, in {look.filled:,} rows"
        yield Candidate("boolean", sure, told_so, "0/1", casts_to="BOOLEAN")
    if not has_parts and not is_id_name(look.name):
        if "phone" in hints and low >= 1e6 and high < 1e15:
            yield _hinted(look, "phone", 0.75, f"{shown}, of seven to fifteen digits")
        if "postal_code" in hints and low >= 100 and high < 1e7:
            yield _hinted(look, "postal_code", 0.8, f"{shown}; leading zeros, if any, are lost")


def _hinted(
    look: Look, value: str, strength: float, shown: str, form: str | None = None, unit: str | None = None
) -> Candidate:
    """What the name says, and numbers only don't contradict."""
    return Candidate(
        value, strength * look.filled / (look.filled + 1), f"called `{look.name}`; {shown}", form, unit=unit
    )
