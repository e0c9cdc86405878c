"""Streams of a manifest, and the partitions and cursors that belong to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plugins.connectors.inference.limits import Limits
from plugins.connectors.inference.times import EPOCH, EPOCH_MILLIS, READABLE
from plugins.connectors.inference.words import snake
from plugins.connectors.inferred import DOUBTFUL
from plugins.connectors.manifest import requester
from plugins.connectors.manifest.paging import paginator, sizes
from plugins.connectors.manifest.text import harmless, quoted
from plugins.connectors.streams import Stream

# What identifies a record by itself, and not only among its parent's.
_GLOBAL = 0.89
EARLIEST = "2000-01-01"


def declarative_stream(
    stream: Stream,
    streams: Sequence[Stream],
    limits: Limits,
    shared: Mapping[str, str],
    shared_headers: Mapping[str, str],
) -> dict[str, Any]:
    """One of `streams`, which are in the order of the manifest.

    `shared` and `shared_headers` are the query parameters and headers of all requests.
    """
    by_path = {one.path: one for one in streams}
    is_child = bool(stream.given.value.parents)
    asking: dict[str, Any] = {"$ref": "#/definitions/requester"}
    if stream.query:
        asking |= requester.graphql_of(stream)
    else:
        asking["path"] = requester.path_of(stream, by_path)
        if parameters := requester.parameters_of(stream, {**shared, **sizes(stream.pagination.value)}):
            asking["request_parameters"] = parameters
    if headers := requester.headers_of(stream):
        asking["request_headers"] = {**shared_headers, **headers}
    if guess := _unlike_guess(stream):
        asking["error_handler"] = requester.error_handler(limits, is_child, bool(stream.query), guess)
    elif is_child:
        asking["error_handler"] = {"$ref": "#/definitions/child_error_handler"}
    retriever: dict[str, Any] = {
        "type": "SimpleRetriever",
        "requester": asking,
        "record_selector": {
            "type": "RecordSelector",
            "extractor": {"type": "DpathExtractor", "field_path": _field_path(stream)},
        },
    }
    if (pages := paginator(stream.pagination.value, in_variables=bool(stream.query))) is not None:
        retriever["paginator"] = pages
    if is_child:
        retriever["partition_router"] = _routers(stream, streams)
    made: dict[str, Any] = {"type": "DeclarativeStream", "name": stream.name}
    if key := primary_key(stream):
        made["primary_key"] = list(key)
    made["retriever"] = retriever
    if stream.cursor.value is not None:
        made["incremental_sync"] = _cursor(stream)
    if added := added_fields(stream):
        made["transformations"] = [{"type": "AddFields", "fields": [_added(*one) for one in added]}]
    made["schema_loader"] = {"type": "InlineSchemaLoader", "schema": _schema(stream)}
    return made


def primary_key(stream: Stream) -> tuple[str, ...]:
    """The key in bronze: a child's name or number is only unique with its parent's key before it."""
    key = stream.primary_key.value
    if key and stream.given.value.parents and stream.primary_key.confidence < _GLOBAL:
        return (*(name for name, _, _ in _parent_fields(stream) if name not in key), *key)
    return key


def added_fields(stream: Stream) -> list[tuple[str, str, str]]:
    """Name, template and type of the parents' keys that records don't carry themselves."""
    has = {snake(name) for name in stream.records.value.shape.properties}
    return [one for one in _parent_fields(stream) if one[0] not in has]


def _parent_fields(stream: Stream) -> list[tuple[str, str, str]]:
    return [
        (
            snake(parent.parameter)
            if requester.is_partition_field(stream, parent.parameter)
            else requester.carried_name(stream, parent.parameter),
            requester.parent_value(stream, parent.parameter),
            "string",
        )
        for parent in stream.given.value.parents
    ]


def _added(name: str, template: str, kind: str) -> dict[str, Any]:
    return {"type": "AddedFieldDefinition", "path": [name], "value": template, "value_type": kind}


def _field_path(stream: Stream) -> list[str]:
    """Of an answer that is a list the CDK hands on each element: `*` before what they are wrapped in is done
    already."""
    path = stream.records.value.path
    return list(path[1:] if path[:1] == ("*",) and len(path) > 1 else path)


def _unlike_guess(stream: Stream) -> str:
    """Where the records are only guessed: what an answer is if they are not there. It is an error then, not
    empty."""
    path = stream.records.value.path
    if stream.records.confidence >= DOUBTFUL or path == ("*",):
        return ""
    if path[:1] == ("*",):
        return f"response is mapping or (response and {quoted(path[1])} not in response[0])"
    return f"{quoted(path[0])} not in response" if path else "response is mapping"


def _routers(stream: Stream, streams: Sequence[Stream]) -> Any:
    places = {one.path: place for place, one in enumerate(streams)}
    carried = requester.carried(stream, {one.path: one for one in streams})
    routers = []
    parents = stream.given.value.parents
    for path in dict.fromkeys(one.path for one in parents):
        own = [one for one in parents if one.path == path]
        parent: dict[str, Any] = {
            "type": "ParentStreamConfig",
            "stream": {"$ref": f"#/streams/{places[path]}"},
            "parent_key": own[-1].field,
            "partition_field": snake(own[-1].parameter),
        }
        if extra := [[one.field] for one in own[:-1]] + [[name] for name in carried]:
            parent["extra_fields"] = extra
        routers.append({"type": "SubstreamPartitionRouter", "parent_stream_configs": [parent]})
    # Two routers give each pair of their partitions.
    return routers[0] if len(routers) == 1 else routers


def _cursor(stream: Stream) -> dict[str, Any]:
    cursor = stream.cursor.value
    if cursor is None:
        raise ValueError(f"{stream.name} has no cursor")
    numeric = cursor.format in (EPOCH, EPOCH_MILLIS)
    formats = [cursor.format] if numeric else []
    made: dict[str, Any] = {
        "type": "DatetimeBasedCursor",
        "cursor_field": cursor.field,
        "datetime_format": cursor.format,
        "cursor_datetime_formats": [
            *formats,
            *(one for one in READABLE if one not in formats),
            *([] if numeric else [EPOCH]),
        ],
        "start_datetime": {
            "type": "MinMaxDatetime",
            "datetime": f"{{{{ config.get('start_date') or '{EARLIEST}' }}}}",
            "datetime_format": "%Y-%m-%d",
        },
        "start_time_option": {
            "type": "RequestOption",
            "inject_into": "request_parameter",
            "field_name": cursor.parameter,
        },
    }
    if cursor.end_parameter and cursor.is_end_required:
        made["end_time_option"] = {
            "type": "RequestOption",
            "inject_into": "request_parameter",
            "field_name": cursor.end_parameter,
        }
    return made


def _schema(stream: Stream) -> dict[str, Any]:
    schema = dict(stream.schema)
    properties = dict(schema.get("properties", {}))
    for name, _, kind in added_fields(stream):
        properties[name] = {"type": [kind, "null"]}
    if stream.cursor.value is not None:
        properties.setdefault(stream.cursor.value.field, {"type": ["string", "null"]})
    schema["properties"] = {harmless(name, 200): value for name, value in properties.items()}
    return schema
