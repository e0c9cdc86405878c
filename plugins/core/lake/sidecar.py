"""Files that a table's position names, for what is too large to stand in the position itself."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pyarrow.fs import FileSelector, FileType
from pyiceberg.io.pyarrow import PyArrowFileIO
from ulid import ULID

from plugins.core.lake.catalog import Lake
from plugins.core.lake.state import read_state
from plugins.core.lake.writing import file_stem, is_written, may_be_written

# Not below the table: what maintenance finds there, and no snapshot needs, it deletes.
_FOLDER = "positions"
# The entry of a position that names such files: a list of mappings with a `name`.
SEGMENTS = "segments"


@dataclass(frozen=True)
class Sidecar:
    """The folder of such files of one table. They are written once, and never changed."""

    lake: Lake
    identifier: str

    def keep(self, file: Path) -> str:
        """Put a copy of `file` beside the table; returns the name by which it is found again."""
        name = f"{file_stem(str(ULID()))}.parquet"
        table, target = self.lake.table(self.identifier), self._location(name)
        if "://" not in target:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        else:
            with file.open("rb") as source, table.io.new_output(target).create() as output:
                shutil.copyfileobj(source, output)  # type: ignore[arg-type]
        return name

    def local_copy(self, name: str, folder: Path) -> Path:
        """The file on the local disk: itself, or a copy in `folder`."""
        location = self._location(name)
        if "://" not in location:
            return Path(location)
        copy = folder / name
        if not copy.exists():
            table = self.lake.table(self.identifier)
            with table.io.new_input(location).open() as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target)  # type: ignore[arg-type]
        return copy

    def sweep(self) -> None:
        """Delete files that killed writers left: those that the position does not name."""
        if SEGMENTS not in read_state(self.lake.table(self.identifier)).position:
            return
        # The order matters: what a writer that is dead now committed, it committed before the position is read.
        left = [name for name in self._names() if is_written(name) and not may_be_written(name)]
        named = {one["name"] for one in read_state(self.lake.table(self.identifier)).position.get(SEGMENTS, [])}
        for name in set(left) - named:
            self._delete(name)

    def forget(self, names: set[str]) -> None:
        """Delete files that a commit has just replaced."""
        for name in names:
            self._delete(name)

    def _location(self, name: str) -> str:
        return f"{self.lake.root}/{_FOLDER}/{self.identifier}/{name}"

    def _names(self) -> list[str]:
        folder = self._location("").rstrip("/")
        if "://" not in folder:
            return [path.name for path in Path(folder).iterdir()] if Path(folder).is_dir() else []
        io = self.lake.table(self.identifier).io
        if not isinstance(io, PyArrowFileIO):
            return []
        scheme, _, path = folder.partition("://")
        found = io.fs_by_scheme(scheme, path.split("/")[0]).get_file_info(FileSelector(path, allow_not_found=True))
        return [one.base_name for one in found if one.type == FileType.File]

    def _delete(self, name: str) -> None:
        location = self._location(name)
        if "://" not in location:
            Path(location).unlink(missing_ok=True)
        else:
            self.lake.table(self.identifier).io.delete(location)
