"""PyIceberg's way into the lake's bucket: keys that are rotated, the authority that signed for the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyarrow.fs import FileSystem, S3FileSystem
from pyiceberg.io.pyarrow import PyArrowFileIO

from plugins.core.objects.keys import Keys, keys_of
from plugins.core.settings import Settings, StorageSettings

IMPLEMENTATION = f"{__name__}.LakeIO"
_PROJECT, _STORAGE = "smelt.project-dir", "smelt.storage"


def io_properties(settings: Settings) -> dict[str, str]:
    """Catalog properties that make PyIceberg use `LakeIO`; they hold references, and no key."""
    return {
        "py-io-impl": IMPLEMENTATION,
        _PROJECT: str(settings.project_dir),
        _STORAGE: settings.lake.storage.model_dump_json(),
    }


class LakeIO(PyArrowFileIO):
    """Opens a file system with the keys as they are now, and keeps it for as long as they stay."""

    def __init__(self, properties: dict[str, str]) -> None:
        super().__init__(properties)
        self._opened: dict[tuple[str, str | None, Keys | None], FileSystem] = {}
        self.fs_by_scheme = self._filesystem

    def _filesystem(self, scheme: str, netloc: str | None = None) -> FileSystem:
        if scheme not in ("s3", "s3a"):
            return self._initialize_fs(scheme, netloc)
        storage = StorageSettings.model_validate_json(self.properties[_STORAGE])
        project_dir = Path(self.properties[_PROJECT])
        keys = keys_of(storage, project_dir, "lake.storage")
        place = (scheme, netloc, keys)
        if place not in self._opened:
            self._opened = {place: _s3(storage, project_dir, keys)}
        return self._opened[place]


def _s3(storage: StorageSettings, project_dir: Path, keys: Keys | None) -> S3FileSystem:
    options: dict[str, Any] = {"region": storage.region, "anonymous": storage.is_anonymous}
    if storage.endpoint:
        endpoint = urlsplit(storage.endpoint)
        options |= {"scheme": endpoint.scheme, "endpoint_override": endpoint.netloc}
    if not storage.is_path_style:
        options["force_virtual_addressing"] = True
    if storage.ca_file:
        options["tls_ca_file_path"] = str(project_dir / storage.ca_file)
    if keys:
        options |= {
            "access_key": keys.access_key,
            "secret_key": keys.secret_key,
            "session_token": keys.session_token,
        }
    return S3FileSystem(**options)
