"""Files of a table as its file system has them, on any store that pyiceberg reads."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

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
        with suppress(FileNotFoundError):
            store.delete_file(file.path)


def discard(table: Table, file: str) -> None:
    """Delete a file that was not committed, if it is there."""
    with suppress(FileNotFoundError):
        _file_system(table).delete_file(plain(file))


def _file_system(table: Table) -> FileSystem:
    io = table.io if isinstance(table.io, PyArrowFileIO) else PyArrowFileIO(table.io.properties)
    scheme, netloc, _ = PyArrowFileIO.parse_location(table.location(), table.io.properties)
    return io.fs_by_scheme(scheme, netloc)
