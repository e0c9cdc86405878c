"""What a DuckDB connection needs to know to read and write a lake in a bucket."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import duckdb

from plugins.core.duck import literal, load_extensions
from plugins.core.errors import SmeltError
from plugins.core.objects.keys import keys_of
from plugins.core.settings import Settings

_WHAT = "lake.storage"


def allow_lake(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Let `con` into the lake's bucket, with the keys as they are now; nothing to do for a local lake.

    The secret is temporary: DuckDB keeps it in memory only, and shows it redacted.
    """
    if "://" not in settings.lake_root:
        return
    load_extensions(con, ("httpfs",))
    if settings.lake.storage.ca_file:
        con.execute(f"set ca_cert_file = {literal(str(settings.project_dir / settings.lake.storage.ca_file))}")
    statement = _statement(settings)
    try:
        con.execute(statement)
    except duckdb.Error as error:
        # Its own text may repeat the statement, and with it the keys.
        raise SmeltError(
            f"{_WHAT}: DuckDB takes no such S3 settings ({type(error).__name__})", "check endpoint and region"
        ) from None


def _statement(settings: Settings) -> str:
    storage = settings.lake.storage
    options = {"scope": settings.lake_root + "/", "region": storage.region}
    options["url_style"] = "path" if storage.is_path_style else "vhost"
    if storage.endpoint:
        endpoint = urlsplit(storage.endpoint)
        options |= {
            "endpoint": endpoint.netloc + endpoint.path,
            "use_ssl": str(endpoint.scheme == "https").lower(),
        }
    if keys := keys_of(storage, settings.project_dir, _WHAT):
        options |= {"key_id": keys.access_key, "secret": keys.secret_key}
        if keys.session_token:
            options["session_token"] = keys.session_token
    pairs = ", ".join(f"{name} {literal(value)}" for name, value in options.items())
    # A process may have several lakes, one after the other or at once: each has a secret of its own.
    name = f"smelt_{hashlib.sha256(settings.lake_root.encode()).hexdigest()[:12]}"
    return f"create or replace temporary secret {name} (type s3, {pairs})"
