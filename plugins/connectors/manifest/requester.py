"""Requests: where they go, what they carry, and what happens when they fail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from plugins.connectors.inference.limits import Limits
from plugins.connectors.inference.servers import Server
from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import snake
from plugins.connectors.manifest.text import is_plain, quoted
from plugins.connectors.streams import Stream

_ANYBODYS = vocabulary("requester", "anybodys")

_REFUSED = "the API refused the credentials (401): check the connection's secrets"
_FORBIDDEN = "the credentials are not allowed to read this (403): widen them, or leave the stream out"
_NOTHING = "there is nothing at this address (404): check base_url and inputs"
_ELSEWHERE = "the records are not where they were guessed to be: correct field_path in connector.yml"


def url_base(server: Server) -> str:
    """The base URL as a template; `base_url` of the configuration goes before what the spec says."""
    if not server.url:
        return "{{ config['base_url'] }}"
    parts = re.split(r"{(\w+)}", server.url)
    literals = [f"'{part}'" if number % 2 == 0 else f"config['{part}']" for number, part in enumerate(parts)]
    joined = " ~ ".join(part for part in literals if part != "''")
    return (
        f"{{{{ config.get('base_url') or ({joined}) }}}}"
        if server.variables
        else f"{{{{ config.get('base_url') or {joined} }}}}"
    )


def base_requester(
    server: Server, authenticator: dict[str, Any] | None, headers: Mapping[str, str]
) -> dict[str, Any]:
    """What all streams' requests share."""
    made: dict[str, Any] = {"type": "HttpRequester", "url_base": url_base(server), "http_method": "GET"}
    if authenticator is not None:
        made["authenticator"] = {"$ref": "#/definitions/authenticator"}
    made["request_headers"] = dict(headers)
    made["error_handler"] = {"$ref": "#/definitions/error_handler"}
    return made


def path_of(stream: Stream, by_path: Mapping[str, Stream]) -> str:
    """The path as a template: parameters come from parents, from their parents, or from the configuration."""
    given = stream.given.value

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if template := parent_value(stream, name):
            return template
        if name in given.inherited:
            return _inherited(stream, name, by_path)
        return f"{{{{ config[{quoted(input_name(stream, name))}] }}}}"

    return re.sub(r"{([^{}]+)}", value, stream.path)


def input_name(stream: Stream, parameter: str) -> str:
    """What the configuration calls a parameter that the user gives: `id` of one stream is not that of another."""
    name = snake(parameter)
    return f"{stream.name}_{name}" if name in _ANYBODYS else name


def parent_value(stream: Stream, parameter: str) -> str:
    """The template of a parameter that a parent gives; empty if none does."""
    for parent in stream.given.value.parents:
        if parent.parameter == parameter:
            if is_partition_field(stream, parameter):
                return f"{{{{ stream_partition[{quoted(snake(parameter))}] }}}}"
            return f"{{{{ stream_slice.extra_fields[{quoted(parent.field)}] }}}}"
    return ""


def _inherited(stream: Stream, name: str, by_path: Mapping[str, Stream]) -> str:
    """The template of a parameter that a parent takes from its own: each step up is a `parent_slice`."""
    above, expression = stream, "stream_partition"
    for _ in range(5):
        parent = next((one for one in above.given.value.parents if f"{{{name}}}" in one.path), None)
        if parent is None:
            break
        above, expression = by_path[parent.path], f"{expression}['parent_slice']"
        if any(one.parameter == name for one in above.given.value.parents):
            if not is_partition_field(above, name):
                return f"{{{{ stream_slice.extra_fields[{quoted(carried_name(above, name))}] }}}}"
            return f"{{{{ {expression}[{quoted(snake(name))}] }}}}"
    return f"{{{{ config[{quoted(input_name(above, name))}] }}}}"


def carried(stream: Stream, by_path: Mapping[str, Stream]) -> list[str]:
    """Fields of the parent's records that hold its own parents' further keys, for a path that needs them, too."""
    found = []
    for name in stream.given.value.inherited:
        for one in stream.given.value.parents:
            above = by_path[one.path]
            if any(p.parameter == name for p in above.given.value.parents) and not is_partition_field(above, name):
                found.append(carried_name(above, name))
    return list(dict.fromkeys(found))


def carried_name(stream: Stream, parameter: str) -> str:
    """What a record calls a key of its parent that is added to it, beside what it has itself."""
    name = snake(parameter)
    return f"parent_{name}" if name in {snake(one) for one in stream.records.value.shape.properties} else name


def is_partition_field(stream: Stream, parameter: str) -> bool:
    """Of several fields of one parent the last is the partition's, the others are carried beside."""
    parents = stream.given.value.parents
    path = next(one.path for one in parents if one.parameter == parameter)
    return [one.parameter for one in parents if one.path == path][-1] == parameter


def parameters_of(stream: Stream, shared: Mapping[str, str]) -> dict[str, str]:
    """Query parameters that are the same on each page."""
    found = dict(shared) | {name: value for name, value in stream.fixed.items() if is_plain(name)}
    if stream.cursor.value is not None:
        found |= stream.cursor.value.fixed
    given = stream.given.value
    for parent in given.parents:
        if parent.place == "query":
            found[parent.parameter] = parent_value(stream, parent.parameter)
    for parameter in given.asked:
        if parameter.place == "query":
            found[parameter.name] = f"{{{{ config[{quoted(input_name(stream, parameter.name))}] }}}}"
    return found


def graphql_of(stream: Stream) -> dict[str, Any]:
    """What a GraphQL request has beside the base: one address, and a query with its variables."""
    asked = {
        one.name: f"{{{{ config[{quoted(input_name(stream, one.name))}] }}}}" for one in stream.given.value.asked
    }
    value: dict[str, Any] = {"query": stream.query}
    if variables := {**stream.variables, **asked}:
        value["variables"] = variables
    return {"http_method": "POST", "path": "", "request_body": {"type": "RequestBodyGraphQL", "value": value}}


def _graphql_failure() -> dict[str, Any]:
    """GraphQL tells errors in an answer that is 200."""
    return {
        "type": "HttpResponseFilter",
        "predicate": "{{ response.get('errors') and not response.get('data') }}",
        "action": "FAIL",
        "error_message": "the API refused the query: {{ response['errors'][0].get('message') }}",
    }


def headers_of(stream: Stream) -> dict[str, str]:
    """Headers that this stream's requests carry beside what all do."""
    asked = [one.name for one in stream.given.value.asked if one.place == "header"]
    given = {name: f"{{{{ config[{quoted(input_name(stream, name))}] }}}}" for name in asked}
    return {**stream.headers, **given}


def error_handler(
    limits: Limits, is_child: bool, is_graphql: bool = False, unlike_guess: str = ""
) -> dict[str, Any]:
    """429 waits as long as the API says, else longer each time; what a retry can't mend fails with a reason.

    A parent that is gone since it was listed (404) has no children. `unlike_guess`: when an answer is not as
    guessed.
    """
    waits: list[dict[str, Any]] = [{"type": "WaitTimeFromHeader", "header": "Retry-After"}]
    if limits.reset_header:
        waits.append({"type": "WaitUntilTimeFromHeader", "header": limits.reset_header, "min_wait": 1})
    waits.append({"type": "ExponentialBackoffStrategy", "factor": 1})
    filters: list[dict[str, Any]] = [
        _filter([429], "RATE_LIMITED"),
        _filter([500, 502, 503, 504], "RETRY"),
        _filter([401], "FAIL", "config_error", _REFUSED),
        _filter([403], "FAIL", "config_error", _FORBIDDEN),
        _filter([404], "IGNORE")
        if is_child
        else _filter([404], "FAIL", "config_error", _NOTHING),
    ]  # fmt: skip
    if is_graphql:
        filters.append(_graphql_failure())
    if unlike_guess:
        filters.append(
            {
                "type": "HttpResponseFilter",
                "predicate": f"{{{{ {unlike_guess} }}}}",
                "action": "FAIL",
                "failure_type": "config_error",
                "error_message": _ELSEWHERE,
            }
        )
    return {
        "type": "DefaultErrorHandler",
        "max_retries": 5,
        "backoff_strategies": waits,
        "response_filters": filters,
    }


def _filter(codes: list[int], action: str, failure: str = "", message: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"type": "HttpResponseFilter", "http_codes": codes, "action": action}
    return {**made, "failure_type": failure, "error_message": message} if failure else made
