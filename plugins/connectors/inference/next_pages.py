"""Where an answer says what comes next: a token, an address, a number, or whether there is more."""

from __future__ import annotations

import re

from plugins.connectors.inference.records import Records
from plugins.connectors.inference.words import words
from plugins.connectors.spec.api import Api, Operation, Parameter
from plugins.connectors.spec.shapes import Shape, Shapes

_NEXT_TOKEN = re.compile(
    r"^(next)?(page)?_?(cursor|token|marker|continuation(token)?|bookmark|scrollid|offset|startingafter)$|"
    r"^(next|after|endcursor|nextoffset|nextpageid|nextid)$"
)
NEXT_URL_NAME = re.compile(
    r"^(next|nextpage|nexturl|nexturi|nextlink|nextpageurl|nextpageuri|nexthref|odatanextlink|uri|href|url)$"
)
MORE_NAME = re.compile(
    r"^(hasmore|more|hasnext|hasnextpage|moreresults|ismore|moreavailable|hasmoreitems|moredataavailable)$"
)


def find(
    operation: Operation,
    records: Records,
    shapes: Shapes,
    pattern: re.Pattern[str],
    kind: str,
    is_url: bool = False,
) -> list[tuple[str, ...]]:
    """Where beside the records the answer has a property of that name, up to three levels deep."""
    if operation.body is None:
        return []
    found: list[tuple[str, ...]] = []

    def look(shape: Shape, path: tuple[str, ...]) -> None:
        for name, raw in shape.properties.items():
            here = (*path, name)
            if here == records.path[: len(here)] and len(here) == len(records.path):
                continue
            inner = shapes.of(raw, operation.where)
            plain = "".join(words(name))
            if inner.kind == "object" and len(here) < 3:
                look(inner, here)
            elif pattern.match(plain) and _fits(inner, kind, is_url, here):
                found.append(here)

    look(shapes.of(operation.body.schema, operation.where), ())
    return sorted(found, key=lambda path: (not any("next" in part.lower() for part in path), len(path)))


def _fits(inner: Shape, kind: str, is_url: bool, path: tuple[str, ...]) -> bool:
    if is_url:
        above = [word for part in path for word in words(part)]
        if "next" not in above or inner.kind not in ("string", "unknown"):
            return False
        said = f"{inner.format} {inner.description} {inner.example or ''} {' '.join(above)}".lower()
        return bool(re.search(r"uri|url|https?:|link|href|paging", said))
    if kind == "integer":
        return inner.kind in ("integer", "number")
    return inner.kind in (kind, "unknown")


def find_token(
    operation: Operation, records: Records, api: Api, parameter: Parameter
) -> tuple[tuple[str, ...], float] | None:
    """Where the next token is, and what to take off for how that is known."""
    found = [
        path
        for kind in ("string", "integer")
        for path in find(operation, records, api.shapes, _NEXT_TOKEN, kind)
        if not _looks_like_url(path, operation, api.shapes)
    ]
    found = [path for path in found if "prev" not in ".".join(path).lower() and "before" not in path[-1].lower()]
    if found:
        return found[0], 0.0
    own = re.escape(parameter.name)
    # Prose shows answers that the schema has not: `"next_page": {"offset": "eyJ…"`.
    shown = re.compile(
        rf'"(next\w*|paging|pagination|meta)"\s*:\s*{{\s*"({own}|next\w*|cursor|token|after)"\s*:', re.I
    )
    # …and words do: a `next_page` with an `offset`.
    named = re.compile(
        rf"`(next\w*|paging|pagination|meta)`[^.`\n]{{0,40}}`({own}|next\w*|cursor|token|after)`", re.I
    )
    for text in (operation.description, api.description, *(one.description for one in api.operations)):
        if match := shown.search(text) or named.search(text):
            return (match[1], match[2]), 0.15
    for name, raw in api.schemas.items():
        if "".join(words(name)) in ("nextpage", "paging", "pagination", "cursor", "cursors"):
            inner = api.shapes.of(raw, f"schema {name}")
            for inside in inner.properties:
                plain = "".join(words(inside))
                if plain in ("".join(words(parameter.name)), "nextcursor", "nexttoken", "next"):
                    return ("_".join(words(name)), inside), 0.25
    return None


def find_next_of(
    operation: Operation, records: Records, api: Api, parameter: Parameter
) -> tuple[tuple[str, ...], float] | None:
    """Where the answer has a property called like the parameter, with `next` before it."""
    if parameter.is_lost or parameter.is_required:
        return None
    pattern = re.compile(f"^next{re.escape(''.join(words(parameter.name)))}$")
    found = [
        path for kind in ("string", "integer") for path in find(operation, records, api.shapes, pattern, kind)
    ]
    found = [path for path in found if not _looks_like_url(path, operation, api.shapes)]
    return (found[0], 0.0) if found else None


def _looks_like_url(path: tuple[str, ...], operation: Operation, shapes: Shapes) -> bool:
    shape = shapes.of(operation.body.schema if operation.body else None, operation.where)
    for part in path:
        shape = shapes.property_of(shape, part, operation.where)
    return _fits(shape, "string", True, path) and bool(
        {"next", "url", "uri", "link", "href"} & set(words(path[-1])[-1:])
    )
