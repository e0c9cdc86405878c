"""The receiver in a process of its own, that a test may kill."""

from __future__ import annotations

import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from plugins.core.settings import load_settings


def serve_hooks(project: str, ready: Connection, fills_bronze: bool, limit: int) -> None:
    """Serve the project's webhooks; their URL goes to `ready`. limit: no file may be longer, in bytes."""
    import resource

    from ingest.webhooks.server import serve

    if limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def tell(listening: Any) -> None:
        ready.send(listening.url)
        ready.close()

    serve(load_settings(Path(project)), (), fills_bronze=fills_bronze, on_start=tell)
