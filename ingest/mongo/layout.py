"""In which column, of which type, the values of a field land: pure rules over the kinds that were seen.

As for JSON messages, what a table has already decides first, so that a column's type doesn't change with what a
batch happens to hold. Values of another type begin the column's next version; in a column of text all have room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

_NUMERIC = {"int", "long", "number"}
_TYPES = {"bool": "boolean", "date": "timestamptz", "binary": "blob", "text": "varchar"}
_INTS, _DOUBLES = {"integer", "bigint"}, {"float", "double"}


def landing_type(kind: str, kinds: set[str], known: Sequence[str]) -> str:
    """The type in which values of `kind` land. kinds: all of the batch; known: types of the table's versions."""
    has = set(known)
    if not has:
        return _new_type(kind, kinds)
    if kind in _NUMERIC:
        return _number_type(kind, has)
    wanted = _TYPES[kind]
    return wanted if wanted in has or "varchar" not in has else "varchar"


def _new_type(kind: str, kinds: set[str]) -> str:
    if kinds <= _NUMERIC:
        if kind == "number" or (kind == "int" and "number" in kinds):
            return "double"
        return "bigint"
    return _TYPES[kind] if kinds == {kind} else "varchar"


def _number_type(kind: str, has: set[str]) -> str:
    if kind != "long" and has & _DOUBLES:
        return "double"
    if kind == "number":
        return "varchar" if "varchar" in has and not has & _INTS else "double"
    return "varchar" if "varchar" in has and not has & _INTS else "bigint"


def landings(kinds: Mapping[str, set[str]], known: Mapping[str, Sequence[str]]) -> Mapping[str, Mapping[str, str]]:
    """Type by kind by field; a field that is only ever null is left out."""
    found = {}
    for name, seen in kinds.items():
        landing = seen - {"null", "unfit"}
        if landing:
            found[name] = {kind: landing_type(kind, landing, known.get(name, ())) for kind in landing}
    return found


def varied(types: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Fields whose values land in several columns."""
    return [name for name, by_kind in types.items() if len(set(by_kind.values())) > 1]


def single(types: Mapping[str, Mapping[str, str]], counts: Mapping[str, Counter[str]]) -> Mapping[str, str]:
    """One type for each field: that in which most of its values land. counts: values by kind."""
    chosen = {}
    for name, by_kind in types.items():
        votes: Counter[str] = Counter()
        for kind, kind_type in by_kind.items():
            votes[kind_type] += counts[name][kind]
        chosen[name] = max(sorted(votes), key=lambda kind_type: votes[kind_type])
    return chosen


def most_common(groups: Iterable[tuple[str, ...]], most: int) -> list[tuple[str, ...]]:
    """The combinations of types that most rows have, at most so many."""
    return [group for group, _ in Counter(groups).most_common(most)]
