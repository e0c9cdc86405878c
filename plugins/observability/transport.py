"""Where events go: a file always, an endpoint if one is configured and answers in time."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openlineage.client.event_v2 import RunEvent
from openlineage.client.serde import Serde

from plugins.core.settings import Settings, mask, resolve

Event = dict[str, Any]

# An endpoint that failed is left alone for this long, so that one command pays for it once and not by run.
_REST_SECONDS = 60.0
_given_up: dict[str, float] = {}


def plain(events: Sequence[RunEvent]) -> list[Event]:
    """The events as JSON values, with secrets masked in every text.

    Masked by text and not by line: what is masked may reach up to the next blank, across a closing quote.
    """
    return [_masked(Serde.to_dict(event)) for event in events]


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _masked(part) for key, part in value.items()}
    return [_masked(part) for part in value] if isinstance(value, list) else value


def append(settings: Settings, events: Sequence[Event]) -> None:
    """Append the events as lines; all in one write, so that lines of several processes don't mix."""
    if not settings.openlineage.file or not events:
        return
    path = Path(settings.openlineage.file.replace("{root}", str(settings.local_root)))
    path = path if path.is_absolute() else settings.project_dir / path
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(event, sort_keys=True) + "\n" for event in events).encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, lines)
    finally:
        os.close(descriptor)


@dataclass
class _Delivery:
    """How far the worker came; read by the caller once the budget is spent."""

    sent: int = 0
    failure: str = ""


def send(settings: Settings, events: Sequence[Event]) -> str | None:
    """Send the events, within the budget of `timeout_seconds` for all; returns what was not sent, if anything.

    The first failure ends the attempt, and the next ones for a minute: an endpoint that is down for one
    event is down for all.
    """
    endpoint, budget = settings.openlineage.endpoint, settings.openlineage.timeout_seconds
    if not endpoint or not events:
        return None
    if time.monotonic() - _given_up.get(endpoint, -_REST_SECONDS) < _REST_SECONDS:
        return _unsent(settings, len(events), len(events), "it failed a moment ago")
    delivery = _Delivery()
    # A thread that may be left behind: a server that dribbles its answer holds a read beyond any timeout.
    worker = threading.Thread(target=_post_all, args=(settings, events, delivery), daemon=True)
    worker.start()
    worker.join(budget)
    left = len(events) - delivery.sent
    if not left:
        return None
    _given_up[endpoint] = time.monotonic()
    return _unsent(settings, left, len(events), delivery.failure or f"no answer within {budget:g} s")


def _unsent(settings: Settings, left: int, total: int, reason: str) -> str:
    kept = "; the file has them" if settings.openlineage.file else ""
    return mask(f"{left} of {total} lineage events were not sent ({reason}){kept}")


def _post_all(settings: Settings, events: Sequence[Event], delivery: _Delivery) -> None:
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

    logging.getLogger("openlineage.client").setLevel(logging.CRITICAL)
    options = settings.openlineage
    deadline = time.monotonic() + options.timeout_seconds
    try:
        # The budget is the caller's to watch, who says of a silent endpoint what the client would not.
        timeout = 2 * options.timeout_seconds
        config = HttpConfig(url=options.endpoint or "", timeout=timeout, retry={"total": 0})
        if options.api_key:
            key = resolve(options.api_key, settings.project_dir, "openlineage.api_key")
            config.auth = ApiKeyTokenProvider({"apiKey": key})
        transport = HttpTransport(config)
        for event in events:
            if time.monotonic() > deadline:
                return
            transport.emit(event)  # pyright: ignore[reportArgumentType] - it serialises dicts as well
            delivery.sent += 1
    except Exception as error:  # noqa: BLE001 - whatever the endpoint does, the run goes on
        delivery.failure = " ".join(str(error).split())[:200] or type(error).__name__
