"""What `smelt doctor` says of a deployment."""

from __future__ import annotations

from collections.abc import Sized

from ingest.mongo.client import Deployment, require_change_streams
from ingest.mongo.collections import namespaces, require_collection
from ingest.mongo.stream import Place, Watched
from ingest.spec import SourceSpec
from plugins.core.lake import LOG, Lake, read_state
from plugins.core.settings import Settings


def check(settings: Settings, source: SourceSpec) -> str:
    """A line about the server and the place in its change stream.

    Raises SmeltError if a collection isn't there, if the server has no change streams, or if it no longer has the
    changes that bronze lacks; Transient.
    """
    deployment = Deployment(settings, source.connection)
    captured = [stream for stream in source.streams if stream.sync_mode == "cdc"]
    found = namespaces(deployment, source, source.streams)
    with_images = source.mongo.full_document == "required"
    with deployment.client() as client:
        if not captured:
            with deployment.explained("asking what it is"):
                version = client.admin.command("buildInfo").get("version", "?")
            told = f"MongoDB {version}, {_counted(found)}"
        else:
            server = require_change_streams(deployment, client)
            told = f"MongoDB {server.version}, {_counted(found)}"
        for stream in source.streams:
            is_captured = stream in captured
            require_collection(
                deployment, client, f"{source.name}.{stream.name}", found[stream.name],
                with_images=with_images and is_captured, is_followed=is_captured,
            )  # fmt: skip
        if not captured:
            return told
        place = _place(settings, source)
        if place is None:
            return f"{told}; the first `smelt ingest {source.name}` begins to follow them"
        watched = Watched(
            deployment, source.name, [found[stream.name] for stream in captured], source.mongo.full_document
        )
        watched.open(client, place).close()
        now = watched.now(client)
        behind = "bronze is behind" if now.text > place.text else "bronze has everything"
        return f"{told}; the change stream goes on from where bronze is, {behind}"


def _counted(found: Sized) -> str:
    return f"{len(found)} collection{'' if len(found) == 1 else 's'}"


def _place(settings: Settings, source: SourceSpec) -> Place | None:
    lake = Lake(settings)
    table = lake.find(f"bronze.{source.name}{LOG}") if lake.exists() else None
    return Place.read(read_state(table).position) if table is not None else None
