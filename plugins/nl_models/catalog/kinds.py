"""What may be done with values: by their DuckDB type, and, where that is text, by what the text says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from plugins.nl_models.catalog.schema import Kind

# Of a text column, in per cent, that make it one of numbers: the rest is "null", "n/a" and the like.
_LEAST_NUMBERS = 90
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])([ T].*)?", re.ASCII)

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def kind_of(data_type: str) -> Kind:
    """What may be done with values of a DuckDB type."""
    upper = data_type.upper()
    if upper in _NUMBERS or upper.startswith(("DECIMAL", "DOUBLE", "FLOAT")):
        return "number"
    if upper.startswith(("DATE", "TIME")):
        return "time"
    if upper == "BOOLEAN":
        return "boolean"
    return "text" if upper.startswith(("VARCHAR", "ENUM", "UUID")) else "other"


def kind_held(values: Sequence[str]) -> Kind | None:
    """What a text column with these values holds, if that is numbers to calculate with, or ISO dates.

    Codes that look like numbers are none; ISO dates compare as text like dates do.
    """
    if not values:
        return None
    if _are_mostly(_NUMBER, values):
        is_code = any(len(v) > 12 or (len(v) > 1 and v.startswith("0") and v[1] != ".") for v in values)
        return None if is_code else "number"
    return "time" if _are_mostly(_DATE, values) else None


def _are_mostly(pattern: re.Pattern[str], values: Sequence[str]) -> bool:
    """Whether enough values are of a pattern; looks no further once too many are not."""
    others = (value for value in values if not pattern.fullmatch(value))
    allowed = len(values) * (100 - _LEAST_NUMBERS) // 100
    return next(islice(others, allowed, None), None) is None
