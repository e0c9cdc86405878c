"""How the columns of one table or model differ, in the names that documents use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ulid import ULID

from plugins.schema_drift.change import Change, Kind, Supplied
from plugins.schema_drift.patching.patch import Interface
from plugins.schema_drift.table import Column, History, Table

_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?")
_ULID = re.compile(r"'([0-7][0-9A-HJKMNP-TV-Z]{25})'")
_MOVES = (Kind.COLUMN_RENAMED, Kind.NESTED_MOVED)
_PARTS = (Kind.COLUMN_SPLIT, Kind.COLUMNS_MERGED)
# Changes that name all columns, a key, or tables: nothing becomes of the columns that they name.
_WHOLE = frozenset(
    [
        Kind.COLUMNS_REORDERED,
        Kind.KEY_CHANGED,
        Kind.TABLE_ADDED,
        Kind.TABLE_REMOVED,
        Kind.TABLE_RENAMED,
        Kind.TABLE_SPLIT,
    ]
)


@dataclass(frozen=True)
class Shift:
    """What became of each column; keys as they were written before.

    renamed: the old name is gone. followed: the old name is still there, but newer rows fill these instead.
    replaced: split or merged into these, and gone. stale: still there, no longer filled, and followed by nothing.
    types: of columns of now, by name. order: columns of now. since: SQL that is true for the newer rows.
    until: when the older columns were last filled. doubled: names that differ from another in case only.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    followed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    replaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    retyped: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    pii: frozenset[str] = frozenset()
    supplies: tuple[Supplied, ...] = ()
    before_types: Mapping[str, str] = field(default_factory=dict)
    since: str | None = None
    until: str | None = None
    doubled: frozenset[str] = frozenset()
    is_kept: bool = False

    def find(self, name: str, among: Iterable[str]) -> str | None:
        """The key that a document means by a name: in any case, if only one column is called so."""
        keys = set(among)
        if name in keys:
            return name
        if name.lower() in self.doubled:
            return None
        return next((key for key in keys if key.lower() == name.lower()), None)

    def renamed_to(self, name: str) -> str | None:
        """The new name of a column; None if it keeps its own."""
        key = self.find(name, self.renamed)
        return self.renamed[key] if key is not None else None

    @property
    def newest(self) -> dict[str, str]:
        """New names of columns that have one other instead now, also where the old ones are still there."""
        one = {old: new[0] for old, new in self.followed.items() if len(new) == 1}
        return {**one, **self.renamed}

    @property
    def gone(self) -> frozenset[str]:
        """Names that a document can no longer use."""
        return frozenset({*self.renamed, *self.replaced, *self.removed})

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.gone or self.followed or self.stale or self.added or self.retyped or self.supplies)


def shift_of_interface(interface: Interface, columns: Iterable[str]) -> Shift:
    """That of a node, whose columns were these."""
    before = tuple(columns)
    return Shift(
        renamed={old: new for old, new in interface.renamed.items() if old != new},
        added=dict(interface.added),
        removed=frozenset(interface.removed),
        retyped=dict(interface.retyped),
        types={**interface.added, **interface.retyped},
        before=before,
        doubled=_doubled(before),
    )


def shift_upstream(changes: Iterable[Change], before: Table | None, after: Table | None) -> Shift:
    """That of a table in the source system's own names, where nothing of before is left."""
    return _shift(tuple(changes), _columns(before), _columns(after), None)


def shift_of_relation(changes: Iterable[Change], before: Table | None, after: Table | None) -> Shift:
    """That of a table as the warehouse has it, which may keep older columns beside the newer ones."""
    history = after.history if after is not None else None
    return _shift(tuple(changes), _columns(before), _columns(after), history)


def _columns(table: Table | None) -> dict[str, Column]:
    return {one.name: one for one in table.columns} if table is not None else {}


def _shift(
    changes: tuple[Change, ...],
    before: Mapping[str, Column],
    after: Mapping[str, Column],
    history: History | None,
) -> Shift:
    names = history.names if history is not None else {}
    kept = history.kept if history is not None else frozenset()
    old_types = {name: column.type for name, column in before.items()}
    types = {names.get(name, name): column.type for name, column in after.items()}
    renamed: dict[str, str] = {}
    followed: dict[str, tuple[str, ...]] = {}
    replaced: dict[str, tuple[str, ...]] = {}
    added: dict[str, str] = {}
    removed: set[str] = set()
    stale: set[str] = set()
    retyped: dict[str, str] = {}
    personal: set[str] = set()
    for change in changes:
        news = tuple(names.get(name, name) for name in change.after)
        if change.kind in _MOVES and len(change.before) == len(news):
            for old, new in zip(change.before, news, strict=True):
                if old in kept:
                    followed[old] = (new,)
                elif old != new:
                    renamed[old] = new
        elif change.kind in _PARTS:
            for old in change.before:
                if old in news:
                    continue
                others = tuple(new for new in news if new not in before) or news
                (followed if old in kept else replaced)[old] = others
        elif change.kind is Kind.COLUMN_ADDED:
            added |= {new: types.get(new, str(change.detail.get("type_after") or "")) for new in news}
            if change.detail.get("pii"):
                personal.update(news)
        elif change.kind is Kind.COLUMN_REMOVED:
            for old in change.before:
                (stale if old in kept else removed).add(old)
        elif change.kind not in _WHOLE:
            for old, new in zip(change.before, news, strict=False):
                if new != old and old in kept:
                    followed[old] = (new,)
                elif old != new and new in types and old not in types and change.restores:
                    renamed[old] = new
                elif old in types and types[old] != old_types.get(old, types[old]):
                    retyped[old] = types[old]
    return Shift(
        renamed=renamed,
        followed=followed,
        replaced=replaced,
        added=added,
        removed=frozenset(removed),
        stale=frozenset(stale),
        retyped=retyped,
        types=types,
        order=tuple(types),
        before=tuple(before),
        pii=frozenset(personal),
        supplies=tuple(supply for change in changes for supply in change.supplies),
        before_types=old_types,
        since=history.since if history is not None else None,
        until=_moment(history.since) if history is not None and history.since else None,
        doubled=_doubled(before),
        is_kept=history is not None,
    )


def _doubled(names: Iterable[str]) -> frozenset[str]:
    found: dict[str, int] = {}
    for name in names:
        found[name.lower()] = found.get(name.lower(), 0) + 1
    return frozenset(name for name, count in found.items() if count > 1)


def _moment(since: str) -> str | None:
    """The time that a condition on newer rows names: a stamp, or the time in an id that sorts by time."""
    if found := _ULID.search(since):
        try:
            moment = ULID.from_str(found[1]).datetime.astimezone(UTC)
        except ValueError:
            return None
        # An id of a test or of another system may be no ULID.
        return f"{moment:%Y-%m-%d %H:%M} UTC" if moment.year <= datetime.now(UTC).year else None
    if stamp := _STAMP.search(since):
        return stamp[0]
    return None
