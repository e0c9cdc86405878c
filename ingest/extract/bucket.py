"""A bucket, folder or web server of a connection: its files page by page, their bytes as they were when listed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.extract.globs import folder_of, has_wildcard, is_unfinished, matcher
from ingest.retry import Transient
from ingest.spec import FilesSpec, SourceSpec
from plugins.core.errors import SmeltError
from plugins.core.objects import Keys, is_site, keys_of, open_store, split_url
from plugins.core.settings import Settings, StorageSettings, mask, resolve

if TYPE_CHECKING:
    from obstore.store import GCSStore, HTTPStore, S3Store

_PAGE = 1000
# Refusals that come as other errors: of temporary keys, and of a listing at Google's.
_REFUSED = ("ExpiredToken", "TokenRefreshRequired", "status code: 401", "status code: 403")
# Of one request: a connection that is cut costs no more than this, and memory is bounded by it.
_RANGE = 16 << 20


@dataclass(frozen=True)
class FoundFile:
    """path: below the connection's folder; location: where to read it; etag: changes with the content.

    A local file has no etag: its size and its time of change in nanoseconds stand for it. modified: epoch seconds.
    version: of stores that list one; that very version is read.
    """

    path: str
    location: str
    etag: str
    size: int
    modified: float = 0.0
    version: str | None = None

    @property
    def mark(self) -> str:
        """What the manifest holds of it: another content, another mark."""
        return f"{self.etag}#{self.version}" if self.version else self.etag

    @property
    def is_local(self) -> bool:
        """Whether it is a file of the local disk."""
        return "://" not in self.location

    def is_unchanged(self) -> bool:
        """Whether a local file is still what was listed; objects are read on the condition that they are."""
        if not self.is_local:
            return True
        try:
            found = os.stat(self.location)
        except OSError:
            return False
        return _local_etag(found) == self.etag


class Moved(Exception):
    """The object was replaced or deleted since it was listed."""


def _local_etag(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}"


@dataclass(frozen=True)
class Folder:
    """A folder of the local disk."""

    root: Path

    def pages(self, glob: str) -> Iterator[list[FoundFile]]:
        """The files that match, in no order."""
        wanted, page = matcher(glob), []
        for above, folders, names in os.walk(self.root / folder_of(glob), followlinks=True):
            folders.sort()
            for name in names:
                path = Path(above, name)
                relative = path.relative_to(self.root).as_posix()
                if not wanted.match(relative):
                    continue
                try:
                    found = path.stat()
                except FileNotFoundError:
                    continue  # deleted between the look at its folder and at itself, or a link to nothing
                etag = _local_etag(found)
                page.append(FoundFile(relative, str(path), etag, found.st_size, found.st_mtime))
                if len(page) == _PAGE:
                    yield page
                    page = []
        yield page


class Bucket:
    """A prefix of an object store. Raises SmeltError for what the user must mend, Transient for what may pass."""

    def __init__(self, url: str, storage: StorageSettings, project_dir: Path, what: str) -> None:
        self.url = url
        self._storage, self._project_dir, self._what = storage, project_dir, what
        # A failure that renewed keys may mend is told from one that they can't by the keys of this moment.
        self._keys = self._keys_now()
        self._store: S3Store | GCSStore | HTTPStore = open_store(url, storage, project_dir, what)

    def pages(self, glob: str) -> Iterator[list[FoundFile]]:
        """The objects that match, a page of keys at a time, in the order of their keys."""
        _, _, prefix = split_url(self.url)
        start = len(prefix) + 1 if prefix else 0
        wanted = matcher(glob)
        below = "/".join(part for part in (prefix, folder_of(glob)) if part)
        stream = iter(self._store.list(below or None, chunk_size=_PAGE))
        while (page := self._guarded(lambda: next(stream, None))) is not None:
            yield [self._found(item, start) for item in page if wanted.match(item["path"][start:])]

    def copy(self, file: FoundFile, target: Path) -> None:
        """Write the object to `target`; raises Moved if it is no longer what was listed."""
        with target.open("wb") as copy:
            for first in range(0, file.size, _RANGE):
                span = (first, min(first + _RANGE, file.size))
                copy.write(self._guarded(lambda span=span: self._part(file, span)))

    def _part(self, file: FoundFile, span: tuple[int, int]) -> bytes:
        from obstore.exceptions import NotFoundError, PreconditionError

        condition = {"version": file.version} if file.version else {"if_match": file.etag}
        try:
            answer = self._store.get(self._key(file.path), options={**condition, "range": span})  # type: ignore[arg-type]
        except (FileNotFoundError, NotFoundError, PreconditionError) as error:
            raise Moved(file.path) from error
        part = bytes(answer.bytes())
        # Not every store heeds conditions, and some quote an etag in one answer and not in the other.
        if (answer.meta["e_tag"] or file.etag).strip('"') != file.etag.strip('"'):
            raise Moved(file.path)
        return part

    def _key(self, path: str) -> str:
        _, _, prefix = split_url(self.url)
        return f"{prefix}/{path}" if prefix else path

    def _found(self, item: Any, start: int) -> FoundFile:
        path, at = item["path"][start:], item["last_modified"]
        return FoundFile(path, f"{self.url}/{path}", item["e_tag"], item["size"], at.timestamp(), item["version"])

    def _guarded(self, call: Any) -> Any:
        from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError

        try:
            return call()
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise self._refused(error) from None
        except (FileNotFoundError, NotFoundError) as error:
            raise self._missing(error) from None
        except BaseError as error:
            if "NoSuchBucket" in str(error):
                raise self._missing(error) from None
            if any(sign in str(error) for sign in _REFUSED):
                raise self._refused(error) from None
            raise Transient(f"{self.url} cannot be reached: {_first_line(error)}") from None

    def _missing(self, error: Exception) -> SmeltError:
        where = self._what.removesuffix(".storage")
        told = f"{self.url} is not there: {_first_line(error)}"
        return SmeltError(told, f"correct {where}.url, or make the bucket")

    def _refused(self, error: Exception) -> Exception:
        if self._keys_now() != self._keys:
            return Transient(f"{self.url}: the keys were renewed meanwhile")
        return SmeltError(
            f"{self.url}: access is refused: {_first_line(error)}",
            f"renew the keys that {self._what} refers to; what was loaded stays, and the next run goes on",
        )

    def _keys_now(self) -> Keys | str | None:
        if self._storage.service_account is not None:
            return resolve(self._storage.service_account, self._project_dir, f"{self._what}.service_account")
        return keys_of(self._storage, self._project_dir, self._what)


class Site(Bucket):
    """Files of a web server, each named by the stream: there is nothing that lists them."""

    def pages(self, glob: str) -> Iterator[list[FoundFile]]:
        """The file at `glob`, which is a path; its version is told by ETag, else by size and time of change."""
        if has_wildcard(glob):
            raise SmeltError(
                f"{self.url}: a web server lists no files, so `glob: {glob}` can't be looked up",
                "give each stream the path of one file",
            )
        item = self._guarded(lambda: self._store.head(self._key(glob)))
        yield [replace(self._found(item, 0), path=glob, location=f"{self.url}/{glob}")]

    def _found(self, item: Any, start: int) -> FoundFile:
        found = super()._found(item, start)
        return replace(found, etag=found.etag or f"{found.size}-{found.modified}")

    def _part(self, file: FoundFile, span: tuple[int, int]) -> bytes:
        """A part, if the answer is of the version that was looked up: weak ETags can be no condition."""
        from obstore.exceptions import NotFoundError, NotSupportedError

        options = {"range": span} if file.size > _RANGE else {}  # not every server gives ranges
        try:
            answer = self._store.get(self._key(file.path), options=options)  # type: ignore[arg-type]
        except (FileNotFoundError, NotFoundError) as error:
            raise Moved(file.path) from error
        except NotSupportedError as error:
            told = f"{file.location} has {file.size:,} bytes, and its server gives files as a whole only"
            raise SmeltError(told, "fetch it to a folder or bucket, and load it from there") from error
        part = bytes(answer.bytes())
        if self._found(answer.meta, 0).etag != file.etag or len(part) != span[1] - span[0]:
            raise Moved(file.path)
        return part


def open_place(settings: Settings, source: SourceSpec) -> Folder | Bucket:
    """Where a source's files are; raises SmeltError if that isn't said, or there is no such folder."""
    connection = settings.connection(source.connection)
    what = f"connections.{source.connection}"
    if not connection.url:
        raise SmeltError(f"{what}.url is missing in smelt.toml", f'add url = "FOLDER" to [{what}]')
    root = resolve(connection.url, settings.project_dir, f"{what}.url").rstrip("/")
    if "://" in root:
        return (Site if is_site(root) else Bucket)(
            root, connection.storage, settings.project_dir, f"{what}.storage"
        )
    folder = (settings.project_dir / root).resolve()
    if not folder.is_dir():
        raise SmeltError(
            f"the folder {folder} of source {source.name} does not exist", f"create it, or correct {what}.url"
        )
    return Folder(folder)


def list_pages(place: Folder | Bucket, spec: FilesSpec) -> Iterator[list[FoundFile]]:
    """The files of a stream that are whole by their name and, if the stream wants that, by their age."""
    for page in place.pages(spec.glob):
        latest = time.time() - spec.settle.total_seconds() if spec.settle > timedelta(0) else float("inf")
        yield [file for file in page if not is_unfinished(file.path) and file.modified <= latest]


def _first_line(error: Exception) -> str:
    """What a store says, in a line: its XML is left away but for code and message."""
    text = str(error)
    for tag in ("Message", "Code"):
        _, found, rest = text.partition(f"<{tag}>")
        if found:
            return mask(rest.partition(f"</{tag}>")[0][:200])
    return mask(" ".join(text.partition("Debug source")[0].split())[:300])
