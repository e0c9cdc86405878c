"""Messages, as the client hands them out → columns, by topic.

Per message nothing runs but the client's own getters, mapped in C: this is the one thread that reads.
"""

from __future__ import annotations

import gc
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

# Columns of a table of messages. smelt_value: null is a tombstone.
MESSAGE_SCHEMA = pa.schema(
    [
        ("_smelt_partition", pa.int32()),
        ("_smelt_offset", pa.int64()),
        ("_smelt_timestamp", pa.timestamp("us", tz="UTC")),
        ("_smelt_key", pa.large_binary()),
        ("_smelt_headers", pa.string()),
        ("smelt_value", pa.large_binary()),
    ]
)


@dataclass(frozen=True)
class Chunk:
    """Messages of one topic. reached: the offset after the last message of each partition."""

    topic: str
    table: pa.Table
    reached: dict[int, int]


@dataclass(frozen=True)
class Taken:
    """What one call of the client gave: messages; (topic, partition, offset) of ends; errors."""

    chunks: list[Chunk] = field(default_factory=list)
    ends: list[tuple[str, int, int]] = field(default_factory=list)
    errors: list[tuple[str | None, int | None, KafkaError]] = field(default_factory=list)


@contextmanager
def uncollected() -> Iterator[None]:
    """No cycles are looked for meanwhile: messages have none, and looking takes a third of the time of reading."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def gathered(messages: Sequence[Message]) -> Taken:
    """`messages` as tables by topic, in the order in which they came."""
    from confluent_kafka import KafkaError, Message

    taken = Taken()
    if any(map(Message.error, messages)):
        for told in messages:
            if (error := told.error()) is None:
                continue
            topic, partition = told.topic(), told.partition()
            if error.code() == KafkaError._PARTITION_EOF and topic is not None and partition is not None:
                taken.ends.append((topic, partition, told.offset() or 0))
            else:
                taken.errors.append((topic, partition, error))
        messages = [told for told in messages if told.error() is None]
    for topic, part in _by_topic(messages):
        table = _table(part)
        taken.chunks.append(Chunk(topic, table, reached(table)))
    return taken


def reached(table: pa.Table) -> dict[int, int]:
    """The offset after the last message of each partition."""
    partitions, offsets = _numbers(table)
    return {int(p): int(offsets[partitions == p].max()) + 1 for p in np.unique(partitions)}


def within(chunk: Chunk, first: dict[int, int], end: dict[int, int]) -> Chunk:
    """The messages of `chunk` that are neither before `first` of their partition nor from `end` on."""
    partitions, offsets = _numbers(chunk.table)
    kept = np.ones(len(partitions), bool)
    for p in chunk.reached:
        of = partitions == p
        kept[of] = (offsets[of] >= first.get(p, 0)) & (offsets[of] < end.get(p, np.iinfo(np.int64).max))
    if kept.all():
        return chunk
    table = chunk.table.filter(pa.array(kept))
    return Chunk(chunk.topic, table, reached(table))


def _numbers(table: pa.Table) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    return table["_smelt_partition"].to_numpy(), table["_smelt_offset"].to_numpy()


def _by_topic(messages: Sequence[Message]) -> Iterator[tuple[str, Sequence[Message]]]:
    from confluent_kafka import Message

    topics = set(map(Message.topic, messages))
    if len(topics) == 1:
        yield str(topics.pop()), messages
        return
    parts: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        parts[str(message.topic())].append(message)
    yield from parts.items()


def _table(messages: Sequence[Message]) -> pa.Table:
    from confluent_kafka import Message

    count = len(messages)
    times = np.fromiter((time for _kind, time in map(Message.timestamp, messages)), np.int64, count)
    columns = [
        pa.array(np.fromiter(map(Message.partition, messages), np.int32, count)),  # type: ignore[arg-type]
        pa.array(np.fromiter(map(Message.offset, messages), np.int64, count)),  # type: ignore[arg-type]
        # In milliseconds; -1 where there is none.
        pa.array(times * 1000, mask=times < 0).cast(pa.timestamp("us", tz="UTC")),
        _binary(list(map(Message.key, messages))),
        _headers(list(map(Message.headers, messages))),
        _binary(list(map(Message.value, messages))),
    ]
    return pa.Table.from_arrays(columns, schema=MESSAGE_SCHEMA)


def _binary(values: list[bytes | None]) -> pa.Array:
    """As `pa.array`, in a third of its time: the bytes are joined once."""
    if None in values:
        return pa.array(values, pa.large_binary())
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=offsets[1:])  # type: ignore[arg-type]
    data = b"".join(values)  # type: ignore[arg-type]
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )


def _headers(found: Sequence[Any]) -> pa.Array:
    """JSON lists of [name, value] in their order, null where there is none."""
    if not any(found):
        return pa.nulls(len(found), pa.string())
    return pa.array(
        [json.dumps([[name, as_text(value)] for name, value in pairs], ensure_ascii=False) if pairs else None
         for pairs in found],
        pa.string(),
    )  # fmt: skip


def as_text(value: bytes | str | None) -> str | None:
    r"""Bytes as UTF-8 text; what is none as `\x` and hexadecimal digits."""
    if value is None or isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"\\x{value.hex()}"
