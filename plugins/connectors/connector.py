"""A connector made from a spec: what was inferred, and the files that say it to airbyte-cdk and to Smelt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from plugins.connectors.defects import Defect
from plugins.connectors.plain import explained, plain
from plugins.connectors.questions import Question
from plugins.connectors.streams import Inference, Input, Stream

_EXPLAINED = ("is_collection", "records", "primary_key", "pagination", "cursor", "given")


@dataclass(frozen=True)
class Connector:
    """What `connect` gives. `files` are texts by name (connector.yml, source.yml); without a stream there are
    none.

    `manifest` is connector.yml as a tree, `connection` the section for smelt.toml.
    """

    name: str
    spec: str
    inference: Inference
    inputs: tuple[Input, ...]
    questions: tuple[Question, ...]
    defects: tuple[Defect, ...]
    manifest: Mapping[str, Any]
    files: Mapping[str, str]
    connection: str

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams, in the order of the spec."""
        return self.inference.streams

    def document(self, written: tuple[str, ...] = ()) -> dict[str, Any]:
        """Everything as plain values, as `smelt connect --json` prints it."""
        inference = self.inference
        return {
            "spec": self.spec,
            "name": self.name,
            "title": inference.title,
            "version": inference.version,
            "base_url": plain(inference.server.value),
            "auth": plain(inference.auth.value),
            "rate_limit": plain(inference.limits.value),
            "inputs": [_input(one) for one in self.inputs],
            "streams": [_stream(stream) for stream in inference.streams],
            "skipped": [asdict(one) for one in inference.skipped],
            "questions": [asdict(one) for one in self.questions],
            "defects": [asdict(one) for one in self.defects],
            "connection": self.connection,
            "files": list(written),
            "reasons": {
                "base_url": explained(inference.server),
                "auth": explained(inference.auth),
                "rate_limit": explained(inference.limits),
            },
        }


def _input(one: Input) -> dict[str, Any]:
    found = asdict(one)
    return {name: value for name, value in found.items() if value not in (None, (), "")}


def _stream(stream: Stream) -> dict[str, Any]:
    cursor = stream.cursor.value
    return {
        "name": stream.name,
        "path": stream.path,
        "records": plain(stream.records.value),
        "primary_key": list(stream.primary_key.value),
        "pagination": plain(stream.pagination.value),
        "cursor": None if cursor is None else plain(cursor),
        "parent": plain(stream.given.value),
        "required_inputs": [one.name for one in stream.given.value.asked],
        "confidence": round(stream.confidence, 2),
        "reasons": {
            {"is_collection": "collection", "given": "parent"}.get(name, name): explained(getattr(stream, name))
            for name in _EXPLAINED
        },
    }
