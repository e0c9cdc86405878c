"""How many records a page may hold, from schemas and from prose."""

from __future__ import annotations

import re
from collections.abc import Mapping

from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import words
from plugins.connectors.spec.api import Api, Operation, Parameter

_PAGE = vocabulary("pagination", "page")
_SIZE = vocabulary("pagination", "size")
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


def size_parameter(parameters: Mapping[str, Parameter]) -> Parameter | None:
    """The parameter that sets the size of a page."""
    found = [one for one in parameters.values() if "".join(words(one.name)) in _SIZE]
    return min(found, key=lambda one: one.is_lost, default=None)


def max_size(size: Parameter | None, operation: Operation, api: Api) -> int | None:
    """The most records of a page, as the parameter, the endpoint or the API tells; None if none does."""
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


def size_to_ask(size: Parameter | None, most: int | None) -> int | None:
    """How much to ask for: the most that is allowed, else what the spec has as default, at least a hundred."""
    if size is None:
        return None
    default = size.shape.default
    default = int(default) if str(default).isdigit() else 0
    return most or max(default, 100)
