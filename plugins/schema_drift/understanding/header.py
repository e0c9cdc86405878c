"""Two declarations of a table without rows: what is left to go by are names, types and places."""

from __future__ import annotations

from plugins.core.assignment import assign
from plugins.core.duck import quote
from plugins.schema_drift.change import Change, Fact, Kind, Restored, Supplied
from plugins.schema_drift.table import Table

from . import rivals, telling
from .confidence import odds, sure
from .declared import declared_changes
from .pairing import common, lead, same_names
from .recipes.recipe import cast
from .types import read_type


def compare_headers(before: Table, after: Table) -> tuple[list[Change], list[str]]:
    """Changes as far as declarations tell; what may be a rename is asked about."""
    old, new = [one.name for one in before.columns], [one.name for one in after.columns]
    named = same_names(old, new)
    changes: list[Change] = []
    for one, two in named.items():
        was, now = before.columns[one], after.columns[two]
        kind = telling.type_kind(was.type, now.type)
        if kind is not None:
            detail = {"type_before": was.type, "type_after": now.type}
            back = cast(quote(now.name), now.type, read_type(was.type).duck)
            there = cast(quote(was.name), was.type, read_type(now.type).duck)
            can_restore = kind is not Kind.TYPE_WIDENED
            changes.append(
                telling.change(
                    kind, before, (was.name,), (now.name,), 0.95, (telling.type_fact(was.type, now.type),),
                    severity=telling.type_severity(was.type, now.type), detail=detail,
                    restores=(Restored(was.name, back, (now.name,)),) if can_restore else (),
                    supplies=(Supplied(now.name, there, (was.name,)),) if can_restore else (),
                )
            )  # fmt: skip
    taken = set(named.values())
    left = [n for n in range(len(old)) if n not in named]
    right = [n for n in range(len(new)) if n not in taken]
    likely = _likely(before, after, left, right)
    # However alike two names are: without rows only another case of letters is the same column for sure.
    renamed = {one: held for one, held in likely.items() if old[one].lower() == new[held[0]].lower()}
    for one, (two, total, likeness) in renamed.items():
        changes.append(_renamed(before, after, one, two, total, likeness))
    became = {old[one]: new[two] for one, two in named.items()}
    became |= {old[one]: new[two] for one, (two, _, _) in renamed.items()}
    both = bool(left) and bool(right)
    chosen = {two for two, _, _ in renamed.values()}
    kept = after.history.kept if after.history else frozenset()
    for one in left:
        if one not in renamed:
            # A relation that still has the column says by its rows whether it is filled, and none were seen.
            is_guess = both or before.columns[one].name in kept
            confidence, is_thin, facts = telling.capped(0.6, None) if is_guess else (0.95, False, ())
            others = rivals.of_left_over(before.columns[one], [after.columns[n] for n in right], confidence)
            asked = _asked(before, old[one], new[likely[one][0]]) if one in likely else None
            changes.append(telling.removed(before, before.columns[one], facts, confidence, is_thin, others, asked))
    for two in right:
        if two not in chosen and after.columns[two].name.lower() not in before.unlisted:
            confidence, is_thin, facts = telling.capped(0.6, None) if both else (0.95, False, ())
            others = rivals.of_left_over(after.columns[two], [before.columns[n] for n in left], confidence)
            changes.append(telling.added(before, after.columns[two], facts, {}, confidence, is_thin, others))
    notes = [f"{before.name}: no rows were seen, only columns"] if changes else []
    return [*changes, *declared_changes(before, after, became)], notes


def _asked(table: Table, was: str, now: str) -> str:
    return f"`{was}` of {table.name}: was it renamed to `{now}`? No rows were seen that could show it."


def _likely(before: Table, after: Table, left: list[int], right: list[int]) -> dict[int, tuple[int, float, float]]:
    """By old column: the new one that it may have become, the log-odds, and how alike the names are."""
    if not left or not right:
        return {}
    old, new = [before.columns[n] for n in left], [after.columns[n] for n in right]
    evidence = common(
        [one.name for one in old], [one.name for one in new],
        [read_type(one.type) for one in old], [read_type(one.type) for one in new],
        [n / len(before.columns) for n in left], [n / len(after.columns) for n in right],
    )  # fmt: skip
    evidence["lead"] = lead(evidence["name"])
    total = odds("header", evidence)
    gains = {
        (one, two): float(total[one, two])
        for one in range(len(left))
        for two in range(len(right))
        if total[one, two] > 0
    }
    return {
        left[one]: (right[two], gains[one, two], float(evidence["name"][one, two]))
        for one, two in assign(gains).items()
    }


def _renamed(before: Table, after: Table, one: int, two: int, total: float, likeness: float) -> Change:
    was, now = before.columns[one], after.columns[two]
    confidence, is_thin, facts = telling.capped(sure(total), None)
    back, there = quote(now.name), quote(was.name)
    kind = telling.type_kind(was.type, now.type)
    detail: dict[str, object] = {}
    if kind is not None:
        back = cast(back, now.type, read_type(was.type).duck)
        there = cast(there, was.type, read_type(now.type).duck)
        detail = {"also": [str(kind)], "type_before": was.type, "type_after": now.type}
    return telling.change(
        Kind.COLUMN_RENAMED, before, (was.name,), (now.name,), confidence,
        (Fact("name", f"the names are {likeness:.0%} alike", likeness), telling.type_fact(was.type, now.type),
         *facts),
        restores=(Restored(was.name, back, (now.name,)),), supplies=(Supplied(now.name, there, (was.name,)),),
        detail=detail, is_thin=is_thin,
        alternatives=rivals.shared_out([(str(Kind.COLUMN_REMOVED), 0.0)], confidence),
        question=_asked(before, was.name, now.name),
    )  # fmt: skip
