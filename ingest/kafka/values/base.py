"""What every format gives: parts of rows that share their columns, and messages that can't be read."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb
import pyarrow as pa

from ingest.extract.base import DeadLetter

# The relation that a decoder's SQL reads: the columns of MESSAGE_SCHEMA.
MESSAGES = "smelt_messages"


@dataclass(frozen=True)
class Part:
    """Rows of `relation` (a table expression) with the columns of the source as SQL, each with its name.

    relation has the columns of MESSAGE_SCHEMA. extra: SQL of a JSON object of what has no column; letters:
    messages that can't be read, told by a part of their own.
    """

    relation: str
    columns: Sequence[str] = ()
    extra: str = "null::varchar"
    letters: Sequence[DeadLetter] = ()


class Decoder(Protocol):
    """Reads the values of one format."""

    def parts(
        self, con: duckdb.DuckDBPyConnection, messages: pa.Table, known: Mapping[str, Sequence[str]]
    ) -> Generator[Part, int]:
        """Parts of `messages`, none of which is a tombstone; each is consumed before the next is asked for.

        How many rows were written of a part is sent; what DuckDB says of one that it can't read is thrown, and
        nothing of it was written.

        known: DuckDB types of the table's columns by the source's name, all versions of a column. Raises Transient
        if a schema can't be had now.
        """
        ...


def letters(messages: pa.Table, reason: Callable[[int], str]) -> list[DeadLetter]:
    """Dead letters of all `messages`; reason: by their place."""
    rows = zip(
        messages["_smelt_partition"].to_pylist(),
        messages["_smelt_offset"].to_pylist(),
        messages["smelt_value"].to_pylist(),
        strict=True,
    )
    return [
        # The letter of a message that is read again must be the same, byte for byte.
        DeadLetter(reason(n), f"{partition}/{offset}", value.encode() if isinstance(value, str) else value)
        for n, (partition, offset, value) in enumerate(rows)
    ]
