"""Which kind of place a name is of, and its reading."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, load_settings, mask, resolve
from plugins.discovery.reading import files, project
from plugins.discovery.reading.databases import read_database
from plugins.discovery.reading.place import ROWS, Place, Progress, scratch


@contextmanager
def read_place(
    place: str,
    *,
    rows: int = ROWS,
    stream: str | None = None,
    project_dir: Path | None = None,
    on_progress: Progress = lambda _: None,
) -> Iterator[Place]:
    """Read a source of the project, a file, a folder, a table, or a database, for as long as the block runs.

    place: a path, a DSN (`postgresql://`, `sqlite:///`, `duckdb:///`), the name of a source or of a connection in
    smelt.toml, or that of a published or bronze table. rows: of each sample at most. stream: only this one.
    Raises SmeltError if there is no such place or stream, or if it can't be read.
    """
    if rows < 1:
        raise SmeltError(f"a sample of {rows} rows shows nothing", "give --rows at least 1")
    if not place.strip():
        raise SmeltError("no place is named", "name a source, a file, a folder, a table or a database's URL")
    with scratch() as (con, folder):
        settings = load_settings((project_dir or Path()).resolve())
        if (published := _published(place, settings)) is not None:
            from plugins.core.warehouse.reader import open_published

            with open_published(settings) as guarded:
                yield project.read_published_table(settings, guarded, published, rows)
            return
        found = _read(con, folder, place, settings, rows, stream, on_progress)
        if stream is not None:
            kept = tuple(one for one in found.streams if one.name == stream)
            if not kept:
                names = (
                    [one.name for one in _read(con, folder, place, settings, 1, None, on_progress).streams]
                    if not found.streams
                    else [one.name for one in found.streams]
                )  # noqa: E501
                near = difflib.get_close_matches(stream, names, 3, 0.4) or names[:5]
                raise SmeltError(f"{found.name} has no stream {stream}", f"there are: {', '.join(near)}")
            found = Place(found.name, found.kind, kept, found.references, found.notes)
        yield found


def _read(
    con, folder: Path, place: str, settings: Settings, rows: int, stream: str | None, on_progress: Progress
) -> Place:  # noqa: ANN001
    path = Path(place).expanduser() if "://" not in place else None
    if path is not None and path.is_dir() and not (path / "source.yml").is_file():
        return files.read_folder(con, path, folder, rows, on_progress, stream)
    if path is not None and path.is_file():
        if path.suffix.lower().lstrip(".") in files.DATABASES:
            kind = "duckdb" if path.suffix.lower() in (".duckdb", ".ddb") or not _is_sqlite(path) else "sqlite"
            return read_database(con, f"{kind}:///{path.resolve()}", rows, on_progress, stream)
        return files.read_file(con, path, folder, rows, on_progress)
    if "://" in place:
        return read_database(con, place, rows, on_progress, stream)
    name = path.name if path is not None and (path / "source.yml").is_file() else place
    if name in project.sources_of(settings):
        return project.read_source(con, settings, name, rows, on_progress, stream)
    if name in settings.connections:
        dsn = resolve(settings.connections[name].dsn, settings.project_dir, f"connections.{name}.dsn")
        return read_database(con, dsn, rows, on_progress, stream)
    bronze = project.bronze_tables(settings)
    if (table := name.removeprefix("bronze.")) in bronze:
        return project.read_bronze_table(con, settings, table, rows, on_progress)
    raise _nothing(place, settings, bronze)


def _is_sqlite(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(15) == b"SQLite format 3"


def _published(place: str, settings: Settings) -> str | None:
    """The full name of a published table, if the place is one."""
    if "/" in place or Path(place).exists() or place in project.sources_of(settings):
        return None
    tables = project.published_tables(settings)
    found = [one for one in tables if place in (one, one.partition(".")[2])]
    return found[0] if found else None


def _nothing(place: str, settings: Settings, bronze: tuple[str, ...]) -> SmeltError:
    if "/" in place or "." in place and place.rpartition(".")[2].lower() in (
        *files.DELIMITED, *files.JSON, *files.PARQUET, *files.DATABASES, "gz", "xlsx",
    ):  # fmt: skip
        return SmeltError(f"there is no file or folder {mask(place)}", "check the path")
    known = [*project.sources_of(settings), *settings.connections, *project.published_tables(settings), *bronze]
    near = difflib.get_close_matches(place, known, 3, 0.5) or known[:5]
    listed = f"; there are: {', '.join(near)}" if near else ""
    return SmeltError(
        f"{mask(place)} is no file, folder, source, connection or table here",
        f"name a path, a database's URL, or something of the project{listed}",
    )
