"""The first step of the walk: a place of any kind is discovered, and drafted as a source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from rich.markup import escape

from plugins.core.errors import SmeltError
from plugins.core.settings import KafkaSettings, Settings, StorageSettings, mask
from plugins.discovery import is_bucket, is_cluster
from plugins.onboard.drafted import Drafted
from plugins.onboard.files import draft_bucket, draft_folder
from plugins.onboard.naming import source_name
from plugins.onboard.places import draft_database

if TYPE_CHECKING:
    from rich.console import Console

    from plugins.core.discovery import SourceProfile
    from plugins.discovery import Place
    from plugins.onboard.walk import Choices

_ROWS = 10_000
_SHOWN = 12
_SQLITE = (".db", ".sqlite", ".sqlite3")
_TABLES = (".csv", ".tsv", ".txt", ".ndjson", ".jsonl", ".parquet", ".gz", ".xlsx")


def draft(choices: Choices, console: Console, settings: Settings) -> Drafted:
    """What the place becomes as a source. Raises SmeltError if it is none, or can't be read."""
    place = choices.place
    path = Path(place).expanduser()
    scheme = place.partition("://")[0] if "://" in place else ""
    if is_bucket(place):
        return _bucket(place, choices, console, settings)
    if is_cluster(place):
        return _topics(place, choices, console, settings)
    if scheme and scheme not in ("http", "https"):
        return _database(place, choices, console)
    if path.is_dir():
        return _folder(path, choices, console)
    if path.suffix.lower() in _SQLITE and path.is_file():
        return _database(f"sqlite:///{quote(str(path.resolve()))}", choices, console)
    if path.suffix.lower() in _TABLES and path.is_file():
        raise SmeltError(
            f"{place} is one file", f"onboard its folder: smelt onboard {path.parent} --streams {path.stem}"
        )
    if scheme or path.is_file():
        return _api(place, choices, console)
    raise SmeltError(
        f"{mask(place)} is no file, folder, bucket, database or URL",
        "give an API's spec, a folder, or a URL such as sqlite:///x.db or s3://bucket/folder",
    )


def _api(place: str, choices: Choices, console: Console) -> Drafted:
    from plugins.connectors.report import show
    from plugins.onboard.apis import draft_api

    title(console, 1, "discover and connect", "reads the spec")
    drafted, made = draft_api(place, choices.name, choices.owner, choices.streams, choices.values.get("base_url"))
    show(console, made, ())
    return drafted


def _database(dsn: str, choices: Choices, console: Console) -> Drafted:
    title(console, 1, "discover", "reads the tables")
    name = choices.name or source_name(Path(unquote(dsn.rpartition("/")[2].partition("?")[0])).stem)
    with _read(dsn, console) as (place, found):
        _show(console, found)
        return draft_database(dsn, name, choices.owner, _chosen(place, choices), found)


def _folder(path: Path, choices: Choices, console: Console) -> Drafted:
    title(console, 1, "discover", "reads the files")
    name = choices.name or source_name(path.resolve().name)
    with _read(str(path), console) as (place, found):
        _show(console, found)
        return draft_folder(path, name, choices.owner, _chosen(place, choices), found)


def _bucket(url: str, choices: Choices, console: Console, settings: Settings) -> Drafted:
    from plugins.onboard.buckets import storage_of

    title(console, 1, "discover", "reads a sample of the objects")
    url = url.rstrip("/")
    name = choices.name or source_name(url.rpartition("/")[2])
    storage = storage_of(settings, url, choices.values)
    with _read(url, console, storage) as (place, found):
        _show(console, found)
        return draft_bucket(url, storage, name, choices.owner, _chosen(place, choices), found)


def _topics(place: str, choices: Choices, console: Console, settings: Settings) -> Drafted:
    from plugins.onboard.topics import draft_topics, kafka_of

    title(console, 1, "discover", "reads the newest messages")
    servers, _, topic = place.partition("://")[2].partition("/")
    name = choices.name or source_name(topic.partition(".")[0] or "kafka")
    kafka = kafka_of(settings, servers, choices.values)
    with _read(place, console, kafka=kafka) as (opened, found):
        _show(console, found)
        return draft_topics(servers, kafka, name, choices.owner, _chosen(opened, choices), found)


def _chosen(place: Place, choices: Choices) -> Place:
    """The place with the streams that were asked for. Raises SmeltError for one that isn't there."""
    if not choices.streams:
        return place
    names = [stream.name for stream in place.streams]
    if unknown := [name for name in choices.streams if name not in names]:
        raise SmeltError(f"there is no stream {', '.join(unknown)}", f"there are: {', '.join(names[:20])}")
    return replace(place, streams=tuple(one for one in place.streams if one.name in choices.streams))


def _read(
    place: str, console: Console, storage: StorageSettings | None = None, kafka: KafkaSettings | None = None
):
    from contextlib import contextmanager

    from plugins.discovery import discover_place, read_place

    @contextmanager
    def opened():
        with (
            console.status("reading") as status,
            read_place(place, rows=_ROWS, on_progress=status.update, storage=storage, kafka=kafka) as found,
        ):
            yield found, discover_place(found)

    return opened()


def _show(console: Console, found: SourceProfile) -> None:
    for stream in found.streams[:_SHOWN]:
        key = next((", ".join(k.columns) for k in stream.keys if k.is_primary), "none")
        told = f"{stream.rows:,} rows, {len(stream.columns)} columns, key {key}"
        console.print(f"  {escape(stream.name):<32} {escape(told)}", soft_wrap=True)
    if len(found.streams) > _SHOWN:
        console.print(f"  and {len(found.streams) - _SHOWN} more")
    for one in found.foreign_keys[:_SHOWN]:
        ours, theirs = ", ".join(one.columns), ", ".join(one.to_columns)
        told = f"{one.stream}.{ours} → {one.to_stream}.{theirs}"
        console.print(f"  {escape(told)}  [dim]{one.confidence:.2f}[/]", soft_wrap=True)


def title(console: Console, number: int, what: str, how: str) -> None:
    """A line that says which step begins."""
    console.print(f"\n[bold]{number} {what}[/]  [dim]{escape(how)}[/]")
