"""A change of unit in the words of the project: the currency, or its hundredths, that a description names."""

from __future__ import annotations

import re
from dataclasses import replace

from plugins.schema_drift.change import Change
from plugins.schema_drift.consequences.models import Models
from plugins.schema_drift.understanding.recipes.units import HUNDREDFOLD, HUNDREDTHS, MINOR, WHOLE, currency_of

_UNITS = ("unit_before", "unit_after")
_HUNDREDTHS = re.compile(r"\b(cents|pence|centimes)\b", re.IGNORECASE)


def is_of_money(change: Change) -> bool:
    """Whether a change may be one of a currency that its column's name does not say."""
    return {change.detail.get(key) for key in _UNITS} in ({WHOLE, MINOR}, {HUNDREDFOLD, HUNDREDTHS})


def in_own_words(change: Change, models: Models) -> Change:
    """The same with the currency, if the description of the source's column names one."""
    source = models.parsed.document.get("sources", {}).get(change.table) or {}
    columns = {str(one.get("name", "")).lower(): one for one in (source.get("columns") or {}).values()}
    known = columns.get(change.before[0].lower()) or {}
    said = str(known.get("description") or "")
    hundredths = _HUNDREDTHS.search(said)
    currency = currency_of(said) or ((WHOLE, hundredths[1].lower()) if hundredths else None)
    if currency is None:
        return change
    whole, minor = currency
    called: dict[str, str] = {WHOLE: whole, HUNDREDFOLD: whole, MINOR: minor, HUNDREDTHS: minor}
    before, after = (str(change.detail[key]) for key in _UNITS)

    def worded(text: str) -> str:
        text = text.replace(f"({before} → {after})", f"({called[before]} → {called[after]})")
        return text.replace(f"in {before}", f"in {called[before]}").replace(f"in {after}", f"in {called[after]}")

    return replace(
        change,
        facts=tuple(replace(fact, text=worded(fact.text)) for fact in change.facts),
        detail={**change.detail, "unit_before": called[before], "unit_after": called[after]},
        question=worded(change.question) if change.question else None,
    )
