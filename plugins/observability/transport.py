"""Where events go: a file always, an endpoint if one is configured and answers in time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from openlineage.client.event_v2 import RunEvent
from openlineage.client.serde import Serde

from plugins.core.settings import Settings, mask, resolve


def append(settings: Settings, events: Sequence[RunEvent]) -> None:
    """Append the events as lines; all in one write, so that lines of several processes don't mix."""
    if not settings.openlineage.file or not events:
        return
    path = Path(settings.openlineage.file.replace("{root}", str(settings.local_root)))
    path = path if path.is_absolute() else settings.project_dir / path
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(mask(Serde.to_json(event)) + "\n" for event in events).encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, lines)
    finally:
        os.close(descriptor)


def send(settings: Settings, events: Sequence[RunEvent]) -> str | None:
    """Send the events, within the budget of `timeout_seconds` for all; returns what was not sent, if anything.

    The first failure ends the attempt: an endpoint that is down for one event is down for all.
    """
    if not settings.openlineage.endpoint or not events:
        return None
    budget = settings.openlineage.timeout_seconds
    sent, failure = [0], [""]
    worker = threading.Thread(target=_post_all, args=(settings, events, budget, sent, failure), daemon=True)
    worker.start()
    worker.join(budget)
    if sent[0] == len(events):
        return None
    reason = failure[0] or f"no answer within {budget:g} s"
    kept = "; the file has them" if settings.openlineage.file else ""
    return mask(f"{len(events) - sent[0]} of {len(events)} lineage events were not sent ({reason}){kept}")


def _post_all(
    settings: Settings, events: Sequence[RunEvent], budget: float, sent: list[int], failure: list[str]
) -> None:
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

    logging.getLogger("openlineage.client").setLevel(logging.CRITICAL)
    deadline = time.monotonic() + budget
    options = settings.openlineage
    config = HttpConfig(url=options.endpoint or "", timeout=budget, retry={"total": 0})
    if options.api_key:
        key = resolve(options.api_key, settings.project_dir, "openlineage.api_key")
        config.auth = ApiKeyTokenProvider({"apiKey": key})
    transport = HttpTransport(config)
    for event in events:
        if time.monotonic() > deadline:
            return
        try:
            transport.emit(event)
        except Exception as error:  # noqa: BLE001 - whatever the endpoint does, the run goes on
            failure[0] = " ".join(str(error).split())[:200] or type(error).__name__
            return
        sent[0] += 1
