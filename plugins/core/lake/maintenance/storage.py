"""Files of a table as its file system has them, on any store that pyiceberg reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyarrow.fs import FileSelector, FileSystem, FileType
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import Table

from plugins.core.lake.maintenance.sweeping import Found
from plugins.core.lake.pin import local_path


def plain(location: str) -> str:
    """A location without its scheme: as the file system of its store names it."""
    path = local_path(location)
    return path.split("://", 1)[1] if "://" in path else path


def list_files(table: Table) -> list[Found]:
    """All files below the table's location."""
    selector = FileSelector(plain(table.location()), recursive=True, allow_not_found=True)
    return [
        Found(info.path, info.size or 0, int((info.mtime_ns or 0) // 1_000_000))
        for info in _file_system(table).get_file_info(selector)
        if info.type == FileType.File
    ]


def delete_files(table: Table, files: Iterable[Found]) -> None:
    """Delete them; one that is gone already is none the worse for it."""
    store = _file_system(table)
    for file in files:
        try:
            store.delete_file(file.path)
        except FileNotFoundError:
            continue


def sizes(table: Table, locations: Sequence[str]) -> list[int]:
    """Bytes of each file, 0 for one that is gone."""
    return [info.size or 0 for info in _file_system(table).get_file_info([plain(one) for one in locations])]


def _file_system(table: Table) -> FileSystem:
    properties = table.io.properties
    scheme, netloc, _ = PyArrowFileIO.parse_location(table.location(), properties)
    return PyArrowFileIO(properties).fs_by_scheme(scheme, netloc)
