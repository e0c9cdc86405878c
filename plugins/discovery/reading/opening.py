"""Which kind of place a name is of, and its reading."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import duckdb

from plugins.core.errors import SmeltError
from plugins.core.settings import KafkaSettings, Settings, StorageSettings, load_settings, mask, resolve
from plugins.discovery.reading import buckets, files, project, topics
from plugins.discovery.reading.databases import read_database
from plugins.discovery.reading.place import ROWS, Place, Progress, Stream, scratch
from plugins.discovery.reading.sampling import Group, fetch_sample
from plugins.discovery.reading.sheets import SHEETS

_ENDS = frozenset({*files.DELIMITED, *files.JSON, *files.PARQUET, *files.DATABASES, *SHEETS, "gz"})


@contextmanager
def read_place(
    place: str,
    *,
    rows: int = ROWS,
    stream: str | None = None,
    project_dir: Path | None = None,
    on_progress: Progress = lambda _: None,
    storage: StorageSettings | None = None,
    kafka: KafkaSettings | None = None,
) -> Iterator[Place]:
    """Read a source of the project, a file, a folder, a bucket, a table, or a database, while the block runs.

    place: a path, a DSN (`postgresql://`, `sqlite:///`, `duckdb:///`), a bucket (`s3://`, `gs://`), topics
    (`kafka://`), the name of a source or of a connection in smelt.toml, or that of a published or bronze table.
    rows: of each sample at most. stream: only this one. storage, kafka: how a bucket or broker is reached; None:
    as smelt.toml says, or `AWS_*`.
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
        reader = _Reader(con, folder, settings, on_progress, storage, kafka)
        found = reader.read(place, rows, stream)
        if stream is not None and not (kept := tuple(one for one in found.streams if one.name == stream)):
            names = [one.name for one in reader.read(place, 1, None).streams]
            near = difflib.get_close_matches(stream, names, 3, 0.4) or names[:5]
            raise SmeltError(f"{found.name} has no stream {stream}", f"there are: {', '.join(near)}")
        yield found if stream is None else replace(found, streams=kept)


@dataclass(frozen=True)
class _Reader:
    """Reads places into a DuckDB, and what that can't read into a folder beside it."""

    con: duckdb.DuckDBPyConnection
    folder: Path
    settings: Settings
    on_progress: Progress
    storage: StorageSettings | None = None
    kafka: KafkaSettings | None = None

    def read(self, place: str, rows: int, stream: str | None) -> Place:
        """A place; of several streams only the one that is asked for."""
        if buckets.is_bucket(place):
            return self._bucket(buckets.bucket_at(self.settings, place, self.storage), rows, stream)
        if topics.is_cluster(place):
            cluster = topics.cluster_at(self.settings, place, self.kafka)
            return topics.read_topics(cluster, rows, self.on_progress, stream)
        if "://" in place:
            return read_database(self.con, place, rows, self.on_progress, stream)
        path = Path(place).expanduser()
        is_source = (path / "source.yml").is_file()
        if path.is_dir() and not is_source:
            return files.read_folder(self.con, path, self.folder, rows, self.on_progress, stream)
        if path.is_file():
            return self._file(path, rows, stream)
        return self._named(path.resolve().name if is_source else place, rows, stream)

    def _file(self, path: Path, rows: int, stream: str | None) -> Place:
        if path.suffix.lower().lstrip(".") not in files.DATABASES:
            return files.read_file(self.con, path, self.folder, rows, self.on_progress)
        kind = "sqlite" if _is_sqlite(path) else "duckdb"
        return read_database(self.con, f"{kind}:///{quote(str(path.resolve()))}", rows, self.on_progress, stream)

    def _named(self, name: str, rows: int, stream: str | None) -> Place:
        """A source, a connection or a bronze table, by name."""
        settings = self.settings
        if name in project.sources_of(settings):
            return project.read_source(self.con, settings, name, rows, self.on_progress, stream)
        if name in settings.connections and (reference := settings.connections[name].dsn):
            dsn = resolve(reference, settings.project_dir, f"connections.{name}.dsn")
            return read_database(self.con, dsn, rows, self.on_progress, stream)
        if name in settings.connections and (url := buckets.bucket_url(settings, name)):
            return self._bucket(buckets.connected(settings, name, url), rows, stream)
        if name in settings.connections and topics.servers_of(settings, name):
            return topics.read_topics(topics.connected(settings, name), rows, self.on_progress, stream)
        bronze = project.bronze_tables(settings)
        if (table := name.removeprefix("bronze.")) in bronze:
            return project.read_bronze_table(self.con, settings, table, rows, self.on_progress)
        raise _nothing(name, settings, bronze)

    def _bucket(self, bucket: buckets.Bucket, rows: int, stream: str | None) -> Place:
        """A sample of the objects of a bucket, as if they were in a folder."""
        copies = self.folder / "bucket" / bucket.name
        copies.mkdir(parents=True, exist_ok=True)
        sample = fetch_sample(self.con, bucket, copies, rows, self.on_progress)
        url = mask(bucket.url)
        try:
            found = files.read_folder(self.con, copies, self.folder, rows, self.on_progress, stream)
        except SmeltError as error:
            raise SmeltError(error.message.replace(str(copies), url), error.hint) from error
        groups = {copies / path: group for group in sample.groups.values() for path in group.taken}
        shared = Counter(id(groups[one.paths[0]]) for one in found.streams if one.paths)
        streams = tuple(
            _sampled(one, group, copies, is_alone=shared[id(group)] == 1)
            for one in found.streams
            if (group := groups[one.paths[0]])
        )
        told = tuple(note.replace(str(copies), url) for note in (*found.notes, *sample.notes))
        return replace(found, name=url, kind="bucket", streams=streams, notes=told, keys=sample.keys)


def _sampled(stream: Stream, group: Group, copies: Path, *, is_alone: bool) -> Stream:
    """A stream of copies as one of all its objects; of a sample, nobody knows how many rows there are."""
    keys = (
        tuple(group.sizes) if is_alone else tuple(PurePosixPath(path.relative_to(copies)) for path in stream.paths)
    )
    notes = tuple(note.replace(str(copies), "") for note in stream.notes)
    if (note := group.note) is None:
        return replace(stream, keys=keys, notes=notes)
    return replace(stream, keys=keys, notes=(note, *notes), rows=None, all_rows=None)


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
    if "/" in place or ("." in place and place.rpartition(".")[2].lower() in _ENDS):
        return SmeltError(f"there is no file or folder {mask(place)}", "check the path")
    known = [*project.sources_of(settings), *settings.connections, *project.published_tables(settings), *bronze]
    near = difflib.get_close_matches(place, known, 3, 0.5) or known[:5]
    listed = f"; there are: {', '.join(near)}" if near else ""
    return SmeltError(
        f"{mask(place)} is no file, folder, source, connection or table here",
        f"name a path, a database's URL, or something of the project{listed}",
    )
