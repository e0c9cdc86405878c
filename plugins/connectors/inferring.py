"""The whole inference, in order: what is a collection, then its key, then whose child it is, then the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from plugins.connectors.inference.auth import infer_auth
from plugins.connectors.inference.collections import judge
from plugins.connectors.inference.cursors import infer_cursor
from plugins.connectors.inference.headers import required_headers
from plugins.connectors.inference.keys import infer_key
from plugins.connectors.inference.limits import infer_limits
from plugins.connectors.inference.names import entity_of, unique_names
from plugins.connectors.inference.pagination import infer_pagination
from plugins.connectors.inference.parents import Candidate, Given, depth_of, infer_parents
from plugins.connectors.inference.records import Records, infer_records
from plugins.connectors.inference.servers import infer_server
from plugins.connectors.inference.words import is_parameter, segments, singular_name
from plugins.connectors.inferred import Inferred
from plugins.connectors.manifest.text import is_plain
from plugins.connectors.schemas import record_schema
from plugins.connectors.spec.api import Api, Operation
from plugins.connectors.spec.shapes import Shape
from plugins.connectors.streams import Inference, Key, Skipped, Stream

_MAX_DEPTH = 3
# What Jinja would read, or a line would end at, in what goes into a template as it is.
_HOSTILE = re.compile(r"[{}%#\\\x00-\x1f\"']")


@dataclass(frozen=True)
class _Found:
    operation: Operation
    is_collection: Inferred[bool]
    records: Inferred[Records]
    primary_key: Inferred[Key]


def infer(api: Api, location: str) -> Inference:
    """Everything that can be said of `api`, which was read from `location`."""
    found, skipped = _collections(api)
    candidates = {
        one.operation.path: Candidate(one.operation, one.records.value, one.primary_key.value) for one in found
    }
    given = {one.operation.path: infer_parents(one.operation, candidates) for one in found}
    found, given, more = _reachable(found, given)
    names = unique_names((one.operation, bool(given[one.operation.path].value.parents)) for one in found)
    streams = [_stream(one, names[one.operation.path], given[one.operation.path], api) for one in found]
    return Inference(
        title=api.title,
        version=api.version,
        description=api.description,
        server=infer_server(api, location),
        auth=infer_auth(api),
        limits=infer_limits(api),
        streams=tuple(streams),
        skipped=(*skipped, *more),
    )


def _collections(api: Api) -> tuple[list[_Found], list[Skipped]]:
    paths = [operation.path for operation in api.operations]
    judged: list[tuple[Operation, Inferred[bool], Inferred[Records] | None]] = []
    skipped = []
    for operation in api.operations:
        if hostile := _hostile(operation):
            skipped.append(Skipped(operation.path, hostile, 1.0))
            continue
        records = infer_records(operation, api.shapes)
        if records is not None and not all(is_plain(part) or part == "*" for part in records.value.path):
            skipped.append(Skipped(operation.path, "its records are under a name that a manifest can't hold", 1.0))
            continue
        root = api.shapes.of(operation.body.schema if operation.body else None, operation.where)
        verdict = judge(operation, records, paths, root)
        if verdict.value:
            judged.append((operation, verdict, records))
        else:
            skipped.append(Skipped(operation.path, verdict.reason, verdict.confidence))
    found = []
    for operation, verdict, records in judged:
        if records is None:
            others = [one for _, _, one in judged if one is not None]
            records = _from_item(operation, api) or _guessed(operation, others)
        elif not records.value.shape.properties and (known := _from_item(operation, api)) is not None:
            wrapped = records.value.path == () and known.value.path[:1] == ("*",)
            path = known.value.path if wrapped else records.value.path
            records = replace(records, value=replace(known.value, path=path), confidence=0.6, reason=known.reason)
        key = infer_key(operation, records.value, api.shapes, paths, "{" in operation.path)
        found.append(_Found(operation, verdict, records, key))
    return found, skipped


def _hostile(operation: Operation) -> str:
    """Names go into templates and URLs: what would be read there as anything else is refused."""
    if _HOSTILE.search(re.sub(r"{[^{}]*}", "", operation.path)) or len(operation.path) > 500:
        return "its path has characters that a URL has not"
    named = [*operation.query(), *(one for one in operation.parameters if one.place == "path")]
    bad = next((one.name for one in named if one.is_required and _HOSTILE.search(one.name)), None)
    return f"its required parameter {bad[:60]!r} has characters that a name has not" if bad else ""


def _from_item(operation: Operation, api: Api) -> Inferred[Records] | None:
    """Where a list is not described, one of its records may be: at the same path with a key behind it.

    A record that is wrapped there, `{"order": {…}}`, is taken to be wrapped in a list of them, too.
    """
    base = segments(operation.path)
    for other in api.operations:
        parts = segments(other.path)
        if other.body is None or len(parts) != len(base) + 1 or parts[:-1] != base or not is_parameter(parts[-1]):
            continue
        shape = api.shapes.of(other.body.schema, other.where)
        if shape.kind != "object" or not shape.properties:
            continue
        reason = f"what it answers is not described; one record is, at {other.path}"
        root = api.shapes.of(operation.body.schema if operation.body else None, operation.where)
        if len(shape.properties) == 1:
            ((name, raw),) = shape.properties.items()
            inner = api.shapes.of(raw, other.where)
            if inner.kind == "object" and root.kind in ("array", "unknown"):
                return Inferred(Records(("*", name), inner, raw), 0.5, reason, (Records((name,), inner, raw),))
        elif root.kind == "array":
            return Inferred(Records((), shape, other.body.schema), 0.5, reason)
    return None


def _guessed(operation: Operation, others: list[Inferred[Records]]) -> Inferred[Records]:
    """Where the records would be if this answer, which is not described, were like the API's others."""
    entity = entity_of(operation.path)
    styles = {"wrapped": 0, "root": 0, "data": 0, "named": 0}
    for one in others:
        path = one.value.path
        kind = (
            "wrapped" if path[:1] == ("*",) else "root" if not path else "data" if path == ("data",) else "named"
        )
        styles[kind] += 1
    style = max(styles, key=lambda kind: styles[kind]) if others else "named"
    path = {
        "wrapped": ("*", singular_name(entity)),
        "root": (),
        "data": ("data",),
        "named": (entity,),
    }[style]
    reason = "what it answers is not described; taken to be like the API's other lists"
    return Inferred(Records(path, Shape()), 0.3, reason, (Records((), Shape()), Records(("data",), Shape())))


def _reachable(
    found: list[_Found], given: dict[str, Inferred[Given]]
) -> tuple[list[_Found], dict[str, Inferred[Given]], list[Skipped]]:
    """Leave out streams whose parents lead in a circle or too deep."""
    parents = {path: one.value.parents for path, one in given.items()}
    deep = {one.operation.path for one in found if depth_of(one.operation.path, parents) > _MAX_DEPTH}
    skipped = [
        Skipped(path, f"its parents' parents go deeper than {_MAX_DEPTH} streams", 0.9) for path in sorted(deep)
    ]
    kept = [one for one in found if one.operation.path not in deep]
    return kept, {path: one for path, one in given.items() if path not in deep}, skipped


def _stream(found: _Found, name: str, given: Inferred[Given], api: Api) -> Stream:
    operation, records = found.operation, found.records
    shown = replace(
        operation, parameters=tuple(one for one in operation.parameters if not _HOSTILE.search(one.name))
    )
    taken = {one.parameter for one in given.value.parents} | {one.name for one in given.value.asked}
    free = replace(shown, parameters=tuple(one for one in shown.parameters if one.name not in taken))
    pagination = infer_pagination(free, records.value, found.primary_key.value, api)
    paging = {pagination.value.parameter, pagination.value.size_parameter}
    unpaged = replace(free, parameters=tuple(one for one in free.parameters if one.name not in paging))
    filters = replace(shown, parameters=tuple(one for one in shown.parameters if one.name not in paging))
    cursor = infer_cursor(filters, records.value, api)
    if cursor.value is not None and not is_plain(cursor.value.field):
        cursor = replace(
            cursor, value=None, reason=f"`{cursor.value.field[:60]}` is no name that a manifest can hold"
        )
    timed = {cursor.value.parameter, cursor.value.end_parameter, *cursor.value.fixed} if cursor.value else set()
    if any(one.name in timed for one in given.value.asked):
        asked = tuple(one for one in given.value.asked if one.name not in timed)
        given = replace(
            given, value=replace(given.value, asked=asked), confidence=given.confidence if asked else 0.8
        )
    fixed = {
        one.name: str(one.shape.default)
        for one in unpaged.query()
        if one.is_required and one.shape.default is not None and one.name not in timed
    }
    headers, asked = required_headers(shown, api)
    if asked:
        given = replace(
            given,
            value=replace(given.value, asked=(*given.value.asked, *asked)),
            confidence=min(given.confidence, 0.55),
            reason=f"{given.reason}; you have to give {', '.join(f'`{one.name}`' for one in asked)}",
        )
    return Stream(
        name=name,
        path=operation.path,
        description=" ".join((operation.summary or operation.description).split())[:200],
        is_collection=found.is_collection,
        records=records,
        primary_key=found.primary_key,
        pagination=pagination,
        cursor=cursor,
        given=given,
        schema=record_schema(records.value.raw, records.value.shape, api.shapes, operation.where),
        headers=headers,
        fixed={key: value for key, value in fixed.items() if not _HOSTILE.search(value)},
    )
