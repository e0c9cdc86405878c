"""Databases as sources: what discovery found becomes `source.yml`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote as quote_url
from urllib.parse import urlsplit

from plugins.core.discovery import SourceProfile, StreamProfile
from plugins.core.duck import quote
from plugins.core.editing.yaml_text import Flow
from plugins.core.errors import SmeltError
from plugins.discovery import Place, Stream, database_file
from plugins.onboard.drafted import Drafted, secret_path, source_yml, toml_section
from plugins.onboard.naming import stream_names

# A column of these is written anew whenever a row changes; other times only say when something happened.
_CHANGED = re.compile(
    r"(?:^|_)(?:updated|modified|changed|last_update|last_modified|synced)(?:_|$)|(?:update|modify|change)_?(?:at|date|time)",
    re.IGNORECASE,
)
_SURE_KEY = 0.8
_LAG = "P1D"


def draft_database(dsn: str, name: str, owner: str, place: Place, found: SourceProfile) -> Drafted:
    """PostgreSQL by Smelt's own fast path, SQLite through dlt. Raises SmeltError for others."""
    scheme = urlsplit(dsn).scheme.partition("+")[0]
    profiles = {profile.name: profile for profile in found.streams}
    streams = [stream for stream in place.streams if stream.name in profiles]
    names, notes = stream_names([stream.table or ("", stream.name) for stream in streams])
    keyed = [(name, stream, profiles[stream.name]) for name, stream in zip(names, streams, strict=True)]
    if scheme in ("postgres", "postgresql"):
        kind, entries = "postgres", [_table(*one) for one in keyed]
    elif scheme == "sqlite":
        kind, entries = "dlt", [_dlt(*one) for one in keyed]
        dsn = f"sqlite:///{quote_url(str(database_file(dsn)))}"
    else:
        raise SmeltError(
            f"{scheme}:// databases can be discovered, and are not loaded by themselves",
            "export the tables as Parquet files, and onboard their folder",
        )
    path = secret_path(name, "dsn")
    return Drafted(
        name,
        kind,
        {f"sources/{name}/source.yml": source_yml(f"The database {name}.", kind, name, owner, entries)},
        toml_section(name, {"type": kind, "dsn": f"file:{path}"}),
        {path: dsn},
        notes=(*place.notes, *notes, *(f"{one.name}: {note}" for one in streams for note in one.notes)),
    )


def _table(name: str, stream: Stream, profile: StreamProfile) -> dict[str, Any]:
    table = ".".join(map(_quoted, stream.table or ("public", stream.name)))
    return {"name": name, "table": table} | synced(profile)


def _quoted(name: str) -> str:
    """A part of a table's name as `table:` of source.yml takes it: dots and quotes stand in quotes."""
    return quote(name) if set(name) & {".", '"'} else name


def _dlt(name: str, stream: Stream, profile: StreamProfile) -> dict[str, Any]:
    reads = {
        "source": "dlt.sources.sql_database:sql_table",
        "arguments": Flow(credentials="connection:", table=stream.name),
    }
    return {"name": name, "dlt": reads} | synced(profile)


def synced(profile: StreamProfile) -> dict[str, Any]:
    """Key, personal data, and a cursor if a column says when a row changed, as `source.yml` says them."""
    key = next((list(k.columns) for k in profile.keys if k.is_primary and k.confidence >= _SURE_KEY), [])
    entry: dict[str, Any] = {"sync_mode": "full"}
    changed = [c.name for c in profile.columns if c.semantic.value == "timestamp" and _CHANGED.search(c.name)]
    if key and changed:
        entry = {"sync_mode": "incremental", "cursor": Flow(column=changed[0], lag=_LAG)}
    if key:
        entry["primary_key"] = key
    if pii := [c.name for c in profile.columns if c.pii is not None and c.pii.confidence >= 0.5]:
        entry["pii"] = pii
    return entry
