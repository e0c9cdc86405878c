"""How the next page is asked for, and how large a page may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from plugins.connectors.inference.records import Records
from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import words
from plugins.connectors.inferred import Inferred
from plugins.connectors.spec.api import Api, Operation, Parameter
from plugins.connectors.spec.shapes import Shape, Shapes

NONE, PAGE, OFFSET, CURSOR, NEXT_URL, LINK_HEADER = "none", "page", "offset", "cursor", "next_url", "link_header"

_PAGE = vocabulary("pagination", "page")
_OFFSET = vocabulary("pagination", "offset")
_TOKEN = vocabulary("pagination", "token")
_SIZE = vocabulary("pagination", "size")
_TOKEN_SAID = re.compile(
    r"\b(token|opaque|cursor|returned (by|from|in|to you)|previous(ly)? (response|request|page))", re.I
)
_LAST_SEEN = re.compile(
    r"\b(id|identifier|key) of the last\b|\blast (item|object|record|row)(['’]s)? (id|identifier|key)\b", re.I
)
_LINK = re.compile(r"\bLink[`'\"]? (response )?header|rel=\W{0,2}next", re.I)
_DEPRECATED = re.compile(r"\bdeprecated\b", re.I)
_ZERO = re.compile(
    r"(defaults? (to|is|:)?\s*|start(s|ing)?( (at|from|with))?\s*|first page( is)?\s*|=\s*)`?0\b|\b0[- ](based|"
    r"indexed)|zero[- ](based|indexed)",
    re.I,
)
_MOST = (
    re.compile(r"between\s+\d+\s+and\s+(\d[\d,]*)", re.I),
    re.compile(r"\b1\s*(?:-|–|to|\.\.)\s*(\d[\d,]*)\b", re.I),
    re.compile(
        r"(?:max(?:imum)?|no more than|up to|at most|cannot exceed|not exceed|limit(?:ed)? (?:to|of|is)|"
        r"exceeds maximum of|less than or equal to|<=)[^.\d\n]{0,60}?(\d[\d,]*)",
        re.I,
    ),
    re.compile(r"(\d[\d,]*)\s*(?:is the )?(?:\(?max(?:imum)?\b)", re.I),
)
_GROUPS = re.compile(
    r"\b(?:groups|pages|batches|sets?) of (?:up to )?(\d[\d,]*)\b|(?:up to|maximum of) (\d[\d,]*) (?:\w+ "
    r")?(?:per|on each|a) page",
    re.I,
)
_LARGEST = 10_000
# Where an answer says what comes next, as words: the property's own, and those of what it lies in.
_NEXT_TOKEN = re.compile(
    r"^(next)?(page)?_?(cursor|token|marker|continuation(token)?|bookmark|scrollid|offset|startingafter)$|"
    r"^(next|after|endcursor|nextoffset|nextpageid|nextid)$"
)
_NEXT_URL = re.compile(
    r"^(next|nextpage|nexturl|nexturi|nextlink|nextpageurl|nextpageuri|nexthref|odatanextlink|uri|href|url)$"
)
_MORE = re.compile(
    r"^(hasmore|more|hasnext|hasnextpage|moreresults|ismore|moreavailable|hasmoreitems|moredataavailable)$"
)


@dataclass(frozen=True)
class Pagination:
    """`kind`, the query parameters of the next page and of its size, and where the answer says what comes next.

    `start`: the first page's number. `max_size`: the most records of a page, where that is told. `more`: where the
    answer says whether there is more. `last_field`: the token is this field of the last record.
    """

    kind: str = NONE
    parameter: str = ""
    size_parameter: str = ""
    size: int | None = None
    max_size: int | None = None
    start: int = 1
    next: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    last_field: str = ""


def infer_pagination(
    operation: Operation, records: Records, key: tuple[str, ...], api: Api
) -> Inferred[Pagination]:
    """Weighs the request's parameters and what the answer says comes next."""
    parameters = {one.name: one for one in operation.query()}
    size = _size_parameter(parameters)
    max_size = _max_size(size, operation, api)
    base = Pagination(
        size_parameter=size.name if size else "",
        size=_size(size, max_size),
        max_size=max_size,
        more=next(iter(_find(operation, records, api.shapes, _MORE, "boolean")), ()),
    )
    found = sorted(_choices(operation, parameters, base, records, key, api), key=lambda one: -one[1])
    if not found:
        return _without_parameters(operation, records, api, base)
    (best, score, why), others = found[0], found[1:]
    if others and score - others[0][1] < 0.05 and others[0][0].kind != best.kind:
        score -= 0.1
    return Inferred(best, round(min(score, 0.97), 2), why, tuple(one for one, _, _ in others[:3]))


def _choices(
    operation: Operation,
    parameters: dict[str, Parameter],
    base: Pagination,
    records: Records,
    key: tuple[str, ...],
    api: Api,
) -> Iterator[tuple[Pagination, float, str]]:
    urls = _find(operation, records, api.shapes, _NEXT_URL, "string", is_url=True)
    url = urls[0] if urls else ()
    for parameter in parameters.values():
        plain = "".join(words(parameter.name))
        old = 0.3 if _DEPRECATED.search(parameter.prose) else 0.0
        lost = 0.15 if parameter.is_lost else 0.0
        if _is_token(parameter, plain) or (plain not in _PAGE and _next_of(operation, records, api, parameter)):
            token = _token(operation, records, api, parameter)
            token = _next_of(operation, records, api, parameter) or token
            choice = replace(base, kind=CURSOR, parameter=parameter.name)
            is_last = plain in ("startingafter", "startafter") or _LAST_SEEN.search(parameter.prose)
            if is_last and (not token or "".join(words(token[0][-1])) != plain):
                field = key[0] if key else "id"
                yield (
                    replace(choice, last_field=field),
                    0.85 - old,
                    f"`{parameter.name}` takes the last record's {field}",
                )
            elif token:
                where = ".".join(token[0])
                yield (
                    replace(choice, next=token[0]),
                    0.9 - old - token[1],
                    f"`{parameter.name}` takes the answer's `{where}`",
                )
            elif url:
                yield (
                    replace(choice, kind=NEXT_URL, next=url),
                    0.9 - old,
                    f"the answer's `{'.'.join(url)}` is the next page",
                )
            elif (
                not records.path
                and api.shapes.of(operation.body.schema if operation.body else None, "").kind == "array"
            ):
                # A list has no room for a token: what says it must be a header, of which one is a standard.
                told = f"`{parameter.name}` is a token, and the answer is a bare list: then the Link header has it"
                yield replace(choice, kind=LINK_HEADER), 0.55 - old, told
            else:
                yield choice, 0.5 - old, f"`{parameter.name}` is a token, but the answer doesn't say where it is"
        elif plain in _PAGE:
            start = _first_page(parameter)
            told = " (its reference is broken; the name is the file's)" if parameter.is_lost else ""
            choice = replace(base, kind=PAGE, parameter=parameter.name, start=start)
            following = _find(operation, records, api.shapes, _NEXT_NUMBER, "integer")
            if following:
                choice = replace(choice, next=following[0])
            yield choice, 0.92 - old - lost, f"`{parameter.name}` is a page's number{told}"
        elif plain in _OFFSET and _is_number(parameter):
            sure = 0.92 if plain in ("offset", "skip") else 0.8 if base.size_parameter else 0.4
            if plain in ("from", "start") and re.search(r"\bdate|time\b", parameter.prose, re.I):
                continue
            yield (
                replace(base, kind=OFFSET, parameter=parameter.name),
                sure - old - lost,
                f"`{parameter.name}` counts the records to skip",
            )
    if url and (base.size_parameter or any("".join(words(name)) in _PAGE for name in parameters)):
        yield replace(base, kind=NEXT_URL, next=url), 0.8, f"the answer's `{'.'.join(url)}` is the next page"
    elif url and words(url[-1])[:1] == ("next",):
        yield replace(base, kind=NEXT_URL, next=url), 0.75, f"the answer's `{'.'.join(url)}` is the next page"
    if _says_link(operation):
        parameter = next((name for name in parameters if "".join(words(name)) in _PAGE), "")
        yield replace(base, kind=LINK_HEADER, parameter=parameter), 0.93, "the Link header has the next page"


_NEXT_NUMBER = re.compile(r"^(next|nextpage|nextpagenumber)$")


def _without_parameters(
    operation: Operation, records: Records, api: Api, base: Pagination
) -> Inferred[Pagination]:
    """One page; doubtful if the answer tells of a next one that nothing asks for."""
    if base.size_parameter:
        reason = f"`{base.size_parameter}` limits the answer, but nothing asks for the next page"
        return Inferred(replace(base, kind=NONE), 0.55, reason)
    told = [path for path in _find(operation, records, api.shapes, _NEXT_TOLD, "string") if path]
    told += [base.more] if base.more else []
    if told:
        where = ".".join(told[0])
        return Inferred(
            Pagination(), 0.5, f"no parameter asks for a page, though the answer tells of one (`{where}`)"
        )
    return Inferred(Pagination(), 0.85, "no parameter asks for a page")


_NEXT_TOLD = re.compile(r"^(next\w*|startingafter|endcursor|cursor)$")


def _is_token(parameter: Parameter, plain: str) -> bool:
    if parameter.is_lost:
        return plain in _TOKEN
    said = bool(_TOKEN_SAID.search(parameter.prose))
    parts = words(parameter.name)
    if len(parts) > 1 and parts[-1] == "cursor" and not {"end", "before", "previous", "prev"} & set(parts):
        return True
    if plain in _TOKEN:
        # `after` may be a time, `next` a number.
        return (
            plain not in ("after", "next", "marker")
            or said
            or not re.search(r"\bdate|time\b", parameter.prose, re.I)
        )
    return (plain in _PAGE or plain in _OFFSET) and said and parameter.shape.kind in ("string", "unknown")


def _is_number(parameter: Parameter) -> bool:
    shape = parameter.shape
    if shape.kind in ("integer", "number") or parameter.is_lost:
        return True
    if shape.format in ("date", "date-time"):
        return False
    return str(parameter.example or "0").strip().isdigit()


def _first_page(parameter: Parameter) -> int:
    shape = parameter.shape
    if (
        shape.default in (0, "0")
        or (shape.minimum == 0 and shape.default is None)
        or _ZERO.search(parameter.prose)
    ):
        return 0
    return 1


def _size_parameter(parameters: dict[str, Parameter]) -> Parameter | None:
    found = [one for one in parameters.values() if "".join(words(one.name)) in _SIZE]
    return min(found, key=lambda one: one.is_lost, default=None)


def _max_size(size: Parameter | None, operation: Operation, api: Api) -> int | None:
    if size is not None:
        if size.shape.maximum is not None:
            return int(size.shape.maximum)
        told = _told(size.prose)
        if told is not None:
            return told
        names = re.escape(size.name)
        about = re.compile(rf"\b{names}\b|\bper page\b|\bpage size\b|\bpaginat", re.I)
        for text, parted in ((operation.description, r"(?<=[.\n])\s"), (api.description, r"\n\s*\n")):
            for part in re.split(parted, text):
                if about.search(part) and (found := _told(part)):
                    return found
    for text in (operation.description, *(one.prose for one in operation.query()), api.description):
        if match := _GROUPS.search(text):
            return int((match[1] or match[2]).replace(",", ""))
    if size is None:
        for one in operation.query():
            if "".join(words(one.name)) in _PAGE and (told := _told(one.prose)):
                return told
    return None


def _told(prose: str) -> int | None:
    for pattern in _MOST:
        numbers = [int(match[1].replace(",", "")) for match in pattern.finditer(prose)]
        if numbers := [number for number in numbers if 1 < number <= _LARGEST]:
            return max(numbers)
    return None


def _size(size: Parameter | None, max_size: int | None) -> int | None:
    """How much to ask for: the most that is allowed, else what the spec has as default, at least a hundred."""
    if size is None:
        return None
    default = size.shape.default
    default = int(default) if str(default).isdigit() else 0
    return max_size or max(default, 100)


def _says_link(operation: Operation) -> bool:
    headers = operation.body.headers if operation.body else ()
    return any(name.lower() == "link" for name in headers) or bool(_LINK.search(operation.prose))


def _find(
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


def _token(
    operation: Operation, records: Records, api: Api, parameter: Parameter
) -> tuple[tuple[str, ...], float] | None:
    """Where the next token is, and what to take off for how that is known."""
    found = [
        path
        for kind in ("string", "integer")
        for path in _find(operation, records, api.shapes, _NEXT_TOKEN, kind)
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


def _next_of(
    operation: Operation, records: Records, api: Api, parameter: Parameter
) -> tuple[tuple[str, ...], float] | None:
    """Where the answer has a property called like the parameter, with `next` before it."""
    if parameter.is_lost or parameter.is_required:
        return None
    pattern = re.compile(f"^next{re.escape(''.join(words(parameter.name)))}$")
    found = [
        path for kind in ("string", "integer") for path in _find(operation, records, api.shapes, pattern, kind)
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
