"""The keys of a bucket: resolved from their references at each use, so that they can be rotated."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from plugins.core.errors import SmeltError
from plugins.core.settings import StorageSettings, remember, resolve


@dataclass(frozen=True)
class Keys:
    """An S3 key: its id, the secret, and the token if it is temporary. Its text shows none of them."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def keys_of(storage: StorageSettings, project_dir: Path, what: str) -> Keys | None:
    """The keys that the settings refer to, or those in `AWS_*`; None: there are none, or they aren't wanted.

    `what` names the settings in messages (`lake.storage`). Raises SmeltError for a reference that leads nowhere.
    """
    if storage.is_anonymous:
        return None
    if (storage.access_key is None) != (storage.secret_key is None):
        missing = "secret_key" if storage.secret_key is None else "access_key"
        raise SmeltError(f"{what}.{missing} is missing", "give access_key and secret_key, or neither")
    if storage.access_key is not None and storage.secret_key is not None:
        return Keys(
            resolve(storage.access_key, project_dir, f"{what}.access_key"),
            resolve(storage.secret_key, project_dir, f"{what}.secret_key"),
            _optional(storage.session_token, project_dir, f"{what}.session_token"),
        )
    found = [os.environ.get(f"AWS_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
    if not (found[0] and found[1]):
        return None
    for value in found:
        if value:
            remember(value)
    return Keys(found[0], found[1], found[2] or None)


def _optional(reference: str | None, project_dir: Path, what: str) -> str | None:
    return None if reference is None else resolve(reference, project_dir, what)
