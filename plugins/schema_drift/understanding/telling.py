"""Findings in the words of drift: kind, severity, confidence, and the facts with their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plugins.core.privacy import redact
from plugins.schema_drift.change import Change, Fact, Kind, Restored, Severity, Supplied
from plugins.schema_drift.table import Column, Table

from .confidence import sure
from .pairing import Pair
from .recipes import Found
from .types import NUMBERS, TIMES, Family, Shift, compare_types, read_type

THIN_ROWS = 10
_THIN_MOST = 0.75
_HEADER_MOST = 0.6
_NAMED_VALUES, _LONGEST_VALUE = 5, 40
_FIELDS_GONE = ("fields", "removed_fields", "retyped_fields", "format_before")

_SEVERITY = {
    Kind.UNIT_CHANGED: Severity.DANGEROUS,
    Kind.FORMAT_CHANGED: Severity.DANGEROUS,
    Kind.VALUES_RENAMED: Severity.DANGEROUS,
    Kind.MEANING_CHANGED: Severity.DANGEROUS,
    Kind.COLUMN_RENAMED: Severity.BREAKING,
    Kind.COLUMN_REMOVED: Severity.BREAKING,
    Kind.COLUMN_SPLIT: Severity.BREAKING,
    Kind.COLUMNS_MERGED: Severity.BREAKING,
    Kind.NESTED_MOVED: Severity.BREAKING,
    Kind.NESTED_CHANGED: Severity.BREAKING,
    Kind.COLUMN_ADDED: Severity.INFORMATIVE,
    Kind.VALUES_ADDED: Severity.INFORMATIVE,
    Kind.VALUES_REMOVED: Severity.INFORMATIVE,
    Kind.TYPE_WIDENED: Severity.INFORMATIVE,
    Kind.TYPE_NARROWED: Severity.BREAKING,
    Kind.TYPE_CHANGED: Severity.BREAKING,
}


def severity_of(kind: Kind) -> Severity:
    """What a change of a kind does, if nothing else is known."""
    return _SEVERITY[kind]


def same_values(pair: Pair, key: Sequence[str]) -> Fact:
    """The fact that says on how many rows two columns agree."""
    equal = round((pair.share or 0.0) * pair.compared)
    by = f", matched by ({', '.join(f'`{name}`' for name in key)})," if key else ""
    text = f"{equal:,} of {pair.compared:,} rows that exist before and after{by} carry the same value"
    return Fact("same_values", text, pair.share, pair.compared)


def made_values(found: Found, key: Sequence[str]) -> Fact:
    """The fact that says for how many rows a recipe gives the old values."""
    by = f", matched by ({', '.join(f'`{name}`' for name in key)})," if key else ""
    proof = found.proof
    text = f"{proof.equal:,} of {proof.compared:,} rows that exist before and after{by} fit: {found.recipe.text}"
    return Fact("same_values", text, round(proof.share, 4), proof.compared)


def type_fact(before: str, after: str) -> Fact:
    """Same type or not."""
    same = " ".join(before.lower().split()) == " ".join(after.lower().split())
    return Fact("type", f"same type `{after}`" if same else f"type `{before}` → `{after}`", 1.0 if same else 0.0)


def added(
    table: Table,
    column: Column,
    facts: tuple[Fact, ...],
    detail: Mapping[str, Any],
    confidence: float,
    is_thin: bool,
    alternatives: tuple[tuple[str, float], ...] = (),
) -> Change:
    """A column that nothing of before explains."""
    return change(
        Kind.COLUMN_ADDED, table, (), (column.name,), confidence,
        (Fact("declared", f"`{column.name}` ({column.type}) was not there before"), *facts),
        detail={"type_after": column.type, **detail}, is_thin=is_thin, alternatives=alternatives,
    )  # fmt: skip


def removed(
    table: Table,
    column: Column,
    facts: tuple[Fact, ...],
    confidence: float,
    is_thin: bool,
    alternatives: tuple[tuple[str, float], ...] = (),
    question: str | None = None,
) -> Change:
    """A column that nothing of now explains."""
    return change(
        Kind.COLUMN_REMOVED, table, (column.name,), (), confidence,
        (Fact("declared", f"`{column.name}` ({column.type}) is gone"), *facts),
        detail={"type_before": column.type}, is_thin=is_thin, question=question, alternatives=alternatives,
    )  # fmt: skip


def capped(confidence: float, rows: int | None) -> tuple[float, bool, tuple[Fact, ...]]:
    """Confidence in view of how many rows were compared (None: of none), whether it is thin, and the fact."""
    if rows is None:
        fact = Fact("thin", "no rows were seen, only columns: names, types and places decide", 0.0, 0)
        return min(confidence, _HEADER_MOST), True, (fact,)
    if rows < THIN_ROWS:
        fact = Fact("thin", f"thin evidence: {rows} rows could be compared", rows, rows)
        return min(confidence, _THIN_MOST), True, (fact,)
    return confidence, False, ()


def type_kind(before: str, after: str) -> Kind | None:
    """The kind of a change between two types; None if they are the same."""
    shift = compare_types(before, after)
    kinds = {
        Shift.WIDENED: Kind.TYPE_WIDENED,
        Shift.NARROWED: Kind.TYPE_NARROWED,
        Shift.CHANGED: Kind.TYPE_CHANGED,
    }
    return kinds.get(shift)


def type_severity(before: str, after: str) -> Severity:
    """Dangerous where comparisons, order or arithmetic give other results without an error; else breaking.

    Text sorts and compares by characters; a time without its zone or day is another moment; a number without its
    decimals is another number, and integers divide otherwise than decimals do.
    """
    kind = type_kind(before, after)
    if kind is Kind.TYPE_WIDENED:
        return Severity.INFORMATIVE
    old, new = read_type(before).family, read_type(after).family
    if old is new:
        return Severity.BREAKING
    silently = (
        (old in NUMBERS and new in NUMBERS),
        (old in NUMBERS | TIMES and new is Family.TEXT),
        (old in TIMES and new in TIMES),
        (old is Family.TEXT and new in NUMBERS),
    )
    return Severity.DANGEROUS if any(silently) else Severity.BREAKING


def named_values(values: Sequence[str]) -> str:
    """Some values for people, without personal data."""
    shown = [f"`{redact(value)[:_LONGEST_VALUE]}`" for value in values[:_NAMED_VALUES]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def confidence_of(log_odds: float) -> float:
    """A calibrated probability."""
    return sure(log_odds)


def change(
    kind: Kind,
    table: Table,
    before: Sequence[str],
    after: Sequence[str],
    confidence: float,
    facts: Sequence[Fact],
    *,
    severity: Severity | None = None,
    restores: tuple[Restored, ...] = (),
    supplies: tuple[Supplied, ...] = (),
    detail: Mapping[str, Any] | None = None,
    is_thin: bool = False,
    question: str | None = None,
    alternatives: tuple[tuple[str, float], ...] = (),
) -> Change:
    """A change with the severity of its kind, unless another one is given."""
    if kind is Kind.NESTED_CHANGED and detail and not any(detail.get(key) for key in _FIELDS_GONE):
        # Fields that only came break nothing, and nothing has to be taken back.
        severity, restores, supplies = severity or Severity.INFORMATIVE, (), ()
    return Change(
        kind, table.id, tuple(before), tuple(after), round(confidence, 3), severity or severity_of(kind),
        tuple(facts), restores, supplies, dict(detail or {}), alternatives, is_thin, question,
    )  # fmt: skip


TYPE_KINDS = frozenset({Kind.TYPE_WIDENED, Kind.TYPE_NARROWED, Kind.TYPE_CHANGED})
DANGEROUS = frozenset(kind for kind, severity in _SEVERITY.items() if severity is Severity.DANGEROUS)
