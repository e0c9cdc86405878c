"""Which fields of the query type are lists, and how they page: Relay connections, offsets, plain lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from plugins.connectors.graphql.queries import Selection, select, write_query
from plugins.connectors.graphql.types import Argument, Field, Types, is_object
from plugins.connectors.inference.auth import Auth, Scheme
from plugins.connectors.inference.keys import infer_key
from plugins.connectors.inference.limits import Limits
from plugins.connectors.inference.pagination import CURSOR, NONE, OFFSET, PAGE, Pagination
from plugins.connectors.inference.parents import Given
from plugins.connectors.inference.records import Records
from plugins.connectors.inference.servers import Server
from plugins.connectors.inference.words import plural, snake, words
from plugins.connectors.inferred import Inferred
from plugins.connectors.schemas import record_schema
from plugins.connectors.spec.api import Operation, Parameter
from plugins.connectors.spec.document import Document, introspection
from plugins.connectors.spec.references import References
from plugins.connectors.spec.shapes import Shape, Shapes
from plugins.connectors.streams import Inference, Skipped, Stream

_SIZES = ("limit", "first", "take", "perPage", "pageSize", "count", "per_page", "page_size", "size")
_OFFSETS = ("offset", "skip")
_PAGES = ("page", "pageNumber", "page_number")
_LISTS = ("nodes", "items", "data", "results", "records", "entries", "list", "rows", "values")
_KEYS = re.compile(r"^(id|ids|slug|key|handle|code|uuid|number|name|login|email|where)$")
_MOST_TOLD = re.compile(r"(?:max(?:imum)?|up to|at most)\D{0,30}(\d[\d,]*)", re.I)
_SIZE = 100


@dataclass(frozen=True)
class _List:
    """Where in a field's answer the records are, their type, and what to ask for around them."""

    path: tuple[str, ...]
    node: str
    around: Selection
    is_connection: bool
    confidence: float
    reason: str


def infer_graphql(document: Document) -> Inference:
    """The lists that the query type gives; the endpoint and the credentials are for the user to say."""
    types = Types(introspection(document))
    shapes = Shapes(References(document))
    streams: dict[str, Stream] = {}
    skipped: list[Skipped] = []
    fields = types.fields(types.query)
    if not fields:
        document.defects.add(
            "__schema", f"the query type {types.query!r} has no fields", "there is nothing to read"
        )
    for field in fields:
        found = _list_in(types, field)
        if reason := _why_not(field, found):
            skipped.append(Skipped(field.name, reason))
        elif found is not None:
            stream = _stream(types, field, found, shapes, set(streams))
            streams[stream.name] = stream
    bearer = Auth((Scheme("bearer"),))
    said = "an introspection result says nothing of authentication; most APIs take a bearer token"
    return Inference(
        title="",
        version="",
        description="",
        server=Inferred(Server(), 0.0, "an introspection result doesn't say where it comes from"),
        auth=Inferred(bearer, 0.4, said, (Auth(), Auth((Scheme("api_key", "header", "X-API-Key"),)))),
        limits=Inferred(Limits(), 0.7, "no rate is told; 429 is waited for"),
        streams=tuple(streams.values()),
        skipped=tuple(skipped),
    )


def _list_in(types: Types, field: Field) -> _List | None:
    kind = field.type
    if not is_object(kind):
        return None
    if kind.lists:
        return _List((), kind.name, {}, False, 0.9, "it is a list")
    inner = {one.name: one for one in types.fields(kind.name)}
    paged = {"pageInfo": {"hasNextPage": None, "endCursor": None}} if "pageInfo" in inner else {}
    is_connection = bool(paged) and any(one.name == "after" for one in field.arguments)
    if "nodes" in inner and inner["nodes"].type.lists and is_object(inner["nodes"].type):
        return _List(
            ("nodes",), inner["nodes"].type.name, paged, is_connection, 0.95, "it is a connection with nodes"
        )
    edges = inner.get("edges")
    if edges is not None and edges.type.lists:
        node = types.field(edges.type.name, "node")
        if node is not None and is_object(node.type):
            return _List(("edges", "*", "node"), node.type.name, paged, is_connection, 0.95, "it is a connection")
    for name in _LISTS:
        one = inner.get(name)
        if one is not None and one.type.lists and is_object(one.type):
            return _List((name,), one.type.name, {}, False, 0.85, f"`{name}` is a list")
    return None


def _why_not(field: Field, found: _List | None) -> str:
    if field.is_deprecated:
        return "it is deprecated"
    if found is None:
        return "it is one object or value, no list"
    needed = [one.name for one in field.arguments if one.is_required]
    if one := next((name for name in needed if _KEYS.match(name)), None):
        return f"a look-up: it needs `{one}`"
    if words(field.name)[:1] in (("search",), ("lookup",), ("find",)) or "query" in needed:
        return "a search, not a collection"
    if one := next((a for a in field.arguments if a.is_required and a.type.kind not in ("SCALAR", "ENUM")), None):
        return f"it needs the object `{one.name}`, which nobody can be asked for"
    return ""


def _stream(types: Types, field: Field, found: _List, shapes: Shapes, taken: set[str]) -> Stream:
    selection, schema = select(types, found.node)
    shape = shapes.of({**schema, "title": found.node}, field.name)
    records = Records(("data", field.name, *found.path), shape, schema)
    paging, paged = _pagination(field, found)
    asked = [one for one in field.arguments if one.is_required and one.name not in {one.name for one in paged}]
    wanted: Any = selection
    for part in reversed([part for part in found.path if part != "*"]):
        wanted = {part: wanted}
    parameters = tuple(
        Parameter(one.name, "query", True, Shape(kind="string", enum=types.enum(one.type.name)), one.description)
        for one in asked
    )
    name = _name(field.name, taken)
    operation = Operation(path=f"/{field.name}")
    sure = 0.95 if not asked else 0.5
    reason = (
        "it takes no argument that has to be given"
        if not asked
        else f"you have to give {', '.join(one.name for one in asked)}"
    )
    return Stream(
        name=name,
        path=field.name,
        description=" ".join(field.description.split())[:200],
        is_collection=Inferred(True, found.confidence, found.reason),
        records=Inferred(records, found.confidence, found.reason),
        primary_key=infer_key(operation, records, shapes, (), False),
        pagination=paging,
        cursor=Inferred(None, 0.7, "filters of GraphQL are objects of each API's own; read in full"),
        given=Inferred(Given(asked=parameters), sure, reason),
        schema=record_schema(schema, shape, shapes, field.name),
        query=write_query(field.name, [*paged, *asked], {**wanted, **found.around} if found.path else wanted),
        variables={paging.value.size_parameter: _size(field)} if paging.value.kind == NONE and paged else {},
    )


def _name(field: str, taken: set[str]) -> str:
    """In the plural; a word like `all` or `list` before it says nothing."""
    parts = [part for part in words(field) if part not in ("all", "list", "get", "fetch", "connection")] or [
        "records"
    ]
    name = snake("_".join((*parts[:-1], plural(parts[-1]))))
    number = 2
    while name in taken:
        name, number = f"{name.rstrip('_0123456789')}_{number}", number + 1
    return name


def _pagination(field: Field, found: _List) -> tuple[Inferred[Pagination], list[Argument]]:
    by_name = {one.name: one for one in field.arguments}
    size = next((by_name[name] for name in _SIZES if name in by_name), None)
    base = [size] if size else []
    root = ("data", field.name, "pageInfo")
    told = _size(field)
    if found.is_connection:
        made = Pagination(
            CURSOR,
            "after",
            size.name if size else "",
            told,
            told if size else None,
            next=(*root, "endCursor"),
            more=(*root, "hasNextPage"),
        )
        return Inferred(made, 0.95, "a Relay connection pages by `after` and `pageInfo.endCursor`"), [
            by_name["after"],
            *base,
        ]
    for names, kind in ((_OFFSETS, OFFSET), (_PAGES, PAGE)):
        if (name := next((one for one in names if one in by_name), None)) is not None:
            made = Pagination(kind, name, size.name if size else "", told, told if size else None)
            return Inferred(made, 0.85, f"`{name}` is an argument"), [by_name[name], *base]
    if size is not None:
        made = Pagination(NONE, size_parameter=size.name, size=told)
        return Inferred(made, 0.5, f"`{size.name}` limits the answer, but nothing asks for the next page"), base
    return Inferred(Pagination(), 0.85, "no argument asks for a page"), []


def _size(field: Field) -> int:
    """How many records to ask for: the most that a description tells, else a hundred."""
    for one in field.arguments:
        if one.name in _SIZES and (match := _MOST_TOLD.search(one.description)):
            return max(1, min(int(match[1].replace(",", "")), 1000))
    return _SIZE
