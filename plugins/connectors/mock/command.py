"""The mock as a command: it serves until it is interrupted, then says what it was asked."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from types import FrameType

from plugins.connectors.mock.api import Faults
from plugins.connectors.mock.labels import read_labels
from plugins.connectors.mock.server import Mock, serve


def run_mock(
    specification: Path,
    labels: Path,
    *,
    port: int = 0,
    records_per_stream: int = 137,
    seed: int = 1,
    faults: Faults | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; prints JSON lines: address and credentials first, what was asked last.

    Raises:
        SmeltError: if the specification or the labels can't be read, or don't fit each other.

    """
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        behaviour = read_labels(labels)
        with serve(specification, behaviour, records_per_stream, seed=seed, faults=faults, port=port) as mock:
            print(json.dumps(_introduction(mock)), flush=True)
            ended.wait()
            print(json.dumps(mock.held.as_dict()), flush=True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _introduction(mock: Mock) -> dict[str, object]:
    return {
        "url": mock.url,
        "token_url": mock.token_url,
        "headers": dict(mock.headers),
        "query": dict(mock.query),
        "client_id": mock.secrets.client_id,
        "client_secret": mock.secrets.client_secret,
        "refresh_token": mock.secrets.refresh_token,
    }
