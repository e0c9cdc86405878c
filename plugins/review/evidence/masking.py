"""Values as they may be shown in a pull request: JSON-safe, and without personal data."""

from __future__ import annotations

import math
import re
from typing import Any

from plugins.core.privacy import redact

_LONGEST = 120
_NAMES = re.compile(
    r"e_?mail|phone|mobile|first_?name|last_?name|full_?name|surname|address|iban|passport|ssn|birth"
)


def mask(value: Any, column: str = "", is_pii: bool = False) -> Any:
    """The value for a sample: None, a bool or a number as it is, everything else as text.

    is_pii: the project marks the column; its values keep nothing but their first letter. Columns named
    like personal data are treated the same. Elsewhere e-mail addresses, telephone and card numbers, IBANs
    and the like are replaced.
    """
    if value is None:
        return None
    if is_pii or _NAMES.search(column.lower()):
        text = str(value)
        return f"{text[:1]}***" if text else ""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (bool, int)):
        return value if redact(str(value)) == str(value) else "***"
    # Of other types than text and nested ones, nothing can hold a person's data.
    text = redact(str(value)) if isinstance(value, (str, list, dict, tuple)) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
