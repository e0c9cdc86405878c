"""Which columns JSON objects have, and in which types they land: pure rules over what was seen in them.

Whole numbers go to a `bigint` column, those with decimals to a `double`; text, and what is nested, to `varchar`.
What a table has already decides first, so that a column's type doesn't change with what a batch happens to hold:
numbers go to the `double` column that is there, and text beside numbers begins the column's next version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# What DuckDB's json_type says, as the kinds that are told apart here.
_KINDS = {"UBIGINT": "int", "BIGINT": "int", "DOUBLE": "number", "BOOLEAN": "bool", "NULL": "null"}
_INTS = {"integer", "bigint"}
_NUMBERS = {"float", "double"}
# More would be names of things, not of columns: what is beyond goes to `_smelt_extra`.
MOST_COLUMNS = 1_000


@dataclass(frozen=True)
class Signature:
    """What objects have in common: their keys in order, and json_type of each."""

    keys: tuple[str, ...]
    types: tuple[str, ...]

    def kinds(self) -> Mapping[str, str]:
        """Kind of each key: int, number, bool, text or null."""
        return {key: _KINDS.get(kind, "text") for key, kind in zip(self.keys, self.types, strict=True)}


@dataclass(frozen=True)
class Fields:
    """Columns of some objects. types: DuckDB type by key; extra: keys that have no column."""

    types: Mapping[str, str]
    extra: tuple[str, ...] = ()


def split_keys(keys: Iterable[str], known: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Keys that become columns, and those that can't: Smelt's own names, the same but for case, too many."""
    columns: list[str] = []
    others: list[str] = []
    taken: dict[str, str] = {name.lower(): name for name in known}
    for key in keys:
        lowered = key.lower()
        is_free = taken.setdefault(lowered, key) == key
        if not key or not is_free or lowered.startswith(("_smelt_", "smelt_")) or len(columns) >= MOST_COLUMNS:
            others.append(key)
        else:
            columns.append(key)
    return columns, others


def landing_type(kind: str, kinds: set[str], known: Sequence[str]) -> str:
    """The type in which values of `kind` of one key land. kinds: all of the batch; known: types in the table."""
    has = set(known)
    if kind == "text" or not (has or len(kinds - {"int", "number"}) == 0 or kinds == {"bool"}):
        return "varchar"
    if kind == "bool":
        return "boolean" if "boolean" in has or "varchar" not in has else "varchar"
    if has & _NUMBERS or ("number" in kinds and not (has & _INTS or "varchar" in has)):
        return "double"
    if kind == "int":
        return "bigint" if has & _INTS or "varchar" not in has else "varchar"
    return "varchar" if "varchar" in has and not has & _INTS else "double"


def landings(
    signatures: Iterable[Signature], known: Mapping[str, Sequence[str]]
) -> Mapping[str, Mapping[str, str]]:
    """Type by kind by key, over all `signatures` of a batch; a key that is only ever null is left out."""
    kinds: dict[str, set[str]] = {}
    for signature in signatures:
        for key, kind in signature.kinds().items():
            kinds.setdefault(key, set())
            if kind != "null":
                kinds[key].add(kind)
    return {
        key: {kind: landing_type(kind, found, known.get(key, ())) for kind in found}
        for key, found in kinds.items()
    }


def repeated_key(keys: Sequence[str]) -> str | None:
    """A key that stands twice in an object: which of its values is meant can't be known."""
    seen: set[str] = set()
    return next((key for key in keys if key in seen or seen.add(key)), None)


def path(key: str) -> str:
    """JSON pointer to a key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def structure(types: Mapping[str, str]) -> str:
    """The structure that from_json takes."""
    # Beyond bigint, from_json would give null without a word: wider numbers are cast, which fails.
    return json.dumps({key: "HUGEINT" if kind == "bigint" else kind.upper() for key, kind in types.items()})
