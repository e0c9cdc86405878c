"""A receiver of `python -m bench webhooks` in a process of its own.

usage: python -m bench.webhooks_workers bare|smelt PROJECT      (prints its URL; ends with standard input)
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

from ingest.webhooks import server
from ingest.webhooks.frames import Message
from ingest.webhooks.server import Listening
from plugins.core.settings import load_settings


class _NoJournal:
    """Accepts everything at once and keeps nothing."""

    refusal = None

    def __init__(self, *_: object) -> None:
        pass

    def __class_getitem__(cls, _: object) -> type[_NoJournal]:
        return cls

    def offer(self, _message: Message, waiter: asyncio.Future[None]) -> None:
        waiter.set_result(None)

    def close(self) -> None:
        pass


def main(kind: str, project: str) -> None:
    """Serve until standard input ends."""
    if kind == "bare":
        server.Journal = _NoJournal  # type: ignore[misc, assignment]

    def tell(listening: Listening) -> None:
        print(listening.url, flush=True)

    threading.Thread(target=_end_with_input, daemon=True).start()
    server.serve(load_settings(Path(project)), (), fills_bronze=kind == "filling", on_start=tell)


def _end_with_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
