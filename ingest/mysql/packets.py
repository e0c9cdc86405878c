"""Bytes from a server → packets of its protocol, many at once.

https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
"""

from __future__ import annotations

from collections.abc import Iterator

_LONGEST = 0xFFFFFF


class Packets:
    """Takes bytes as they come; gives the packets that are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._parts: list[bytes] = []

    def take(self, received: bytes) -> Iterator[bytes]:
        """The packets that are whole now; what is left waits for more."""
        buffer, at = self._buffer, 0
        buffer += received
        while len(buffer) - at >= 4:
            size = int.from_bytes(buffer[at : at + 3], "little")
            end = at + 4 + size
            if end > len(buffer):
                break
            packet, at = bytes(buffer[at + 4 : end]), end
            if self._parts or size == _LONGEST:
                # Longer ones come in several, the last of which is shorter.
                self._parts.append(packet)
                if size == _LONGEST:
                    continue
                packet = b"".join(self._parts)
                self._parts = []
            yield packet
        del buffer[:at]
