"""A bucket of a connection → a sample of its objects in a folder, in the folders that they have there."""

from __future__ import annotations

import itertools
from pathlib import Path

from plugins.core.errors import SmeltError
from plugins.core.objects import open_store, split_url
from plugins.core.settings import Settings, mask, resolve
from plugins.discovery.reading.place import Progress

# What is looked at of a bucket that has more: what comes first by name, up to this much.
_OBJECTS = 200
_BYTES = 256 << 20


def bucket_url(settings: Settings, connection: str) -> str | None:
    """Where a connection's files are, if that is a bucket."""
    found = settings.connections[connection]
    if found.type != "files" or not found.url:
        return None
    url = resolve(found.url, settings.project_dir, f"connections.{connection}.url")
    return url.rstrip("/") if "://" in url else None


def fetch_sample(settings: Settings, connection: str, url: str, folder: Path, on_progress: Progress) -> str | None:
    """Copy the first objects to `folder`; returns a note if there are more. Raises SmeltError if that fails."""
    from obstore.exceptions import BaseError

    what = f"connections.{connection}.storage"
    store = open_store(url, settings.connections[connection].storage, settings.project_dir, what)
    _, _, prefix = split_url(url)
    taken = size = 0
    try:
        found = itertools.chain.from_iterable(store.list(prefix or None, chunk_size=_OBJECTS))
        for item in found:
            if taken == _OBJECTS or (taken and size + item["size"] > _BYTES):
                return f"the first {taken:,} objects of the bucket were looked at"
            on_progress(f"reading {item['path']}")
            target = (folder / item["path"].removeprefix(prefix).lstrip("/")).resolve()
            if not target.is_relative_to(folder.resolve()):
                continue  # a key with `..` in it names nothing below the folder
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as copy:
                for chunk in store.get(item["path"]):
                    copy.write(chunk)
            taken, size = taken + 1, size + item["size"]
    except (BaseError, FileNotFoundError) as error:
        told = " ".join(str(error).partition("Debug source")[0].split())[:300]
        raise SmeltError(f"{url} cannot be read: {mask(told)}", f"check {what} with `smelt doctor`") from None
    return None
