"""Values as they may be shown in a pull request: JSON-safe, and without personal data."""

from __future__ import annotations

import re
from typing import Any

_LONGEST = 120
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_LONG_NUMBER = re.compile(r"(?<!\w)(?:\+|00)?\d(?:[ ()./-]?\d){8,}(?!\w)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_NAMES = re.compile(
    r"e_?mail|phone|mobile|first_?name|last_?name|full_?name|surname|address|iban|passport|ssn|birth"
)


def mask(value: Any, column: str = "", is_pii: bool = False) -> Any:
    """The value for a sample: None, a bool or a number as it is, everything else as text.

    is_pii: the project marks the column; its values keep nothing but their first letter. Columns named
    like personal data are treated the same. Elsewhere what looks like an e-mail address, a telephone or
    card number or an IBAN is masked.
    """
    if value is None:
        return None
    if is_pii or _NAMES.search(column.lower()):
        text = str(value)
        return f"{text[:1]}***" if text else ""
    if isinstance(value, (bool, int, float)) and len(str(value)) < 13:
        return value if value == value and abs(value) != float("inf") else str(value)
    text = str(value)
    for pattern in (_EMAIL, _IBAN):
        text = pattern.sub(lambda found: f"{found[0][:1]}***", text)
    # Dates are long numbers too, to a pattern; they are of other types, or written with dashes.
    if isinstance(value, str) and not re.match(r"\d{4}-\d{2}-\d{2}", text):
        text = _LONG_NUMBER.sub("***", text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
