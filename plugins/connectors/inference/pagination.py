"""How the next page is asked for, and how large a page may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from plugins.connectors.inference.next_pages import MORE_NAME, NEXT_URL_NAME, find, find_next_of, find_token
from plugins.connectors.inference.page_sizes import max_size, size_parameter, size_to_ask
from plugins.connectors.inference.records import Records
from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import words
from plugins.connectors.inferred import Inferred
from plugins.connectors.spec.api import Api, Operation, Parameter

NONE, PAGE, OFFSET, CURSOR, NEXT_URL, LINK_HEADER = "none", "page", "offset", "cursor", "next_url", "link_header"

_PAGE = vocabulary("pagination", "page")
_OFFSET = vocabulary("pagination", "offset")
_TOKEN = vocabulary("pagination", "token")
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


@dataclass(frozen=True)
class Pagination:
    """`kind`, the query parameters of the next page and of its size, and where the answer says what comes next.

    `start`: the first page's number. `max_size`: the most records of a page, where that is told. `more`: where
    the answer says whether there is more. `last_field`: the token is this field of the last record.
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
    size = size_parameter(parameters)
    most = max_size(size, operation, api)
    base = Pagination(
        size_parameter=size.name if size else "",
        size=size_to_ask(size, most),
        max_size=most,
        more=next(iter(find(operation, records, api.shapes, MORE_NAME, "boolean")), ()),
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
    urls = find(operation, records, api.shapes, NEXT_URL_NAME, "string", is_url=True)
    url = urls[0] if urls else ()
    for parameter in parameters.values():
        plain = "".join(words(parameter.name))
        if (choice := _choice_of(parameter, plain, base, url, _Answer(operation, records, key, api))) is not None:
            made, sure, why = choice
            yield made, sure - (0.3 if _DEPRECATED.search(parameter.prose) else 0.0), why
    if url:
        pages = base.size_parameter or any("".join(words(name)) in _PAGE for name in parameters)
        if pages or words(url[len(url) - 1])[:1] == ("next",):
            told = f"the answer's `{'.'.join(url)}` is the next page"
            yield replace(base, kind=NEXT_URL, next=url), 0.8 if pages else 0.75, told
    if _says_link(operation):
        page = next((name for name in parameters if "".join(words(name)) in _PAGE), "")
        yield replace(base, kind=LINK_HEADER, parameter=page), 0.93, "the Link header has the next page"


@dataclass(frozen=True)
class _Answer:
    """What a parameter's use may depend on."""

    operation: Operation
    records: Records
    key: tuple[str, ...]
    api: Api


def _choice_of(
    parameter: Parameter, plain: str, base: Pagination, url: tuple[str, ...], answer: _Answer
) -> tuple[Pagination, float, str] | None:
    """What one parameter says of paging: it takes a token, a page's number, or how many records to skip."""
    name, lost = parameter.name, 0.15 if parameter.is_lost else 0.0
    following = find_next_of(answer.operation, answer.records, answer.api, parameter)
    if _is_token(parameter, plain) or (plain not in _PAGE and following):
        token = following or find_token(answer.operation, answer.records, answer.api, parameter)
        return _of_token(parameter, replace(base, kind=CURSOR, parameter=name), token, url, answer)
    if plain in _PAGE:
        told = " (its reference is broken; the name is the file's)" if parameter.is_lost else ""
        numbers = find(answer.operation, answer.records, answer.api.shapes, _NEXT_NUMBER, "integer")
        choice = replace(base, kind=PAGE, parameter=name, start=_first_page(parameter))
        choice = replace(choice, next=numbers[0]) if numbers else choice
        return choice, 0.92 - lost, f"`{name}` is a page's number{told}"
    if plain in _OFFSET and _is_number(parameter):
        if plain in ("from", "start") and re.search(r"\bdate|time\b", parameter.prose, re.I):
            return None
        sure = 0.92 if plain in ("offset", "skip") else 0.8 if base.size_parameter else 0.4
        return replace(base, kind=OFFSET, parameter=name), sure - lost, f"`{name}` counts the records to skip"
    return None


def _of_token(
    parameter: Parameter,
    choice: Pagination,
    token: tuple[tuple[str, ...], float] | None,
    url: tuple[str, ...],
    answer: _Answer,
) -> tuple[Pagination, float, str]:
    """Where the token comes from: the last record, the answer, an address in it, or a header."""
    name, plain = parameter.name, "".join(words(parameter.name))
    is_last = plain in ("startingafter", "startafter") or _LAST_SEEN.search(parameter.prose)
    if is_last and (not token or "".join(words(token[0][-1])) != plain):
        field = answer.key[0] if answer.key else "id"
        return replace(choice, last_field=field), 0.85, f"`{name}` takes the last record's {field}"
    if token:
        told = f"`{name}` takes the answer's `{'.'.join(token[0])}`"
        return replace(choice, next=token[0]), 0.9 - token[1], told
    if url:
        told = f"the answer's `{'.'.join(url)}` is the next page"
        return replace(choice, kind=NEXT_URL, next=url), 0.9, told
    body = answer.operation.body
    if body is not None and answer.api.shapes.of(body.schema, answer.operation.where).kind == "array":
        # A list has no room for a token: what says it must be a header, of which one is a standard.
        told = f"`{name}` is a token, and the answer is a bare list: then the Link header has it"
        return replace(choice, kind=LINK_HEADER), 0.55, told
    return choice, 0.5, f"`{name}` is a token, but the answer doesn't say where it is"


_NEXT_NUMBER = re.compile(r"^(next|nextpage|nextpagenumber)$")


def _without_parameters(
    operation: Operation, records: Records, api: Api, base: Pagination
) -> Inferred[Pagination]:
    """One page; doubtful if the answer tells of a next one that nothing asks for."""
    if base.size_parameter:
        reason = f"`{base.size_parameter}` limits the answer, but nothing asks for the next page"
        return Inferred(replace(base, kind=NONE), 0.55, reason)
    told = [path for path in find(operation, records, api.shapes, _NEXT_TOLD, "string") if path]
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


def _says_link(operation: Operation) -> bool:
    headers = operation.body.headers if operation.body else ()
    return any(name.lower() == "link" for name in headers) or bool(_LINK.search(operation.prose))
