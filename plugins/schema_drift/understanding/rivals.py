"""What else a change could be: the runners-up of each hypothesis, in what its own confidence leaves over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plugins.schema_drift.change import Kind
from plugins.schema_drift.table import Column

from .columns import Understood, recipe_odds
from .names import alike
from .pairing import Pair, type_likeness
from .recipes import Found
from .types import read_type

_MOST = 3
_LEAST_ALIKE = 0.25
Alternatives = tuple[tuple[str, float], ...]


def of_pair(known: Understood, pair: Pair, found: Found | None, kind: Kind, sure: float) -> Alternatives:
    """Of two columns that are one: other columns and other recipes that explain them too, else two changes."""
    weighed = [(f"{Kind.COLUMN_RENAMED} to {known.new.names[two]}", odds) for two, odds in pair.rivals]
    weighed += [
        (str(other.recipe.kind or Kind.TYPE_CHANGED), recipe_odds(other) - 2.0)
        for other in known.rivals.get(pair.old, ())
        if not found or other.recipe.text != found.recipe.text
    ]
    if kind is Kind.COLUMN_RENAMED:
        weighed.append((str(Kind.COLUMN_REMOVED), 0.0))
    elif kind in (Kind.UNIT_CHANGED, Kind.FORMAT_CHANGED, Kind.VALUES_RENAMED):
        weighed.append((str(Kind.MEANING_CHANGED), 0.0))
    return shared_out(weighed, sure)


def of_left_over(column: Column, others: Sequence[Column], sure: float) -> Alternatives:
    """Of a column that came or went: a rename of (or to) the likeliest of those that went or came."""
    if not others:
        return ()
    types = [type_likeness(read_type(column.type), read_type(other.type)) for other in others]
    score = alike([column.name], [other.name for other in others])[0] * np.array(types)
    best = int(score.argmax())
    if score[best] < _LEAST_ALIKE:
        return ()
    return shared_out([(f"{Kind.COLUMN_RENAMED} ({others[best].name})", 0.0)], sure)


def shared_out(weighed: Sequence[tuple[str, float]], sure: float) -> Alternatives:
    """What `sure` leaves over, among names by their log-odds; likeliest first, each name once."""
    best: dict[str, float] = {}
    for name, odds in weighed:
        best[name] = max(odds, best.get(name, -np.inf))
    ordered = sorted(best.items(), key=lambda one: -one[1])[:_MOST]
    if not ordered or sure >= 1:
        return ()
    weights = np.exp([min(odds, 20.0) - min(ordered[0][1], 20.0) for _, odds in ordered])
    parts = (1 - sure) * weights / weights.sum()
    return tuple((name, round(float(part), 3)) for (name, _), part in zip(ordered, parts, strict=True))
