"""Which class of personal data a column is of, and its values as they may be shown."""

from __future__ import annotations

import re
from collections import Counter

from plugins.core.discovery.look import Look
from plugins.core.discovery.names import is_birth_name
from plugins.core.discovery.profile import Finding
from plugins.core.discovery.semantics import Meaning

_BY_SEMANTIC = frozenset({"email", "phone", "iban", "card", "national_id", "ip", "person_name", "address"})
_LEAST = 0.4
_SEARCHED = 20
# Characters of a value that are masked, and then cut to be shown.
_SHOWN = 400
# Without one of these there is nothing in a text that `find_pii` knows.
_MAY_HOLD = re.compile(r"@|\d(?:[ ().:/-]{0,2}\d){5}|[0-9a-fA-F]:[0-9a-fA-F:]{2}")


def personal_data(look: Look, meaning: Meaning) -> Finding | None:
    """The class of personal data of a column, if it is of one."""
    from plugins.core.privacy import is_pii_name

    best = meaning.best
    if best.value in _BY_SEMANTIC:
        return Finding(best.value, best.confidence, best.evidence)
    if is_birth_name(look.name) and best.value in ("date", "timestamp"):
        return Finding("birth_date", 0.9, f"a {best.value} called `{look.name}`")
    for other in meaning.others:
        if other.value in _BY_SEMANTIC and other.confidence >= _LEAST:
            return Finding(other.value, other.confidence, other.evidence)
    if found := _within(look, meaning):
        return found
    if is_pii_name(look.name) and best.value not in ("boolean", "number", "timestamp", "empty"):
        return Finding(
            "by_name", 0.5 if best.value != "enum" else 0.25, f"called `{look.name}`, like personal data"
        )
    return None


def _within(look: Look, meaning: Meaning) -> Finding | None:
    """Personal data within prose and JSON."""
    if meaning.best.value not in ("free_text", "json", "array", "map", "polymorphic", "text"):
        return None
    from plugins.core.privacy import find_pii

    searched = look.texts[:: max(1, len(look.texts) // _SEARCHED)][:_SEARCHED]
    hits = [{found.kind for found in find_pii(text[:2_000])} for text in searched if _MAY_HOLD.search(text)]
    kinds = Counter(kind for found in hits for kind in found)
    if not kinds:
        return None
    kind, count = kinds.most_common(1)[0]
    return Finding(
        f"contains_{kind.lower()}",
        0.9 * count / (count + 0.5),
        f"{count} of {len(searched)} values searched hold a {kind}",
    )


def shown(text: str, look: Look, personal: Finding | None) -> str:
    """A value as it may be shown: masked, if the column is personal, and without what looks personal otherwise."""
    from plugins.core.privacy import mask_value

    if personal is not None and not personal.value.startswith("contains_"):
        return mask_value(text, look.name, is_pii=True)
    text = text[:_SHOWN]
    is_typed = look.family in ("integer", "float", "decimal", "boolean", "date", "timestamp", "time")
    text = text if is_typed or not _MAY_HOLD.search(text) else mask_value(text)
    return text[:100] + "…" if len(text) > 100 else text
