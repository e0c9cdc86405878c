"""Documents that are to be rows, each with its key, its place, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.extract.base import DeadLetter
from ingest.mongo.keys import UnfitKey, declared_key, key_text
from ingest.mongo.values import UnreadableDocument, decoded


@dataclass(frozen=True, slots=True)
class Change:
    """What the change stream says of an event.

    cluster_time: seconds and number, as text that sorts. committed: µs since 1970. session, number: of the
    transaction, if it was in one. update: what was changed, as JSON.
    """

    cluster_time: str | None = None
    committed: int | None = None
    session: str | None = None
    number: int | None = None
    update: str | None = None


UNCHANGED = Change()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of bronze. key: as its column has it; fields: without `_id`, none of a deletion. size: in bytes."""

    place: str
    op: str
    key: str | int
    fields: Mapping[str, Any]
    size: int
    change: Change = UNCHANGED


def key_of(value: Any, declared: Mapping[str, str]) -> str | int:
    """A key as its column has it. declared: types of columns. Raises UnfitKey."""
    return declared_key(value, declared["_id"]) if "_id" in declared else key_text(value)


def row_of(
    raw: bytes, place: str, op: str, declared: Mapping[str, str], change: Change = UNCHANGED, letter: str = ""
) -> Row | DeadLetter:
    """The row of a document, or why there is none. letter: its place among dead letters; default: `place`."""
    try:
        fields = decoded(raw)
        key = key_of(fields.pop("_id", None), declared)
    except (UnreadableDocument, UnfitKey) as error:
        return DeadLetter(str(error), letter or place, raw)
    return Row(place, op, key, fields, len(raw), change)
