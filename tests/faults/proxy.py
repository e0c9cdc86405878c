"""A TCP proxy in front of a server: cuts, refuses, delays and trickles what goes through it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field

_PIECE = 16 * 1024
# Closed with a reset, as a firewall that forgot the connection does.
_RESET = struct.pack("ii", 1, 0)


@dataclass
class Proxy:
    """Listens on `port` of the loopback and passes on to `upstream`, which may change.

    latency: seconds that each piece waits. rate: bytes a second and direction; 0: as fast as it goes.
    moved: bytes that went through, both ways; refused: connections that were not let in.
    """

    upstream: int = 0
    latency: float = 0.0
    rate: float = 0.0
    moved: int = 0
    refused: int = 0
    port: int = 0
    _is_refusing: bool = False
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def cut(self, *, with_reset: bool) -> int:
        """Cut all connections; returns how many there were."""
        return asyncio.run_coroutine_threadsafe(self._cut(with_reset), self._loop).result(10)

    def refuse(self, *, with_reset: bool) -> int:
        """Cut all connections and let none in, until `admit`; returns how many there were."""
        self._is_refusing = True
        return self.cut(with_reset=with_reset)

    def admit(self) -> None:
        """Be a good network again."""
        self._is_refusing, self.latency, self.rate = False, 0.0, 0.0

    def close(self) -> None:
        self.refuse(with_reset=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._listening.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._pass, sock=self._listening))
        self._loop.run_forever()

    async def _cut(self, with_reset: bool) -> int:
        count = len(self._writers) // 2
        for writer in list(self._writers):
            handle = writer.get_extra_info("socket")
            if with_reset and handle is not None:
                with contextlib.suppress(OSError):
                    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        return count

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_refusing:
            self.refused += 1
            writer.transport.abort()
            return
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, upstream[1]}
        self._writers |= ends
        try:
            await asyncio.gather(self._pump(reader, upstream[1]), self._pump(upstream[0], writer))
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE):
                if self.latency:
                    await asyncio.sleep(self.latency)
                if self.rate:
                    await asyncio.sleep(len(data) / self.rate)
                writer.write(data)
                await writer.drain()
                self.moved += len(data)
            writer.write_eof()
