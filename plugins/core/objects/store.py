"""A bucket or web server as obstore opens it; keys are resolved when they are used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from plugins.core.errors import SmeltError
from plugins.core.objects.certificates import authority_of
from plugins.core.objects.google import service_account_of
from plugins.core.objects.keys import keys_of
from plugins.core.settings import StorageSettings, resolve

if TYPE_CHECKING:
    from obstore.store import GCSStore, HTTPStore, S3Store

# How long a key is used before its reference is read again.
_RENEWED = timedelta(seconds=30)
_CLIENT = {"connect_timeout": "10s", "timeout": "120s"}
# Of one request; what lasts longer is tried again by the load as a whole, with keys read anew.
_RETRIES = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}


def split_url(url: str) -> tuple[str, str, str]:
    """Scheme, bucket and prefix (without slashes around it) of `s3://bucket/prefix`."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path.strip("/")


def is_site(url: str) -> bool:
    """Whether `url` is of a web server: files there are asked for by name, none are listed."""
    return split_url(url)[0] in ("https", "http")


def open_store(url: str, storage: StorageSettings, project_dir: Path, what: str) -> S3Store | GCSStore | HTTPStore:
    """The bucket or web server of `url`; paths in it begin at its root, not at the URL's prefix.

    Opening makes no request. Raises SmeltError for another scheme, and for references that lead nowhere.
    """
    scheme, bucket, _ = split_url(url)
    if not bucket:
        raise SmeltError(f"{what}: {url} names no bucket", "write it as s3://BUCKET/PREFIX")
    client: dict[str, Any] = {**_CLIENT, **_trusted(storage, project_dir, what)}
    if storage.endpoint and storage.endpoint.startswith("http://"):
        client["allow_http"] = True
    if scheme in ("s3", "s3a"):
        return _s3(bucket, storage, project_dir, what, client)
    if scheme in ("gs", "gcs"):
        return _gcs(bucket, storage, project_dir, what, client)
    if is_site(url):
        return _site(url, storage, project_dir, what, client)
    raise SmeltError(f"{what}: there is no reader for {scheme}:// URLs", "use s3://, gs://, https:// or a folder")


def _site(url: str, storage: StorageSettings, project_dir: Path, what: str, client: dict[str, Any]) -> HTTPStore:
    from obstore.store import HTTPStore

    scheme, host, _ = split_url(url)
    if scheme == "http":
        client["allow_http"] = True
    if storage.bearer_token is not None:
        token = resolve(storage.bearer_token, project_dir, f"{what}.bearer_token")
        client["default_headers"] = {"Authorization": f"Bearer {token}"}
    return HTTPStore.from_url(f"{scheme}://{host}", client_options=client, retry_config=_RETRIES)  # type: ignore[arg-type]


def _trusted(storage: StorageSettings, project_dir: Path, what: str) -> dict[str, str]:
    if storage.ca_file is None:
        return {}
    return {"root_certificate": authority_of(project_dir / storage.ca_file, what)}


def _s3(bucket: str, storage: StorageSettings, project_dir: Path, what: str, client: dict[str, Any]) -> S3Store:
    from obstore.store import S3Store

    options: dict[str, Any] = {
        "region": storage.region,
        "virtual_hosted_style_request": not storage.is_path_style,
        "client_options": client,
        "retry_config": _RETRIES,
    }
    if storage.endpoint:
        options["endpoint"] = storage.endpoint
    if keys_of(storage, project_dir, what) is None:
        # obstore itself finds the role of the machine or the container.
        return S3Store(bucket, **options, skip_signature=storage.is_anonymous)

    def provide() -> dict[str, Any]:
        keys = keys_of(storage, project_dir, what)
        if keys is None:
            raise SmeltError(f"{what}: the keys are gone", "set them again")
        return {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "token": keys.session_token,
            "expires_at": datetime.now(UTC) + _RENEWED,
        }

    return S3Store(bucket, **options, credential_provider=provide)  # type: ignore[arg-type]


def _gcs(bucket: str, storage: StorageSettings, project_dir: Path, what: str, client: dict[str, Any]) -> GCSStore:
    from obstore.store import GCSStore

    options: dict[str, Any] = {"client_options": client, "retry_config": _RETRIES}
    if storage.endpoint:
        options["base_url"] = storage.endpoint
    if storage.is_anonymous:
        options["skip_signature"] = True
    elif key := service_account_of(storage, project_dir, what):
        options["service_account_key"] = key
    return GCSStore(bucket, **options)
