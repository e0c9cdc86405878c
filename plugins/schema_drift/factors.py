"""Factors as people say and write them: 24 and 1/24, never 0.041666666667."""

from __future__ import annotations


def divisor_of(factor: float) -> int | None:
    """The whole number that a factor below 1 divides by; None if there is none."""
    whole = round(1 / factor) if 0 < factor < 1 else 0
    return whole if whole > 1 and abs(1 / factor - whole) < 1e-6 * whole else None


def said(factor: float) -> str:
    """What is done to a value.

    >>> said(100), said(1 / 24), said(0.3048)
    ('× 100', 'divided by 24', '× 0.3048')
    """
    divisor = divisor_of(factor)
    return f"divided by {divisor}" if divisor else f"× {factor:.12g}"


def multiple(factor: float, what: str) -> str:
    """So many times something.

    >>> multiple(100, "what it was"), multiple(1 / 24, "what it was")
    ('100 × what it was', 'what it was divided by 24')
    """
    divisor = divisor_of(factor)
    return f"{what} divided by {divisor}" if divisor else f"{factor:.12g} × {what}"
