"""Descriptions that say a unit: of a source's column whose values come in another one now."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ruamel.yaml.nodes import MappingNode, ScalarNode

from plugins.core.editing.yaml_places import child, items, text_of
from plugins.core.editing.yaml_scalars import value_of
from plugins.schema_drift.change import Change, Kind
from plugins.schema_drift.factors import multiple
from plugins.schema_drift.patching.documents.describing import add_note
from plugins.schema_drift.patching.documents.document import Document
from plugins.schema_drift.patching.documents.shift import shift_of_relation
from plugins.schema_drift.understanding.recipes.units import HUNDREDFOLD, HUNDREDTHS

# What documents call a unit: its word first, then its sign, if it has one that may stand in a sentence.
_WORDS = {
    "ms": ("milliseconds", "ms"), "s": ("seconds", "s"), "min": ("minutes", "min"), "h": ("hours", "h"),
    "days": ("days",), "weeks": ("weeks",), "months": ("months",), "years": ("years",),
    "µs": ("microseconds", "µs"), "ns": ("nanoseconds", "ns"),
    "kg": ("kilograms", "kg"), "g": ("grams", "g"), "lb": ("pounds", "lb"), "oz": ("ounces", "oz"),
    "km": ("kilometres", "km"), "m": ("metres", "m"), "cm": ("centimetres", "cm"), "mm": ("millimetres", "mm"),
    "ft": ("feet", "ft"), "mi": ("miles", "mi"), "in": ("inches",), "l": ("litres", "l"),
}  # fmt: skip
_CODES = {"euros": "EUR", "pounds": "GBP", "dollars": "USD", "francs": "CHF"}
_LEADING = r"(?:whole |US |U\.S\. )?"
_CURRENCY = r"(?:(EUR|GBP|USD|CHF)|euro|dollar)"
_VAGUE = {HUNDREDFOLD, HUNDREDTHS, "thousandths", "millionths", "tenfold units", "tenths"}


def patch_units(document: Document, table: MappingNode, nodes: tuple[str, ...]) -> None:
    """What the columns of a source's table say of their unit: the new one, where they said the old one."""
    for change in document.plan.drift.changes:
        is_unit = change.kind is Kind.UNIT_CHANGED or "unit_changed" in change.detail.get("also", ())
        if change.table not in nodes or not is_unit:
            continue
        names = {one.lower() for one in (*change.before, *change.after)}
        for column in items(child(table, "columns")):
            if isinstance(column, MappingNode) and text_of(child(column, "name")).lower() in names:
                _patch(document, column, change)
                break


def _patch(document: Document, column: MappingNode, change: Change) -> None:
    kept = next((one for one in document.plan.project.after if one.id == change.table and one.history), None)
    is_partly = bool(change.detail.get("since_column")) or kept is not None
    known = child(column, "description")
    if not is_partly and isinstance(known, ScalarNode) and _reworded(document, known, change):
        return
    words = _words(str(change.detail.get("unit_after") or ""))
    if not is_partly and words and re.search(rf"\bin {re.escape(words[0])}\b", text_of(known) if known else ""):
        return
    until = shift_of_relation((), None, kept).until if kept is not None else None
    add_note(document, column, _note(change, until))
    document.tell(f"what `{text_of(child(column, 'name'))}` is in")


def _reworded(document: Document, known: ScalarNode, change: Change) -> bool:
    """Whether the description said the old unit, in one place, and says the new one now."""
    before, after = (_words(str(change.detail.get(key) or "")) for key in ("unit_before", "unit_after"))
    text = value_of(known)
    found = list(_said(text, before, after)) if before and after else []
    if len(found) != 1:
        return False
    ((start, end, new),) = found
    is_capital = text[start].isupper() and not text[start:end].isupper() and not new.isupper()
    if not document.editor.set_parts(known, [(start, end, new.capitalize() if is_capital else new)]):
        return False
    document.tell(f"it is in {new}")
    return True


def _said(text: str, before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    """Places of a text that say the old unit, and what says the new one there."""
    for number, word in enumerate(before):
        leading = "" if number else _LEADING
        for match in re.finditer(rf"(?:\bin |\(){leading}({re.escape(word)})\b", text, re.I):
            yield *match.span(1), after[min(number, len(after) - 1)]
    # `EUR cents` are `EUR` when they are whole, and `euro cents` are `euros`.
    for match in re.finditer(rf"(?:\bin |\()({_CURRENCY} {re.escape(before[0])})\b", text):
        yield *match.span(1), match[2] or after[0]
    if code := _CODES.get(before[0]):
        # The code says the currency, which is the same.
        for match in re.finditer(rf"(?:\bin |\()({code})\b", text):
            yield *match.span(1), f"{code} {after[0]}"


def _words(unit: str) -> tuple[str, ...]:
    """What documents may call a unit; none for one that nobody names."""
    return () if not unit or unit in _VAGUE else _WORDS.get(unit, (unit,))


def _note(change: Change, until: str | None) -> str:
    """The sentence that a colleague would add. until: when the last rows in the old unit came, for people."""
    detail = change.detail
    words = _words(str(detail.get("unit_after") or ""))
    what = f"In {words[0]}" if words else _times(detail.get("factor"))
    if detail.get("since_column"):
        return f"{what} from `{detail['since_column']}` {_moment(detail.get('since'))} on."
    return f"{what} since {until}." if until else f"{what}."


def _times(factor: object) -> str:
    if not isinstance(factor, (int, float)):
        return "In another unit than before"
    return f"Given as {multiple(factor, 'what it was before')}"


def _moment(since: object) -> str:
    """A value without its type: `date '2024-05-01'` is 2024-05-01."""
    found = re.search(r"'([^']*)'", str(since))
    return found[1] if found else str(since)
