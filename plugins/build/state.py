"""dbt's artifacts of what is published, to and from where CI can reach them, for `--defer --state`."""

from __future__ import annotations

from pathlib import Path

import fsspec

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings
from plugins.core.warehouse.published import published_file


def push(settings: Settings, destination: str) -> list[str]:
    """Copy the published run's artifacts to `destination` (a folder or a URL such as s3://…); returns their names.

    Raises SmeltError if nothing is published or the destination cannot be written.
    """
    folder = published_file(settings).with_suffix("")
    if not folder.is_dir():
        raise SmeltError(f"the published run has no artifacts in {folder}", "publish again with `smelt build`")
    return _copy(str(folder), destination)


def pull(settings: Settings, origin: str | None, folder: Path) -> list[str]:
    """Copy artifacts from `origin` (default: the published run of this lake) to `folder`; returns their names.

    Raises SmeltError if there are none.
    """
    return _copy(origin or str(published_file(settings).with_suffix("")), str(folder))


def _copy(origin: str, destination: str) -> list[str]:
    try:
        source, source_root = fsspec.core.url_to_fs(origin)
        target, target_root = fsspec.core.url_to_fs(destination)
        found = sorted(path for path in source.ls(source_root, detail=False) if path.endswith(".json"))
        target.makedirs(target_root, exist_ok=True)
        for path in found:
            target.pipe_file(f"{target_root.rstrip('/')}/{Path(path).name}", source.cat_file(path))
    except (OSError, ImportError, ValueError) as error:
        raise SmeltError(
            f"state cannot be copied from {origin} to {destination}: {error}",
            "check that both exist, and that the package for their protocol (such as s3fs) is installed",
        ) from error
    names = [Path(path).name for path in found]
    if "manifest.json" not in names:
        raise SmeltError(
            f"there is no manifest.json in {origin}", "publish with `smelt build`, then `smelt state push`"
        )
    return names
