"""What identifies a row, by the rows themselves: a key that repeats now, or one that another column took over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plugins.schema_drift.change import Change, Fact, Kind, Severity
from plugins.schema_drift.table import Table

from . import telling
from .columns import Understood
from .reading import Side
from .types import NESTED, Family, read_type

_LEAST_SHARE = 0.01
_LEAST_ROWS = 3
# A column that happens to tell a handful of rows apart is no key.
_BELIEVED_ROWS = 30
_NO_KEY = NESTED | {Family.FLOAT, Family.BOOLEAN}


def key_changes(known: Understood, before: Table, after: Table) -> list[Change]:
    """A key that was one, and is none any more; nothing where rows of many times stand in one relation."""
    old, new, pairs = known.old, known.new, known.pairing.pairs
    places = [number for number, name in enumerate(old.names) if name in before.key]
    if not before.key or len(places) != len(before.key) or (after.history and after.history.since):
        return []
    if all(number in pairs for number in places):
        found = _repeats(known, before, [pairs[number].new for number in places])
    elif all(number in known.pairing.removed for number in places) and new.rows >= _BELIEVED_ROWS:
        found = _replaced(known, before)
    else:
        found = []
    return found if found and repeated(old, places) <= 0.1 * _LEAST_SHARE * old.rows else []


def repeated(side: Side, columns: Sequence[int]) -> int:
    """How many rows share their values in these columns with another row; rows with a null in them don't count."""
    if len(columns) == 1 and side.taken == side.rows:
        values, counts = np.unique(side.hashes(columns)[:, 0], return_counts=True)
        return int(counts[(counts > 1) & (values != 0)].sum())
    listed = [side.column(number) for number in columns]
    filled = " and ".join(f"{name} is not null" for name in listed)
    row = side.con.execute(
        f"select coalesce(sum(n), 0)::bigint from (select count(*) as n from {side.source} where {filled} "
        f"group by {', '.join(listed)} having count(*) > 1)"
    ).fetchone()
    return int(row[0]) if row else 0


def _repeats(known: Understood, table: Table, columns: Sequence[int]) -> list[Change]:
    new = known.new
    count = repeated(new, columns)
    if count < max(_LEAST_ROWS, _LEAST_SHARE * new.rows):
        return []
    wider = next(iter(_wider(known, columns)), None)
    names = tuple(new.names[number] for number in columns)
    now = (*names, new.names[wider]) if wider is not None else names
    text = f"{count:,} of {new.rows:,} rows share their {_listed(names)} with another row; none did before"
    more = f"; together with `{new.names[wider]}` no two do" if wider is not None else ""
    question = (
        f"{_listed(names)} of {table.name} is no key any more: {text}{more}. What identifies a row now, and "
        "which of the rows of one key counts?"
    )
    return [_told(table, now, 0.97, Fact("key", text + more, count / new.rows, new.rows), question, new.rows)]


def _wider(known: Understood, columns: Sequence[int]) -> list[int]:
    """Columns that tell the rows of one key apart, new ones first."""
    new = known.new
    others = [n for n in range(len(new.names)) if n not in known.pairing.added and n not in columns]
    found = []
    for number in (*known.pairing.added, *others[:60]):
        if read_type(new.types[number]).family in _NO_KEY or (found and number not in known.pairing.added):
            continue
        filled = bool((new.hashes([number]) != 0).all())
        if filled and not repeated(new, [*columns, number]):
            found.append(number)
    return found


def _replaced(known: Understood, table: Table) -> list[Change]:
    """The key is gone, and exactly one new column has a value of its own in every row."""
    new, found = known.new, []
    for number in known.pairing.added:
        hashes = new.hashes([number])[:, 0]
        if (
            read_type(new.types[number]).family not in _NO_KEY
            and hashes.all()
            and len(np.unique(hashes)) == len(hashes)
        ):
            found.append(number)
    if len(found) != 1:
        return []
    name = new.names[found[0]]
    text = (
        f"`{name}` has a value of its own in every row, and no column carries the values of {_listed(table.key)}"
    )
    question = (
        f"{_listed(table.key)} of {table.name} is gone: {text}. Is `{name}` the key now, and how do "
        "old rows and what refers to them find it?"
    )
    return [_told(table, (name,), 0.85, Fact("key", text, 1.0, new.rows), question, new.rows)]


def _told(table: Table, now: tuple[str, ...], confidence: float, fact: Fact, question: str, rows: int) -> Change:
    sure, is_thin, thin = telling.capped(confidence, rows)
    return telling.change(
        Kind.KEY_CHANGED, table, table.key, now, sure, (fact, *thin), severity=Severity.DANGEROUS,
        detail={"key_before": list(table.key), "key_after": list(now)}, is_thin=is_thin, question=question,
    )  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
