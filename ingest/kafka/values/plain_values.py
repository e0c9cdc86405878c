"""Values that are text or bytes: one column `value`."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from ingest.kafka.values.base import MESSAGES, Part, letters


@dataclass(frozen=True)
class BytesDecoder:
    """Values as they are."""

    def parts(
        self, con: duckdb.DuckDBPyConnection, messages: pa.Table, known: Mapping[str, Sequence[str]]
    ) -> Generator[Part, int]:
        """One part."""
        con.register(MESSAGES, messages)
        yield Part(MESSAGES, ["smelt_value as value"])


@dataclass(frozen=True)
class TextDecoder:
    """Values in UTF-8."""

    def parts(
        self, con: duckdb.DuckDBPyConnection, messages: pa.Table, known: Mapping[str, Sequence[str]]
    ) -> Generator[Part, int]:
        """One part, and what isn't UTF-8."""
        readable, refused = as_utf8(messages)
        if refused.num_rows:
            yield Part("", letters=letters(refused, lambda _n: "not UTF-8"))
        con.register(MESSAGES, readable)
        yield Part(MESSAGES, ["smelt_value as value"])


def as_utf8(messages: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Messages with their values as text, and those whose values are none."""
    place = messages.schema.get_field_index("smelt_value")
    try:
        text = messages["smelt_value"].cast(pa.large_string())
    except pa.ArrowInvalid:
        is_text = [_is_text(value) for value in messages["smelt_value"].to_pylist()]
        readable, _ = as_utf8(messages.filter(pa.array(is_text)))
        return readable, messages.filter(pa.array([not found for found in is_text]))
    return messages.set_column(place, "smelt_value", text), messages.slice(0, 0)


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
