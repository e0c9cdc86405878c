"""The mocked API without the network: a request goes in, an answer comes out."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from plugins.connectors.mock.credentials import Gate, Request
from plugins.connectors.mock.endpoints import Endpoint, Specification
from plugins.connectors.mock.filtering import BadFilter, changed_since
from plugins.connectors.mock.holdings import Holdings
from plugins.connectors.mock.labels import Labels, Parent, Stream
from plugins.connectors.mock.paging import BadPage, announce, page_asked

Fault = Literal["rate_limited", "unavailable", "unauthorized", "bad_request", "not_found", "method_not_allowed"]


@dataclass(frozen=True)
class Faults:
    """Which requests fail though nothing is wrong with them: each n-th one, counted over all; 0 for none."""

    rate_limited_every: int = 20
    unavailable_every: int = 50
    retry_after_s: int = 1


@dataclass(frozen=True)
class Answer:
    """What is sent back; a body of None is sent as nothing."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldStream:
    """The number of records of a stream, of each parent's (only those that have some), and of requests for it."""

    records: int
    per_parent: Mapping[str, int]
    calls: int


@dataclass(frozen=True)
class Held:
    """What a mock holds and what happened to it: per stream, calls per endpoint, failed requests per kind."""

    streams: Mapping[str, HeldStream]
    calls: Mapping[str, int]
    faults: Mapping[str, int]
    tokens: int

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return asdict(self)


class MockApi:
    """Answers as the specification and the labels say. Safe for several threads."""

    def __init__(
        self, specification: Specification, labels: Labels, holdings: Holdings, gate: Gate, faults: Faults
    ):
        self._specification, self._labels, self._holdings = specification, labels, holdings
        self._gate, self._faults = gate, faults
        self._lock = threading.Lock()
        self._asked = 0
        self._calls: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self.base_path = urlsplit(labels.base_url or "").path.rstrip("/")
        self.token_paths = (*specification.token_paths, "/oauth/token") if gate.wants_tokens else ()

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes, origin: str) -> Answer:
        """Answer one request; `target` is path and query, `origin` the scheme and host under which it came."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        request = Request({name.lower(): value for name, value in headers.items()}, query, body)
        if parts.path in self.token_paths:
            if method != "POST":
                return self._fail("method_not_allowed", 405, "tokens are asked for with POST")
            return Answer(*self._gate.tokens.issue(request))
        found = self._found(parts.path)
        if found is None:
            return self._fail("not_found", 404, "no such path in the specification")
        endpoint, values = found
        if method != "GET" or "get" not in endpoint.methods:
            return self._fail("method_not_allowed", 405, "the mock answers GET, where the specification has it")
        if not self._gate.lets_in(request):
            return self._fail("unauthorized", 401, "the credentials are missing or wrong")
        with self._lock:
            self._calls[endpoint.path] += 1
        return self._failing() or self._get(endpoint, values, query, origin + parts.path)

    def held(self) -> Held:
        """What is held, and what was asked until now."""
        streams = {}
        for stream in self._labels.streams:
            parts = self._holdings.partitions(stream)
            per_parent = {_named(part.values): len(part.indexes) for part in parts if part.values and part.indexes}
            streams[stream.path] = HeldStream(
                self._holdings.count(stream), per_parent, self._calls.get(stream.path, 0)
            )
        with self._lock:
            return Held(streams, dict(self._calls), dict(self._failed), self._gate.tokens.issued)

    def _found(self, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        if not path.startswith(self.base_path):
            return None
        path = path[len(self.base_path) :]
        for endpoint in self._specification.endpoints:
            values = endpoint.match(path)
            if values is not None:
                return endpoint, values
        return None

    def _failing(self) -> Answer | None:
        with self._lock:
            self._asked += 1
            asked = self._asked
        if self._faults.rate_limited_every and asked % self._faults.rate_limited_every == 0:
            wait = {"Retry-After": str(self._faults.retry_after_s)}
            return self._fail("rate_limited", 429, "too many requests", wait)
        if self._faults.unavailable_every and asked % self._faults.unavailable_every == 0:
            return self._fail("unavailable", 503, "try again")
        return None

    def _get(self, endpoint: Endpoint, values: dict[str, str], query: dict[str, str], url: str) -> Answer:
        stream = self._labels.stream(endpoint.path)
        missing = [one.name for one in endpoint.parameters if one.place == "query" and one.required]
        missing = [name for name in missing if not query.get(name)]
        if missing or (stream and not self._inputs_given(stream, values | query)):
            names = ", ".join(missing or (stream.required_inputs if stream else ()))
            return self._fail("bad_request", 400, f"missing: {names}")
        if stream is None:
            return Answer(200, self._holdings.envelope(endpoint))
        records = self._asked_for(stream, values, query)
        if isinstance(records, Answer):
            return records
        try:
            records = changed_since(stream, records, query)
            page = page_asked(stream, endpoint, query, len(records))
        except (BadPage, BadFilter) as error:
            return self._fail("bad_request", 400, str(error))
        shown = records[page.start : page.start + page.size]
        body = _wrapped(stream.records, shown, self._holdings.envelope(endpoint))
        return Answer(200, body, announce(body, stream, query, page, url))

    def _inputs_given(self, stream: Stream, given: Mapping[str, str]) -> bool:
        choices = (stream.required_inputs, *stream.also.required_inputs)
        return any(all(given.get(name) for name in names) for names in choices)

    def _asked_for(self, stream: Stream, values: dict[str, str], query: dict[str, str]) -> list[Any] | Answer:
        """The records of the parent that is asked for, or the answer that there is none."""
        records = self._holdings.records(stream)
        given = query | values
        variants = self._holdings.variants(stream)
        asked = [links for links in variants if links and all(given.get(one.parameter) for one in links)]
        for links in asked:
            part = self._holdings.partition(stream, links, given)
            if part is not None:
                return [records[index] for index in part.indexes]
        if asked:
            return self._fail("not_found", 404, "no such parent")
        if () in variants:
            return records
        return self._fail("bad_request", 400, f"missing: {_parameters(variants[0])}")

    def _fail(self, kind: Fault, status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
        with self._lock:
            self._failed[kind] += 1
        return Answer(status, {"error": kind, "message": message}, headers or {})


def _wrapped(path: tuple[str, ...], records: list[Any], envelope: Any) -> Any:
    """The records at their path, with whatever else the envelope has around them."""
    if not path:
        return records
    if path[0] == "*":
        around = envelope[0] if isinstance(envelope, list) and envelope else {}
        return [_wrapped_one(path[1:], record, around) for record in records]
    around = dict(envelope) if isinstance(envelope, dict) else {}
    around[path[0]] = _wrapped(path[1:], records, around.get(path[0]))
    return around


def _wrapped_one(path: tuple[str, ...], record: Any, envelope: Any) -> Any:
    if not path:
        return record
    around = dict(envelope) if isinstance(envelope, dict) else {}
    around[path[0]] = _wrapped_one(path[1:], record, around.get(path[0]))
    return around


def _named(values: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in values.items())


def _parameters(links: tuple[Parent, ...]) -> str:
    return ", ".join(link.parameter for link in links)
