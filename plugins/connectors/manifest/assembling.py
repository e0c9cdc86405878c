"""The whole manifest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plugins.connectors.inference.limits import Limits
from plugins.connectors.manifest import authentication, requester
from plugins.connectors.manifest.streams import declarative_stream
from plugins.connectors.manifest.text import harmless
from plugins.connectors.streams import Inference, Input, Stream

# The oldest version of the manifest's language that has everything used here.
LANGUAGE = "7.0.0"


def build_manifest(inference: Inference, inputs: Sequence[Input]) -> dict[str, Any]:
    """The manifest of all streams of `inference`; there must be one at least."""
    auth, limits = inference.auth.value, inference.limits.value
    headers, parameters = authentication.beside(auth)
    authenticator = authentication.authenticator(auth)
    definitions: dict[str, Any] = {}
    if authenticator is not None:
        definitions["authenticator"] = authenticator
    is_graphql = any(stream.query for stream in inference.streams)
    definitions["error_handler"] = requester.error_handler(limits, False, is_graphql)
    if any(stream.given.value.parents for stream in inference.streams):
        definitions["child_error_handler"] = requester.error_handler(limits, True, is_graphql)
    shared = {"Accept": "application/json", **headers}
    definitions["requester"] = requester.base_requester(inference.server.value, authenticator, shared)
    made: dict[str, Any] = {
        "version": LANGUAGE,
        "type": "DeclarativeSource",
        "description": harmless(inference.title, 120),
        "check": {"type": "CheckStream", "stream_names": [_first_to_check(inference.streams).name]},
        "definitions": definitions,
        "streams": [
            declarative_stream(stream, inference.streams, limits, parameters, shared)
            for stream in inference.streams
        ],
        "spec": {"type": "Spec", "connection_specification": connection_specification(inputs)},
    }
    if (budget := _budget(limits)) is not None:
        made["api_budget"] = budget
    return made


def connection_specification(inputs: Sequence[Input]) -> dict[str, Any]:
    """The JSON schema of the configuration."""
    properties: dict[str, Any] = {}
    for number, one in enumerate(inputs):
        about: dict[str, Any] = {"type": "string", "title": one.title, "order": number}
        if one.description:
            about["description"] = harmless(one.description)
        if one.is_secret:
            about["airbyte_secret"] = True
        if one.default is not None:
            about["default"] = harmless(one.default)
        if one.choices:
            about["enum"] = [harmless(choice) for choice in one.choices]
        properties[one.name] = about
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "required": [one.name for one in inputs if one.is_required],
        "properties": properties,
        "additionalProperties": True,
    }


def _first_to_check(streams: Sequence[Stream]) -> Stream:
    """The stream that tells soonest whether the credentials work: no parents, nothing asked, the surest."""
    return min(
        streams,
        key=lambda one: (bool(one.given.value.parents), bool(one.given.value.asked), -one.confidence),
    )


def _budget(limits: Limits) -> dict[str, Any] | None:
    if limits.rate is None:
        return None
    rate = {"type": "Rate", "limit": limits.rate.requests, "interval": f"PT{limits.rate.seconds}S"}
    return {
        "type": "HTTPAPIBudget",
        "policies": [{"type": "MovingWindowCallRatePolicy", "rates": [rate], "matchers": []}],
    }
