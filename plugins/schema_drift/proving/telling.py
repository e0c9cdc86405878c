"""Changes in words, for a table in a pull request. Names and values come from the source: they are data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from plugins.core.privacy import redact
from plugins.review import code, prose
from plugins.schema_drift.change import Change, Kind, Severity
from plugins.schema_drift.factors import said as by_factor
from plugins.schema_drift.patching.patch import Question

_LONGEST_NAME = 60
_NAMES = 6
_FACTS = 3
_CHANGES = 12

_WORDS: Mapping[Kind, str] = {
    Kind.COLUMN_ADDED: "column **added**",
    Kind.COLUMN_REMOVED: "column **removed**",
    Kind.COLUMN_RENAMED: "column **renamed**",
    Kind.COLUMN_SPLIT: "column **split**",
    Kind.COLUMNS_MERGED: "columns **merged**",
    Kind.COLUMNS_REORDERED: "columns **in another order**",
    Kind.TYPE_WIDENED: "type **widened**",
    Kind.TYPE_NARROWED: "type **narrowed**",
    Kind.TYPE_CHANGED: "type **changed**",
    Kind.NULLABILITY_CHANGED: "**nullability** changed",
    Kind.DEFAULT_CHANGED: "**default** changed",
    Kind.UNIT_CHANGED: "**unit** changed",
    Kind.FORMAT_CHANGED: "**format** changed",
    Kind.VALUES_ADDED: "values **added**",
    Kind.VALUES_REMOVED: "values **gone**",
    Kind.VALUES_RENAMED: "values **renamed**",
    Kind.MEANING_CHANGED: "**meaning** changed",
    Kind.NESTED_MOVED: "nested field **moved**",
    Kind.NESTED_CHANGED: "nested field **changed**",
    Kind.KEY_CHANGED: "**key** changed",
    Kind.TABLE_ADDED: "table **added**",
    Kind.TABLE_REMOVED: "table **removed**",
    Kind.TABLE_RENAMED: "table **renamed**",
    Kind.TABLE_SPLIT: "table **split**",
}
# What is changed from one to another, by kind of change.
_FROM_TO = (
    ("type_before", "type_after"),
    ("unit_before", "unit_after"),
    ("format_before", "format_after"),
    ("key_before", "key_after"),
)
_LED: Mapping[Severity, str] = {
    Severity.SILENT: "Upstream change that nothing notices",
    Severity.INFORMATIVE: "Upstream change that breaks nothing",
    Severity.BREAKING: "Breaking upstream change",
    Severity.DANGEROUS: "Dangerous upstream change (everything builds, and numbers are wrong)",
}


def name(text: str) -> str:
    """A name in a code span."""
    shown = code(text)
    return f"`{shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + '…'}`"


def names(texts: Sequence[str]) -> str:
    """Some names, and how many more."""
    told = ", ".join(map(name, texts[:_NAMES]))
    return told + (f" and {len(texts) - _NAMES} more" if len(texts) > _NAMES else "")


def lead(severity: Severity) -> str:
    """What a change of this severity is, for people."""
    return _LED[severity]


def table_of(changes: Sequence[Change], tables: Mapping[str, str], first_seen: str | None) -> str:
    """Changes with the numbers that tell them, worst first; many are summed up by kind.

    tables: names of tables by id.
    """
    ordered = sorted(changes, key=lambda one: (-one.severity.rank, tables.get(one.table, one.table)))
    seen = f" (first seen {prose(first_seen, 80)})" if first_seen else ""
    lines = [f"| Upstream change{seen} | How we know | Confidence |", "|---|---|---|"]
    many = len({change.table for change in changes}) > 1
    for change in ordered[:_CHANGES]:
        where = f"{name(tables.get(change.table, change.table))}: " if many else ""
        lines.append(f"| {where}{told(change)} | {facts_of(change)} | {change.confidence:.2f} |")
    rest = Counter(_WORDS[change.kind].replace("*", "") for change in ordered[_CHANGES:])
    if rest:
        summed = ", ".join(f"{count} × {words}" for words, count in rest.most_common())
        least = min(change.confidence for change in ordered[_CHANGES:])
        lines.append(f"| and {rest.total()} more: {summed} | `smelt drift check` lists them | ≥ {least:.2f} |")
    return "\n".join(lines)


def told(change: Change) -> str:
    """One change in words."""
    words = _WORDS[change.kind]
    if change.before and change.after and change.before != change.after:
        said = f"{words} {names(change.before)} → {names(change.after)}"
    else:
        said = f"{words} {names(change.before or change.after)}"
    for before, after in _FROM_TO:
        if change.detail.get(before) and change.detail.get(after):
            said += f": {_value(change.detail[before])} → {_value(change.detail[after])}"
    if isinstance(change.detail.get("factor"), (int, float)):
        said += f" ({by_factor(change.detail['factor'])})"
    if change.detail.get("pii"):
        said += " (personal data)"
    return said


def asked(question: Question) -> str:
    """A question, with its place."""
    return prose(redact(str(question)), 500)


def facts_of(change: Change) -> str:
    """The numbers that speak for a change, and what else it could be."""
    said = [prose(redact(fact.text), 220) for fact in change.facts[:_FACTS]]
    if change.is_thin:
        said.insert(0, "**thin evidence**")
    if change.alternatives and change.confidence < 0.99:
        other, share = change.alternatives[0]
        said.append(f"else {_other(other)} ({share:.2f})")
    return "; ".join(said) or "declared"


def _other(told: str) -> str:
    """A kind in words, and the column that it is about: `column_renamed (price)`, `column_renamed to price`."""
    kind, _, column = told.partition(" ")
    words = prose(kind.replace("_", " "), 60)
    column = column.removeprefix("to ") if column.startswith("to ") else column[1:-1]
    return f"{words}, {name(column)}" if column else words


def _value(value: object) -> str:
    return names([str(v) for v in value]) if isinstance(value, (list, tuple)) else name(redact(str(value)))
