"""Changes that the declarations alone tell: nullability, defaults, order, keys."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.schema_drift.change import Change, Fact, Kind, Severity
from plugins.schema_drift.table import Column, Table


def declared_changes(before: Table, after: Table, became: Mapping[str, str]) -> list[Change]:
    """became: the name now of each column that is still there."""
    changes: list[Change] = []
    for column in before.columns:
        now = next((one for one in after.columns if one.name == became.get(column.name)), None)
        if now is not None:
            changes += _nullability(before, column, now)
            changes += _default(before, column, now)
    return changes + _order(before, after, became) + _key(before, after, became)


def _nullability(table: Table, before: Column, after: Column) -> list[Change]:
    if None in (before.is_nullable, after.is_nullable) or before.is_nullable == after.is_nullable:
        return []
    if after.is_nullable:
        text, severity = f"`{after.name}` was declared not null and may be null now", Severity.BREAKING
    else:
        text, severity = f"`{after.name}` is declared not null now", Severity.INFORMATIVE
    detail = {"nullable_before": before.is_nullable, "nullable_after": after.is_nullable}
    return [
        Change(
            Kind.NULLABILITY_CHANGED, table.id, (before.name,), (after.name,), 1.0, severity,
            (Fact("declared", text),), detail=detail,
        )
    ]  # fmt: skip


def _default(table: Table, before: Column, after: Column) -> list[Change]:
    if before.default == after.default:
        return []
    text = f"`{after.name}`: the default was {before.default or 'none'} and is {after.default or 'none'}"
    detail = {"default_before": before.default, "default_after": after.default}
    return [
        Change(
            Kind.DEFAULT_CHANGED, table.id, (before.name,), (after.name,), 1.0, Severity.INFORMATIVE,
            (Fact("declared", text),), detail=detail,
        )
    ]  # fmt: skip


def _order(before: Table, after: Table, became: Mapping[str, str]) -> list[Change]:
    old = [became[one.name] for one in before.columns if one.name in became]
    kept = set(old)
    new = [one.name for one in after.columns if one.name in kept]
    if old == new:
        return []
    moved = sum(one != two for one, two in zip(old, new, strict=True))
    fact = Fact("declared", f"{moved} of {len(new)} columns stand in another place", moved)
    return [
        Change(
            Kind.COLUMNS_REORDERED, before.id, tuple(one.name for one in before.columns if one.name in became),
            tuple(new), 1.0, Severity.SILENT, (fact,),
        )
    ]  # fmt: skip


def _key(before: Table, after: Table, became: Mapping[str, str]) -> list[Change]:
    if not before.key or not after.key:
        return []
    carried = {became.get(name, name).lower() for name in before.key}
    if carried == {name.lower() for name in after.key}:
        return []
    text = f"rows were identified by ({', '.join(before.key)}), and are by ({', '.join(after.key)}) now"
    detail = {"key_before": list(before.key), "key_after": list(after.key)}
    listed = ", ".join(f"`{name}`" for name in before.key)
    question = f"{listed} of {before.name}: {text}. Does everything that joins or deduplicates follow?"
    return [
        Change(
            Kind.KEY_CHANGED, before.id, before.key, after.key, 0.99, Severity.DANGEROUS,
            (Fact("declared", text),), detail=detail, question=question,
        )
    ]  # fmt: skip
