"""What a DuckDB connection needs to know to reach a bucket or web server: secrets that it keeps in memory only."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from plugins.core.duck import literal, load_extensions
from plugins.core.errors import SmeltError
from plugins.core.objects.certificates import trust
from plugins.core.objects.google import service_account_of, token_of
from plugins.core.objects.keys import keys_of
from plugins.core.objects.store import split_url
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
    allow_storage(con, url, connection.storage, settings.project_dir, f"{what}.storage")
    return url


def allow_storage(
    con: duckdb.DuckDBPyConnection, url: str, storage: StorageSettings, project_dir: Path, what: str
) -> None:
    """Let `con` read what is below `url`, a bucket or a web server. `what` names the settings.

    The token of a Google service account is good for an hour.
    """
    kind, options_of = _KINDS.get(split_url(url)[0], (None, _of_site))
    if kind is None:
        raise SmeltError(f"{what}: DuckDB reads no {url}", "use s3://, gs://, https:// or a folder")
    load_extensions(con, ("httpfs",))
    if storage.ca_file:
        trust(con, project_dir / storage.ca_file, what)
    options = options_of(storage, project_dir, what)
    pairs = "".join(f", {name} {literal(value)}" for name, value in options.items())
    # A process may have several lakes and sources, one after the other or at once: each has a secret of its own.
    name = f"smelt_{hashlib.sha256(f'{what} {url}'.encode()).hexdigest()[:12]}"
    try:
        con.execute(f"create or replace temporary secret {name} (type {kind}, scope {literal(url + '/')}{pairs})")
    except duckdb.Error as error:
        # Its own text may repeat the statement, and with it the keys.
        raise SmeltError(
            f"{what}: DuckDB takes no such settings ({type(error).__name__})", "check endpoint and region"
        ) from None


def _of_site(storage: StorageSettings, project_dir: Path, what: str) -> dict[str, str]:
    if storage.bearer_token is None:
        return {}
    return {"bearer_token": resolve(storage.bearer_token, project_dir, f"{what}.bearer_token")}


def _of_s3(storage: StorageSettings, project_dir: Path, what: str) -> dict[str, str]:
    options = {"region": storage.region, "url_style": "path" if storage.is_path_style else "vhost"}
    options |= _endpoint(storage)
    if keys := keys_of(storage, project_dir, what):
        options |= {"key_id": keys.access_key, "secret": keys.secret_key}
        if keys.session_token:
            options["session_token"] = keys.session_token
    return options


def _of_google(storage: StorageSettings, project_dir: Path, what: str) -> dict[str, str]:
    options = {"url_style": "path", **_endpoint(storage)}
    if storage.is_anonymous:
        return options
    key = service_account_of(storage, project_dir, what)
    if key is None:
        raise SmeltError(
            f"{what}: DuckDB doesn't know the machine's own account", 'add service_account = "file:KEY.json" to it'
        )
    return options | {"bearer_token": token_of(key, what)}


def _endpoint(storage: StorageSettings) -> dict[str, str]:
    if storage.endpoint is None:
        return {}
    endpoint = urlsplit(storage.endpoint)
    return {"endpoint": endpoint.netloc + endpoint.path, "use_ssl": str(endpoint.scheme == "https").lower()}


# By scheme: the kind of DuckDB's secret, and its options.
_KINDS = {
    "s3": ("s3", _of_s3),
    "s3a": ("s3", _of_s3),
    "gs": ("gcs", _of_google),
    "gcs": ("gcs", _of_google),
    "https": ("http", _of_site),
    "http": ("http", _of_site),
}
