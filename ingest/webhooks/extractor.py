"""What `smelt doctor` asks of a source of webhooks; nothing can be pulled from one."""

from __future__ import annotations

import os

from filelock import Timeout

from ingest.extract.base import Pull, PullRequest
from ingest.spec import SourceSpec, WebhookSpec
from ingest.webhooks.secrets import SecretRing
from ingest.webhooks.spool import Spool, spool_of
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings


class WebhooksExtractor:
    """Looks at secrets and spool."""

    def pull(self, request: PullRequest) -> Pull:
        """Raises SmeltError: webhooks come by themselves."""
        raise SmeltError(f"{request.source.name}: webhooks are received, not pulled", "run `smelt webhooks serve`")

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """Whether it is received, and how much waits for bronze. Raises SmeltError if nothing can be accepted."""
        for stream in source.streams:
            SecretRing(settings, source, stream.webhook or WebhookSpec.model_validate({}))
        spool = spool_of(settings, source)
        if not spool.exists():
            return "nothing received yet; `smelt webhooks serve` receives"
        disk = os.statvfs(spool.folder)
        if disk.f_bavail * disk.f_frsize < source.webhooks.keep_free:
            raise SmeltError(
                f"{spool.folder}: the disk is full: senders are told to come back later",
                "make room, or lower webhooks.keep_free in source.yml",
            )
        waiting = spool.waiting_bytes()
        if waiting > source.webhooks.max_spool:
            raise SmeltError(
                f"{waiting:,} bytes wait for bronze: senders are told to come back later",
                "run `smelt ingest`, or look at what `smelt webhooks serve` says",
            )
        state = "received now" if _is_received(spool) else "not received now"
        return f"{state}; {spool.committed:,} messages in bronze, {waiting:,} bytes wait"


def _is_received(spool: Spool) -> bool:
    try:
        with spool.server_lock:
            return False
    except Timeout:
        return True
