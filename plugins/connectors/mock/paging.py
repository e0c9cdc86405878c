"""Which part of a list is asked for, and how the answer tells where the next part is."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from plugins.connectors.mock.endpoints import Endpoint
from plugins.connectors.mock.labels import Pagination, Stream

DEFAULT_SIZE = 20
_UNKNOWN_MAX = 1_000
_TOKEN = "mock"  # noqa: S105 - the beginning of a page token
# common names of what an answer says about its pages, which have to be true where an answer has them
_TOTALS = ("total", "total_count", "totalcount", "total_entries", "totalentries", "total_results", "totalresults")
_PAGE_TOTALS = ("total_pages", "totalpages", "page_count", "pagecount", "pages")
_NUMBERS = ("page", "current_page", "currentpage", "page_number", "pagenumber")
_SIZES = ("per_page", "perpage", "page_size", "pagesize", "limit")
_MORES = ("has_more", "hasmore", "has_next", "hasnext", "has_next_page", "hasnextpage", "more")
_PREVIOUS = ("previous", "prev", "previous_page", "previouspage", "prev_page", "previous_url", "prev_url")


class BadPage(ValueError):
    """The request asks for a page that can't be: a foreign token, a number that is none."""


@dataclass(frozen=True)
class Page:
    """A part of a list: where it starts, how many records at most, how many there are in all."""

    start: int
    size: int
    total: int

    @property
    def next_start(self) -> int | None:
        """Where the next part starts, None if this is the last."""
        following = self.start + self.size
        return following if following < self.total else None


def accepted(stream: Stream) -> tuple[Pagination, ...]:
    """The ways in which a stream can be paged through: the label's own and those accepted beside it."""
    ways = [way for way in (stream.pagination, *stream.also.pagination) if way.kind != "none"]
    return tuple(ways) if stream.pagination.kind != "none" else ()


def page_asked(stream: Stream, endpoint: Endpoint, query: Mapping[str, str], total: int) -> Page:
    """The part that a query asks for; the whole list if the stream has no pages.

    Raises:
        BadPage: if the position or size is not one that the API could have meant.

    """
    ways = accepted(stream)
    if not ways:
        return Page(0, max(total, 1), total)
    size = _size(ways, endpoint, query)
    return Page(_start(ways, query, size), size, total)


def next_query(
    way: Pagination, query: Mapping[str, str], page: Page, ways: tuple[Pagination, ...]
) -> dict[str, str]:
    """The query that asks for the next part; only to be called if there is one."""
    parameter = way.parameter or "page_token"
    return {**query, parameter: str(_position(way, page, ways))}


def announce(body: Any, stream: Stream, query: Mapping[str, str], page: Page, url: str) -> dict[str, str]:
    """Write into the body what comes next, and what it says about its size; returns the headers that tell it too.

    `url` is the address asked, without its query.
    """
    ways = accepted(stream)
    headers: dict[str, str] = {}
    _tell_sizes(body, page, stream)
    for way in ways:
        more = page.next_start is not None
        address = f"{url}?{urlencode(next_query(way, query, page, ways))}" if more else None
        if way.kind == "link_header" and address:
            headers["Link"] = f'<{address}>; rel="next"'
        elif way.next and isinstance(body, dict):
            value = address if way.kind == "next_url" else _position(way, page, ways) if more else None
            _put(body, way.next, value)
    return headers


def _position(way: Pagination, page: Page, ways: tuple[Pagination, ...]) -> Any:
    following = page.next_start or 0
    numbered = {one.kind: one for one in ways if one.parameter == way.parameter and one.kind in ("page", "offset")}
    if "page" in numbered:
        return following // page.size + numbered["page"].start
    if "offset" in numbered:
        return following
    return base64.urlsafe_b64encode(f"{_TOKEN}:{following}".encode()).decode().rstrip("=")


def _size(ways: tuple[Pagination, ...], endpoint: Endpoint, query: Mapping[str, str]) -> int:
    largest = next((way.max_size for way in ways if way.max_size), _UNKNOWN_MAX)
    names = [way.size_parameter for way in ways if way.size_parameter]
    if not names:
        return largest if largest != _UNKNOWN_MAX else DEFAULT_SIZE
    given = next((query[name] for name in names if query.get(name)), None)
    if given is not None:
        size = _whole(given, names[0])
        if size < 1:
            raise BadPage(f"{names[0]} has to be at least 1")
        return min(size, largest)
    parameter = endpoint.parameter(names[0])
    default = parameter.schema.get("default") if parameter else None
    return min(default if isinstance(default, int) and default > 0 else DEFAULT_SIZE, largest)


def _start(ways: tuple[Pagination, ...], query: Mapping[str, str], size: int) -> int:
    for way in ways:
        given = query.get(way.parameter or "page_token")
        if given:
            return _start_of(given, way, ways, size)
    return 0


def _start_of(given: str, way: Pagination, ways: tuple[Pagination, ...], size: int) -> int:
    for one in ways:
        if one.parameter == way.parameter and one.kind in ("page", "offset"):
            number = _whole(given, one.parameter)
            start = number if one.kind == "offset" else (number - one.start) * size
            if start < 0:
                raise BadPage(f"{one.parameter} is before the first page")
            return start
    try:
        kind, _, position = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode().partition(":")
        return int(position) if kind == _TOKEN else _refuse(given)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return _refuse(given)


def _refuse(given: str) -> int:
    raise BadPage(f"{given!r} is no token that an earlier answer gave")


def _whole(given: str, name: str | None) -> int:
    try:
        return int(given)
    except ValueError as error:
        raise BadPage(f"{name} has to be a whole number") from error


def _tell_sizes(node: Any, page: Page, stream: Stream) -> None:
    if not isinstance(node, dict):
        return
    known = {
        _TOTALS: page.total,
        _PAGE_TOTALS: math.ceil(page.total / page.size),
        _NUMBERS: page.start // page.size + stream.pagination.start,
        _SIZES: page.size,
        _MORES: page.next_start is not None,
        _PREVIOUS: None,
    }
    for key, value in node.items():
        if isinstance(value, dict):
            _tell_sizes(value, page, stream)
        elif not isinstance(value, list):
            node[key] = next((truth for names, truth in known.items() if str(key).lower() in names), value)


def _put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        below = body.get(key)
        if not isinstance(below, dict):
            below = body[key] = {}
        body = below
    body[path[-1]] = value
