"""Which records a filter by the time of change leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from plugins.connectors.mock.labels import Cursor, Stream


class BadFilter(ValueError):
    """The value of a filter is neither a time nor a number."""


def changed_since(stream: Stream, records: list[Any], query: Mapping[str, str]) -> list[Any]:
    """The records whose field is not less than what the query gives, for each cursor parameter that it has.

    Raises:
        BadFilter: if a value is neither a time (ISO 8601, or seconds since 1970) nor a number.

    """
    for cursor in (stream.cursor, *stream.also.cursor):
        if cursor is not None and cursor.parameter and query.get(cursor.parameter):
            records = _since(records, cursor, query[cursor.parameter])
    return records


def _since(records: list[Any], cursor: Cursor, given: str) -> list[Any]:
    wanted = _order(given)
    if wanted is None:
        raise BadFilter(f"{cursor.parameter} has to be a time or a number")
    return [record for record in records if (_order(_field(record, cursor.field)) or 0.0) >= wanted]


def _order(value: Any) -> float | None:
    """A time as seconds since 1970, a number as it is."""
    text = str(value).strip()
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _field(record: Any, name: str) -> Any:
    for key in name.split("."):
        record = record.get(key) if isinstance(record, Mapping) else None
    return record
