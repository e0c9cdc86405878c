"""Values in a plan: as the data has them, and as the question had them before it was masked.

Both are settled here, without a value having to be sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from plugins.core.privacy import find_pii
from plugins.nl_models.language.naming import PlanError

_MASKED = re.compile(r"\[(EMAIL|PHONE|IBAN|CARD|NATIONAL_ID|IP|PII|SECRET)\]|\*{4}")

Value = str | int | float | bool


def unmasked(value: Value, question: str) -> Value:
    """A value whose placeholder stands for the one thing of its kind in the question, with that in its place.

    Raises PlanError if it isn't known what the placeholder stands for: compared as it is, it would find nothing.
    """
    if not isinstance(value, str) or not (mask := _MASKED.search(value)):
        return value
    told = {question[found.start : found.end] for found in find_pii(question) if found.kind == mask[1]}
    rest = value[: mask.start()] + value[mask.end() :]
    if len(told) != 1 or _MASKED.search(rest):
        raise PlanError(f"{mask[0]} stands for what was masked, it is no value", "ask back instead")
    return value[: mask.start()] + told.pop() + value[mask.end() :]


def as_stored(value: Value, stored: Collection[str] | None) -> Value:
    """A value with the case, spaces and marks of the only stored one that reads the same; else as it is."""
    if not isinstance(value, str) or not stored or value in stored:
        return value
    wanted = normal(value)
    same = [other for other in stored if normal(other) == wanted] if wanted else []
    return same[0] if len(same) == 1 else value


def is_missing(values: Sequence[Value], stored: Collection[str] | None) -> bool:
    """Whether all values of a column are known, and none of these is among them."""
    texts = [value for value in values if isinstance(value, str)]
    return bool(stored and texts) and not any(text in (stored or ()) for text in texts)


def normal(text: str) -> str:
    """Its letters and digits, in lower case, one space between words."""
    return " ".join(re.findall(r"\w+", text.casefold()))
