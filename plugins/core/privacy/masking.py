"""Text and values with personal data replaced by typed placeholders."""

from __future__ import annotations

import re
from typing import Any

from plugins.core.privacy.detection import find_pii

# Parts of column names whose values are personal whatever they look like; matched between word boundaries
# of snake_case and camelCase, so that `phone` is found in `homePhone` and `ssn` isn't in `classname`.
_NAMES = re.compile(
    r"(?:^|_)(e_?mail|phone|telephone|mobile|fax|(?:first|last|full|middle|given|family|maiden)_?names?|surname"
    r"|street|address|iban|passport|ssn|nino|bsn|tax_?id|national_?id|birth_?(?:date|day)|date_of_birth|dob"
    r"|credit_?card|card_?number|ip|licence_?number|license_?number)(?=_|\d|$)"
)


def is_pii_name(column_name: str) -> bool:
    """Whether a column is called like personal data (`email`, `firstName`, `home_phone`)."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column_name).lower()
    return _NAMES.search(re.sub(r"\W+", "_", snake)) is not None


def redact(text: str) -> str:
    """`text` with each piece of personal data replaced by its type in brackets, such as `[EMAIL]`.

    Doing it twice changes nothing more.
    """
    # Of two that overlap only one is found at a time.
    while everything := find_pii(text):
        for found in reversed(everything):
            text = f"{text[: found.start]}[{found.kind}]{text[found.end :]}"
    return text


def mask_value(value: Any, column_name: str = "", is_pii: bool = False) -> str:
    """One value of a table as text that may be shown: nothing personal is left of it.

    is_pii: the project marks the column. Of such a column, or one that is called like personal data, a whole
    value becomes its type, or `[PII]` if it has no known form; elsewhere only what looks personal is replaced.
    A missing value is `null` in any case.
    """
    if value is None:
        return "null"
    text = str(value)
    if not (is_pii or is_pii_name(column_name)):
        return redact(text)
    kinds = [found.kind for found in find_pii(text)]
    return f"[{kinds[0]}]" if len(kinds) == 1 else "[PII]"
