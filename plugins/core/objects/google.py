"""Google Cloud Storage: a service account's key, and tokens that it signs."""

from __future__ import annotations

import json
import time
from pathlib import Path

from plugins.core.errors import SmeltError
from plugins.core.settings import StorageSettings, remember, resolve

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_LASTS_SECONDS = 3600


def service_account_of(storage: StorageSettings, project_dir: Path, what: str) -> str | None:
    """The JSON key of the service account; None: none is named. Raises SmeltError if it is no such key."""
    if storage.service_account is None:
        return None
    key = resolve(storage.service_account, project_dir, f"{what}.service_account")
    try:
        remember(json.loads(key)["private_key"])
    except (ValueError, KeyError, TypeError) as error:
        raise SmeltError(
            f"{what}.service_account is no JSON key of a service account",
            "download one from the Google Cloud console, or leave it away to use the machine's own",
        ) from error
    return key


def token_of(key: str, what: str) -> str:
    """A token to read with for an hour, which the key itself signs (https://google.aip.dev/auth/4111)."""
    from google.auth import crypt, jwt

    told = json.loads(key)
    try:
        signer = crypt.RSASigner.from_service_account_info(told)
        now = int(time.time())
        who = {"iss": told["client_email"], "sub": told["client_email"]}
        signed = jwt.encode(signer, {**who, "scope": _SCOPE, "iat": now, "exp": now + _LASTS_SECONDS})
    except (ValueError, KeyError) as error:
        # Its own text may have parts of the key.
        raise SmeltError(
            f"{what}.service_account signs no token ({type(error).__name__})",
            "download a new key from the Google Cloud console",
        ) from None
    token = signed.decode()
    remember(token)
    return token
