"""The bytes of a segment: frames, each the messages that were made durable by one fsync, with a checksum.

    frame   = magic, length of the payload, CRC-32, first sequence number; payload
    payload = messages, each: lengths of its parts, time of receipt; stream, key, headers, body

A frame that was cut off by a crash was never answered. It is recognised by its checksum, and by nothing after it:
the next frame is written only when the one before is on disk, so a whole frame after a broken one means a damaged
disk. Checksums begin with a random seed of the spool's, so that no body can look like a frame.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAGIC = b"SmW1"
_FRAME = struct.Struct("<4sIIQ")
_MESSAGE = struct.Struct("<HHIIq")
_NO_KEY = 0xFFFF


@dataclass(frozen=True, slots=True)
class Message:
    """One accepted request.

    received: microseconds since 1970 (UTC). key: what tells a repetition, None if nothing does.
    headers: those that are kept, as a JSON object, or "".
    """

    stream: str
    key: str | None
    headers: str
    received: int
    body: bytes


class Damaged(Exception):
    """A segment has a broken frame that cannot be the trace of a crash; `offset` says where."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"at byte {offset:,}")
        self.offset = offset


@dataclass(frozen=True)
class Frame:
    """Messages, numbered from `first` on, that end in their segment before byte `end`."""

    first: int
    end: int
    messages: Sequence[Message]


def encode(first: int, messages: Sequence[Message], seed: int) -> bytes:
    """One frame."""
    parts = []
    for message in messages:
        stream, headers = message.stream.encode(), message.headers.encode()
        key = b"" if message.key is None else message.key.encode()
        size = _NO_KEY if message.key is None else len(key)
        parts += [
            _MESSAGE.pack(len(stream), size, len(headers), len(message.body), message.received),
            stream, key, headers, message.body,
        ]  # fmt: skip
    payload = b"".join(parts)
    return _FRAME.pack(MAGIC, len(payload), _checksum(first, payload, seed), first) + payload


def decode(segment: bytes, seed: int) -> Iterator[Frame]:
    """The whole frames of a segment; a torn tail is passed over. Raises Damaged if it is none."""
    offset = 0
    while (found := _frame_at(segment, offset, seed)) is not None:
        yield found
        offset = found.end
    if offset < len(segment) and _has_frame_after(segment, offset, seed):
        raise Damaged(offset)


def _checksum(first: int, payload: bytes, seed: int) -> int:
    return zlib.crc32(payload, zlib.crc32(first.to_bytes(8, "little"), seed))


def _frame_at(segment: bytes, offset: int, seed: int) -> Frame | None:
    start = offset + _FRAME.size
    if start > len(segment):
        return None
    magic, length, checksum, first = _FRAME.unpack_from(segment, offset)
    payload = segment[start : start + length]
    if magic != MAGIC or len(payload) != length or _checksum(first, payload, seed) != checksum:
        return None
    return Frame(first, start + length, list(_messages(payload)))


def _messages(payload: bytes) -> Iterator[Message]:
    at = 0
    while at < len(payload):
        stream, key, headers, body, received = _MESSAGE.unpack_from(payload, at)
        at += _MESSAGE.size
        texts = []
        for size in (stream, 0 if key == _NO_KEY else key, headers):
            texts.append(payload[at : at + size].decode())
            at += size
        yield Message(texts[0], None if key == _NO_KEY else texts[1], texts[2], received, payload[at : at + body])
        at += body


def _has_frame_after(segment: bytes, offset: int, seed: int) -> bool:
    while (offset := segment.find(MAGIC, offset + 1)) >= 0:
        if _frame_at(segment, offset, seed) is not None:
            return True
    return False
