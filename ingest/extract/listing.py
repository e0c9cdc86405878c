"""Which files a stream has: listed through the same fsspec layer as dlt's filesystem source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest.extract.importing import ONE_IMPORT
from ingest.spec import SourceSpec
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, resolve


@dataclass(frozen=True)
class FoundFile:
    """path: below the connection's folder; location: where to read it; etag: changes with the content.

    A local file has no etag: its size and its time of change in nanoseconds stand for it.
    """

    path: str
    location: str
    etag: str
    size: int

    @classmethod
    def local(cls, root: Path, path: Path) -> FoundFile:
        """A file of the local disk."""
        found = path.stat()
        return cls(str(path.relative_to(root)), str(path), f"{found.st_size}-{found.st_mtime_ns}", found.st_size)

    def is_unchanged(self) -> bool:
        """Whether a local file is still what was listed; objects of a store never change in place."""
        if "://" in self.location:
            return True
        try:
            found = Path(self.location).stat()
        except OSError:
            return False
        return f"{found.st_size}-{found.st_mtime_ns}" == self.etag


def list_files(settings: Settings, source: SourceSpec, glob: str) -> list[FoundFile]:
    """Files that match `glob`, by path; names that begin with a dot are half-written by convention.

    Raises SmeltError if the folder or bucket cannot be listed.
    """
    connection = settings.connection(source.connection)
    what = f"connections.{source.connection}.url"
    if not connection.url:
        raise SmeltError(
            f"{what} is missing in smelt.toml", f'add url = "FOLDER" to [connections.{source.connection}]'
        )
    root = resolve(connection.url, settings.project_dir, what).rstrip("/")
    if "://" in root:
        return _list_bucket(root, glob, what)
    folder = (settings.project_dir / root).resolve()
    if not folder.is_dir():
        raise SmeltError(
            f"the folder {folder} of source {source.name} does not exist", f"create it, or correct {what}"
        )
    paths = sorted(path for path in folder.glob(glob) if path.is_file() and not path.name.startswith("."))
    return [FoundFile.local(folder, path) for path in paths]


def _list_bucket(root: str, glob: str, what: str) -> list[FoundFile]:
    with ONE_IMPORT:
        from dlt.sources.filesystem import filesystem

    try:
        found = [
            FoundFile(
                path=item["relative_path"],
                location=item["file_url"],
                etag=f"{item['size_in_bytes']}-{item['modification_date'].isoformat()}",
                size=item["size_in_bytes"],
            )
            for item in filesystem(bucket_url=root, file_glob=glob)
        ]
    except Exception as error:
        raise SmeltError(
            f"{root} cannot be listed: {' '.join(str(error).split())[:300]}", f"check {what}"
        ) from error
    return sorted(found, key=lambda file: file.path)
