"""Streams that only show rows of another: views, and copies, which are no tables of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plugins.core.discovery.look import Look
from plugins.core.discovery.profile import StreamProfile

# One column of another's is a list of its values, and may be a table.
_LEAST_COLUMNS = 2
_TRIED = 50
_OURS = "_smelt_"
_CALLED_VIEW = re.compile(r"(?:^|_)(?:v|vw|view)(?=_|$)", re.IGNORECASE)
_Row = tuple[str | None, ...]


@dataclass(frozen=True)
class _Held:
    """What a stream holds. columns: by name in lower case; none if values of one can't be compared."""

    columns: Mapping[str, Look]
    is_whole: bool
    _texts: dict[str, list[str]] = field(default_factory=dict)
    _rows: dict[tuple[str, ...], frozenset[_Row]] = field(default_factory=dict)

    @classmethod
    def of(cls, stream: StreamProfile, looks: Sequence[Look]) -> _Held:
        held = [look for look in looks if not look.cells.name.startswith(_OURS)]
        is_plain = all(look.cells.kind == "scalar" and look.family != "binary" for look in held)
        columns = {look.cells.name.lower(): look for look in held} if is_plain else {}
        return cls(columns, stream.sampled >= stream.rows)

    def texts(self, column: str) -> list[str]:
        """Different values as text, in the order of their codes."""
        if column not in self._texts:
            self._texts[column] = [str(one) for one in self.columns[column].different.to_pylist()]
        return self._texts[column]

    def rows(self, names: tuple[str, ...]) -> frozenset[_Row]:
        """Different rows of some columns."""
        if names not in self._rows:
            columns = [
                [texts[code] if code >= 0 else None for code in self.columns[name].codes]
                for name in names
                for texts in (self.texts(name),)
            ]
            self._rows[names] = frozenset(zip(*columns, strict=True))
        return self._rows[names]


def find_views(streams: Sequence[StreamProfile], looks: Mapping[str, Sequence[Look]]) -> dict[str, str]:
    """By name of a stream, the stream that all of its rows are rows of, column by column under the same names.

    Only streams that were seen whole are looked in. Of two that hold the same the one that is called like a view
    is it, else the one with the longer name.
    """
    held = {one.name: _Held.of(one, looks[one.name]) for one in streams if one.parent is None and one.rows}
    found: dict[str, str] = {}
    for name, ours in held.items():
        if len(ours.columns) < _LEAST_COLUMNS:
            continue
        wider = [
            other
            for other, theirs in held.items()
            if other != name and theirs.is_whole and ours.columns.keys() <= theirs.columns.keys()
        ]
        # The widest is the table that others show a part of.
        wider.sort(key=lambda one: (-len(held[one].columns), _place(one)))
        shown = next((other for other in wider if _is_shown(name, other, held)), None)
        if shown is not None:
            found[name] = shown
    return {name: _root(other, found) for name, other in found.items()}


def _is_shown(name: str, other: str, held: Mapping[str, _Held]) -> bool:
    ours, theirs = held[name], held[other]
    shared = tuple(sorted(ours.columns))
    # Most tables of the same columns hold other values, which is seen without looking at their rows.
    if not all(set(ours.texts(one)[:_TRIED]) <= set(theirs.texts(one)) for one in shared):
        return False
    mine, its = ours.rows(shared), theirs.rows(shared)
    is_same = mine == its and len(ours.columns) == len(theirs.columns) and ours.is_whole
    return mine <= its and (not is_same or _place(name) > _place(other))


def _place(name: str) -> tuple[bool, int, str]:
    """Tables before what is called like a view of them."""
    return _CALLED_VIEW.search(name) is not None, len(name), name


def _root(name: str, found: Mapping[str, str]) -> str:
    while name in found:
        name = found[name]
    return name
