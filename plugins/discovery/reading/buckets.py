"""Buckets: which there are, how each is reached, and what is in it by name."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from plugins.core.errors import SmeltError
from plugins.core.objects import open_store, split_url
from plugins.core.settings import Settings, StorageSettings, mask, resolve

if TYPE_CHECKING:
    from obstore.store import GCSStore, HTTPStore, S3Store

_SCHEMES = ("s3", "s3a", "gs", "gcs")
_ENVIRONMENT = "the storage's settings"
_PAGE = 1_000


@dataclass(frozen=True)
class Bucket:
    """A prefix of a bucket, and how it is reached. what: the settings that say so, for messages."""

    url: str
    storage: StorageSettings
    project_dir: Path
    what: str

    @property
    def name(self) -> str:
        """The last part of the URL, as a folder would be called."""
        _, bucket, prefix = split_url(self.url)
        return prefix.rpartition("/")[2] or bucket

    def objects(self) -> Iterator[tuple[PurePosixPath, int]]:
        """Each object below the prefix, by name: its path from there, and its size. Raises SmeltError."""
        _, _, prefix = split_url(self.url)
        store = self.store()
        pages = iter(store.list(prefix or None, chunk_size=_PAGE))
        found = itertools.chain.from_iterable(iter(lambda: self.asked(lambda: next(pages, None)), None))
        for item in found:
            path = PurePosixPath(item["path"].removeprefix(prefix).lstrip("/"))
            # A key with `..` in it names nothing below a folder.
            if ".." not in path.parts and path.name:
                yield path, item["size"]

    def read(self, path: PurePosixPath, size: int | None = None) -> bytes:
        """The object at `path`, or its first `size` bytes. Raises SmeltError."""
        _, _, prefix = split_url(self.url)
        key = f"{prefix}/{path}" if prefix else str(path)
        options: Any = {} if size is None else {"range": (0, size)}
        return self.asked(lambda: bytes(self.store().get(key, options=options).bytes()))

    def store(self) -> S3Store | GCSStore | HTTPStore:
        """A client with the keys as they are now."""
        return open_store(self.url, self.storage, self.project_dir, self.what)

    def asked(self, call: Any) -> Any:
        """What `call` gives; what the store says instead becomes a SmeltError."""
        from obstore.exceptions import BaseError

        try:
            return call()
        except (BaseError, FileNotFoundError) as error:
            told = " ".join(str(error).partition("Debug source")[0].split())[:300]
            how = f"check {self.what} with `smelt doctor`"
            if self.what == _ENVIRONMENT:
                how = "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL, or onboard with --set"
            raise SmeltError(f"{mask(self.url)} cannot be read: {mask(told)}", how) from None


def is_bucket(place: str) -> bool:
    """Whether a place is a bucket's URL."""
    return place.partition("://")[0] in _SCHEMES and "://" in place


def bucket_at(settings: Settings, url: str, storage: StorageSettings | None = None) -> Bucket:
    """The bucket at a URL: reached as `storage` says, else as the nearest connection does, else as `AWS_*` say."""
    url = url.rstrip("/")
    if storage is not None:
        return Bucket(url, storage, settings.project_dir, _ENVIRONMENT)
    known = {name: found for name in settings.connections if (found := bucket_url(settings, name))}
    above = [name for name, found in known.items() if f"{url}/".startswith(f"{found}/")]
    if above:
        return connected(settings, max(above, key=lambda name: len(known[name])), url)
    return Bucket(url, environment(), settings.project_dir, _ENVIRONMENT)


def connected(settings: Settings, connection: str, url: str) -> Bucket:
    """The bucket at a URL, reached as a connection says."""
    storage = settings.connections[connection].storage
    return Bucket(url, storage, settings.project_dir, f"connections.{connection}.storage")


def bucket_url(settings: Settings, connection: str) -> str | None:
    """Where a connection's files are, if that is a bucket."""
    found = settings.connections[connection]
    if found.type != "files" or not found.url:
        return None
    url = resolve(found.url, settings.project_dir, f"connections.{connection}.url")
    return url.rstrip("/") if is_bucket(url) else None


def environment() -> StorageSettings:
    """How a bucket is reached that no connection tells of: by the usual variables."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    given = {"endpoint": endpoint, "region": region}
    return StorageSettings.model_validate({name: value for name, value in given.items() if value})
