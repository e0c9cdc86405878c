"""The secrets of a stream, looked up again and again: one that is replaced in its file works without a restart."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ingest.spec import SourceSpec
from ingest.spec.webhook import WebhookSpec
from ingest.webhooks.signatures import secret_bytes
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, resolve

_LOOK_SECONDS = 1.0


class SecretRing:
    """All secrets that a stream accepts. Raises SmeltError if there are none, or one is not there at the start."""

    def __init__(self, settings: Settings, source: SourceSpec, webhook: WebhookSpec) -> None:
        self._settings, self._connection = settings, source.connection
        held = settings.connection(source.connection).secrets
        unknown = [name for name in webhook.secrets if name not in held]
        if unknown or not held:
            wanted = unknown[0] if unknown else "current"
            raise SmeltError(
                f"{source.name}: connections.{source.connection}.secrets has no {wanted}",
                f'add {wanted} = "env:NAME" to [connections.{source.connection}.secrets] in smelt.toml; '
                "unsigned webhooks are not accepted",
            )
        self._references = {name: held[name] for name in webhook.secrets or held}
        self._secrets = self._resolved()
        self._looked = time.monotonic()

    def secrets(self) -> Sequence[bytes]:
        """The keys that signatures are checked with now."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            try:
                self._secrets = self._resolved()
            except SmeltError:
                # A file that is just being replaced: those that we know go on to be right.
                return self._secrets
        return self._secrets

    def _resolved(self) -> list[bytes]:
        found = []
        for name, reference in self._references.items():
            what = f"connections.{self._connection}.secrets.{name}"
            secret = resolve(reference, self._settings.project_dir, what)
            if not secret:
                raise SmeltError(f"{what} is empty", "write the secret to where it refers to")
            try:
                found.append(secret_bytes(secret))
            except ValueError as error:
                raise SmeltError(
                    f"{what} cannot be read: {error}", "copy it from the sender as a whole"
                ) from error
        return found
