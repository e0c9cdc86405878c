"""How often the API may be asked, and what it says when that is too often."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plugins.connectors.inferred import Inferred
from plugins.connectors.spec.api import Api

_SECONDS = {
    "second": 1,
    "sec": 1,
    "s": 1,
    "minute": 60,
    "min": 60,
    "m": 60,
    "hour": 3600,
    "h": 3600,
    "day": 86400,
    "month": 2592000,
}
_RATE = re.compile(
    r"(?P<number>\d[\d,. ]{0,9}k?)\s*(?:API |HTTP |REST )?(?:requests?|calls?|queries|hits|reqs?)\s*"
    r"(?:\([^)]{0,30}\)\s*)?(?:are allowed |allowed |can be made )?(?:per|/|every|each|in|an?|within|in an?)\s*"
    r"(?P<count>\d+)?[ -]?(?P<unit>second|minute|hour|day|month|sec|min)s?\b",
    re.I,
)
_RETRY_HEADER = re.compile(r"\bRetry-After\b", re.I)
_RESET_HEADER = re.compile(r"\b(X-)?Rate-?Limit-Reset\b", re.I)


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: int


@dataclass(frozen=True)
class Limits:
    """The rate that is told, None if none is; headers that tell when to go on."""

    rate: Rate | None = None
    reset_header: str = ""


def infer_limits(api: Api) -> Inferred[Limits]:
    """From extensions, then from prose. Of several rates the strictest counts that leaves a second's work."""
    told = {one.prose_of_errors for one in api.operations}
    prose = "\n".join([api.description, *sorted(told), *(one.description for one in api.operations[:200])])
    reset = _RESET_HEADER.search(prose)
    header = reset[0] if reset else ""
    for name, value in api.extensions.items():
        if re.search(r"rate-?limit", name, re.I) and isinstance(value, dict):
            rate = _of_extension(value)
            if rate is not None:
                return Inferred(Limits(rate, header), 0.9, f"the spec's `{name}`")
    found = list(_told(api.description)) or list(_told(prose))
    short = [one for one in found if one[0].seconds <= 3600]
    if short:
        rate, said = max(short, key=lambda one: one[0].seconds / one[0].requests)
        others = tuple(Limits(one, header) for one, _ in found if one != rate)
        return Inferred(
            Limits(rate, header), 0.75 if len(found) == 1 else 0.65, f"prose says “{said}”", others[:3]
        )
    if found:
        return Inferred(Limits(None, header), 0.7, f"prose says “{found[0][1]}”: a quota, not a rate to keep to")
    return Inferred(Limits(None, header), 0.7, "no rate is told; 429 is waited for")


def _told(prose: str) -> Iterator[tuple[Rate, str]]:
    for match in _RATE.finditer(prose):
        number = re.sub(r"[,. ]", "", match["number"].lower()).replace("k", "000")
        unit = match["unit"].lower()
        if number.isdigit() and int(number) > 0:
            seconds = int(match["count"] or 1) * _SECONDS[unit]
            if seconds > 0 and int(number) / seconds < 1000:
                yield Rate(int(number), seconds), " ".join(match[0].split())


def _of_extension(value: dict) -> Rate | None:
    number = next(
        (value[key] for key in ("limit", "requests", "max", "rate") if isinstance(value.get(key), int)), None
    )
    period = next((value[key] for key in ("period", "interval", "window", "per", "unit") if key in value), None)
    if number is None or number < 1:
        return None
    if isinstance(period, int) and period > 0:
        return Rate(number, period)
    seconds = _SECONDS.get(str(period).lower().rstrip("s"))
    return Rate(number, seconds) if seconds else None
