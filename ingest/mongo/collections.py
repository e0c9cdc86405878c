"""Collections of a source: which they are, and whether they are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient

from ingest.mongo.client import Deployment
from ingest.spec import SourceSpec, StreamSpec
from ingest.spec.mongo import MongoSpec
from plugins.core.errors import SmeltError


@dataclass(frozen=True, order=True)
class Namespace:
    """A collection of a database."""

    database: str
    collection: str

    def __str__(self) -> str:
        return f"{self.database}.{self.collection}"


def spec_of(stream: StreamSpec) -> MongoSpec:
    """What source.yml says of the stream's collection."""
    return stream.mongo or MongoSpec.model_validate({})


def namespace_of(deployment: Deployment, source: SourceSpec, stream: StreamSpec) -> Namespace:
    """The stream's collection. Raises SmeltError if nothing names its database."""
    spec = spec_of(stream)
    database = spec.database or deployment.database
    if not database:
        raise SmeltError(
            f"{source.name}.{stream.name}: nothing says in which database its collection is",
            "name it in the connection's url (mongodb://host/shop), or as `mongo: {database: shop}` in "
            f"{source.folder / 'source.yml'}",
        )
    return Namespace(database, spec.collection or stream.name)


def namespaces(deployment: Deployment, source: SourceSpec, streams: Sequence[StreamSpec]) -> dict[str, Namespace]:
    """The collections by name of their stream. Raises SmeltError if two streams read the same."""
    found = {stream.name: namespace_of(deployment, source, stream) for stream in streams}
    if len(set(found.values())) < len(found):
        raise SmeltError(f"{source.name}: two streams read the same collection", "correct `collection` of one")
    return found


def require_collection(
    deployment: Deployment,
    client: MongoClient[Any],
    stream: str,
    namespace: Namespace,
    *,
    with_images: bool = False,
    is_followed: bool = True,
) -> None:
    """Raise SmeltError if there is no such collection, or if its changes can't be followed; Transient.

    with_images: it must keep post-images. is_followed: its changes are to be read; a view may be pulled.
    """
    with deployment.explained(f"collections of {namespace.database}"):
        names = {"name": namespace.collection}
        found = list(client[namespace.database].list_collections(filter=names, authorizedCollections=True))
    if not found:
        raise SmeltError(
            f"{stream}: there is no collection {namespace}, or its user may not see it",
            "correct `mongo: {collection: …}`, or create the collection",
        )
    described = found[0]
    if is_followed and described.get("type", "collection") != "collection":
        raise SmeltError(
            f"{stream}: {namespace} is a {described['type']}, which has no change stream",
            "capture the collection behind it, or read it with sync_mode: full",
        )
    images = described.get("options", {}).get("changeStreamPreAndPostImages", {})
    if with_images and not images.get("enabled"):
        raise SmeltError(
            f"{stream}: {namespace} keeps no post-images, and source.yml says `full_document: required`",
            f"db.runCommand({{collMod: {namespace.collection!r}, changeStreamPreAndPostImages: "
            "{enabled: true}})",
        )
