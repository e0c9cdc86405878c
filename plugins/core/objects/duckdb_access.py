"""What a DuckDB connection needs to know to reach a bucket or web server: secrets that it keeps in memory only."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from plugins.core.duck import literal, load_extensions
from plugins.core.errors import SmeltError
from plugins.core.objects.certificates import trust
from plugins.core.objects.keys import keys_of
from plugins.core.objects.store import is_site, split_url
from plugins.core.settings import Settings, StorageSettings, resolve


def allow_lake(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Let `con` into the lake's bucket, with the keys as they are now; nothing to do for a local lake.

    The secret is temporary: DuckDB keeps it in memory only, and shows it redacted.
    """
    if "://" in settings.lake_root:
        allow_storage(con, settings.lake_root, settings.lake.storage, settings.project_dir, "lake.storage")


def allow_connection(con: duckdb.DuckDBPyConnection, settings: Settings, name: str) -> str:
    """Let `con` read the files of a connection, with its keys as they are now; returns the URL of the connection.

    Nothing to do for a folder. Raises SmeltError for what DuckDB can't reach by itself.
    """
    connection = settings.connection(name)
    what = f"connections.{name}"
    url = resolve(connection.url or "", settings.project_dir, f"{what}.url").rstrip("/")
    if "://" not in url:
        return url
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query:
        raise SmeltError(
            f"{what}.url has credentials or parameters in it, which would stand in every view",
            "leave them away; bearer_token or keys of `storage` are kept apart",
        )
    scheme, _, _ = split_url(url)
    if scheme not in ("s3", "s3a") and not is_site(url):
        raise SmeltError(
            f"{what}: files of {scheme}:// are not read in place",
            "load them (sync_mode: incremental), or reach the bucket by its S3 interface (url = s3://…, endpoint)",
        )
    allow_storage(con, url, connection.storage, settings.project_dir, f"{what}.storage")
    return url


def allow_storage(
    con: duckdb.DuckDBPyConnection, url: str, storage: StorageSettings, project_dir: Path, what: str
) -> None:
    """Let `con` read what is below `url`, a bucket on `s3://` or a web server. `what` names the settings."""
    load_extensions(con, ("httpfs",))
    if storage.ca_file:
        trust(con, project_dir / storage.ca_file, what)
    find = _of_site if is_site(url) else _of_bucket
    options = find(storage, project_dir, what)
    if not options:
        return
    pairs = ", ".join(f"{name} {literal(value)}" for name, value in options.items())
    # A process may have several lakes and sources, one after the other or at once: each has a secret of its own.
    name = f"smelt_{hashlib.sha256(f'{what} {url}'.encode()).hexdigest()[:12]}"
    kind = "http" if is_site(url) else "s3"
    try:
        con.execute(
            f"create or replace temporary secret {name} (type {kind}, scope {literal(url + '/')}, {pairs})"
        )
    except duckdb.Error as error:
        # Its own text may repeat the statement, and with it the keys.
        raise SmeltError(
            f"{what}: DuckDB takes no such settings ({type(error).__name__})", "check endpoint and region"
        ) from None


def _of_site(storage: StorageSettings, project_dir: Path, what: str) -> dict[str, str]:
    if storage.bearer_token is None:
        return {}
    return {"bearer_token": resolve(storage.bearer_token, project_dir, f"{what}.bearer_token")}


def _of_bucket(storage: StorageSettings, project_dir: Path, what: str) -> dict[str, str]:
    options = {"region": storage.region, "url_style": "path" if storage.is_path_style else "vhost"}
    if storage.endpoint:
        endpoint = urlsplit(storage.endpoint)
        options |= {
            "endpoint": endpoint.netloc + endpoint.path,
            "use_ssl": str(endpoint.scheme == "https").lower(),
        }
    if keys := keys_of(storage, project_dir, what):
        options |= {"key_id": keys.access_key, "secret": keys.secret_key}
        if keys.session_token:
            options["session_token"] = keys.session_token
    return options
