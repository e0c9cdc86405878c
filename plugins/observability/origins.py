"""Where a stream comes from, named as OpenLineage names datasets, without user, password or query.

postgres   postgres://host:port        database.schema.table
files      file, or s3://bucket        folder/glob
http       https://host                path/stream
else       scheme://host, or the source's name     stream
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from plugins.core.errors import SmeltError
from plugins.core.settings import ConnectionSettings, Settings, resolve


@dataclass(frozen=True)
class Origin:
    """A dataset of a source system."""

    namespace: str
    name: str


def origin(settings: Settings, source: str, stream: str) -> Origin:
    """The dataset that the stream reads; the names of source and stream where its address cannot be told."""
    tree = _declared(settings.project_dir / "sources" / source / "source.yml")
    connection = settings.connections.get(str(tree.get("connection", source)))
    reference = (connection.dsn or connection.url) if connection else None
    unknown = Origin(source, stream)
    if connection is None or not reference:
        return unknown
    spec = next((s for s in tree.get("streams", []) if isinstance(s, dict) and s.get("name") == stream), {})
    try:
        address = resolve(reference, settings.project_dir, f"connections.{tree.get('connection', source)}")
        found = _named(connection, address, spec, stream, settings.project_dir) or unknown
        # A password with an unescaped @ or / is cut in the wrong place: what is left of it must not get out.
        return unknown if "@" in found.namespace + found.name else found
    except (SmeltError, ArgumentError, ValueError):
        return unknown


def _declared(path: Path) -> dict[str, Any]:
    """What source.yml says; ingest is who complains about a bad one."""
    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, YAMLError, ValueError):
        return {}
    return tree if isinstance(tree, dict) and isinstance(tree.get("streams", []), list) else {}


def _named(
    connection: ConnectionSettings, address: str, spec: dict[str, Any], stream: str, folder: Path
) -> Origin | None:
    if connection.type == "postgres":
        return _postgres(address, str(spec.get("table") or stream))
    if connection.type == "files":
        return _files(address, str((spec.get("files") or {}).get("glob", stream)), folder)
    parts = urlsplit(address)
    if not parts.hostname:
        return None
    if connection.type == "mysql":
        table = str(spec.get("table") or stream)
        named = table if "." in table else f"{parts.path.strip('/')}.{table}".strip(".")
        return Origin(f"mysql://{_host(parts.hostname, parts.port or 3306)}", named)
    name = f"{parts.path.strip('/')}/{stream}".strip("/") if connection.type == "http" else stream
    return Origin(f"{parts.scheme}://{_host(parts.hostname, parts.port)}", name)


def _postgres(dsn: str, table: str) -> Origin:
    table = table if "." in table else f"public.{table}"
    if "://" in dsn:
        url = make_url(dsn)
        host, port, database = url.host, url.port, url.database
    else:  # libpq's `host=… dbname=…`
        given = dict(part.split("=", 1) for part in shlex.split(dsn) if "=" in part)
        host, port, database = given.get("host"), int(given.get("port", 5432)), given.get("dbname")
    # Without a host it is a socket of this machine.
    namespace = f"postgres://{_host(host or 'localhost', port or 5432)}"
    return Origin(namespace, f"{database}.{table}" if database else table)


def _files(url: str, glob: str, folder: Path) -> Origin:
    parts = urlsplit(url)
    if parts.scheme and parts.scheme != "file":
        return Origin(f"{parts.scheme}://{parts.hostname}", f"{parts.path.strip('/')}/{glob}".lstrip("/"))
    return Origin("file", f"{(folder / (parts.path if parts.scheme else url)).resolve()}/{glob}")


def _host(host: str, port: int | None) -> str:
    return f"{host}:{port}" if port else host
