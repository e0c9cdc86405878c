"""Kafka topics as a source: what discovery found in their messages becomes `source.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from plugins.core.discovery import SourceProfile
from plugins.core.editing.yaml_text import Flow
from plugins.core.errors import SmeltError
from plugins.core.settings import KafkaSettings, Settings
from plugins.discovery import Place
from plugins.onboard.drafted import Drafted, source_yml, toml_section
from plugins.onboard.naming import stream_names
from plugins.onboard.places import synced


def kafka_of(settings: Settings, servers: str, values: Mapping[str, str]) -> KafkaSettings:
    """Properties of the client: those of a connection of smelt.toml to the same brokers, and what was given.

    Raises SmeltError for a secret that is no reference.
    """
    known = [one.kafka for one in settings.connections.values() if one.type == "kafka" and one.url == servers]
    found = known[0] if known else KafkaSettings()
    try:
        return KafkaSettings.model_validate({**found.model_dump(), "options": {**found.options, **values}})
    except ValidationError as error:
        told = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise SmeltError(told, "--set sasl.password=env:NAME, or file:PATH") from error


def draft_topics(
    servers: str, kafka: KafkaSettings, name: str, owner: str, place: Place, found: SourceProfile
) -> Drafted:
    """Each topic a stream; those that are compacted have a key, so that a tombstone deletes."""
    profiles = {profile.name: profile for profile in found.streams}
    names, notes = stream_names([("", stream.name) for stream in place.streams])
    entries: list[Mapping[str, Any]] = []
    for stream_name, stream in zip(names, place.streams, strict=True):
        entry: dict[str, Any] = {"name": stream_name, "kafka": Flow(topic=stream.name)}
        if stream.declared_key:
            entry["primary_key"] = list(stream.declared_key)
        if pii := synced(profiles[stream.name]).get("pii"):
            entry["pii"] = pii
        entries.append(entry)
    reached = kafka.model_dump(exclude_defaults=True)
    section = toml_section(name, {"type": "kafka", "url": servers} | ({"kafka": reached} if reached else {}))
    text = source_yml(f"Topics of {servers}.", "kafka", name, owner, entries)
    told = (*place.notes, *notes, *(f"{one.name}: {note}" for one in place.streams for note in one.notes))
    return Drafted(name, "kafka", {f"sources/{name}/source.yml": text}, section, notes=told)
