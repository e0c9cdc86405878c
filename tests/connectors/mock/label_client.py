"""A client written by hand, that follows a label and nothing else: it pages, retries and walks from parents."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby, product
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from plugins.connectors.mock import Labels, Mock


class Client:
    """Reads the streams of one mock. `statuses` counts the answers by their status."""

    def __init__(
        self, mock: Mock, labels: Labels, size: int | None = None, inputs: Mapping[str, str] | None = None
    ):
        self.mock, self.labels, self.size, self.inputs = mock, labels, size, dict(inputs or {})
        self.base = urlsplit(mock.url)
        self.connection = http.client.HTTPConnection(self.base.hostname or "", self.base.port, timeout=30)
        self.statuses: Counter[int] = Counter()
        self._read: dict[str, list[tuple[dict[str, str], Any]]] = {}

    def request(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: str | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """One request with the credentials of the mock; the path as it is, without the base path."""
        query = {**self.mock.query, **(query or {})}
        target = f"{self.base.path}{path}" + (f"?{urlencode(query)}" if query else "")
        self.connection.request(method, target, body, dict(self.mock.headers if headers is None else headers))
        answer = self.connection.getresponse()
        content = answer.read()
        self.statuses[answer.status] += 1
        return answer.status, json.loads(content) if content else None, dict(answer.headers.items())

    def get(self, path: str, query: Mapping[str, str]) -> tuple[Any, Mapping[str, str]]:
        """The answer to a request that has to succeed; 429 and 503 are asked again."""
        for _ in range(5):
            status, body, headers = self.request(path, query)
            if status not in (429, 503):
                break
        assert status == 200, (path, query, status, body)
        return body, headers

    def read(self, path: str, **more: str) -> list[tuple[dict[str, str], Any]]:
        """All records of a stream, each with the parameters of its parent."""
        if more or path not in self._read:
            stream = self.labels.stream(path)
            assert stream is not None
            records = [
                (values, record)
                for values in self.partitions(path)
                for record in self._pages(path, {**self.inputs, **values}, more)
            ]
            if more:
                return records
            self._read[path] = records
        return self._read[path]

    def partitions(self, path: str) -> list[dict[str, str]]:
        """The parameters of each parent, or pair of parents, of a stream."""
        stream = self.labels.stream(path)
        assert stream is not None
        choices = []
        for parent, links in groupby(stream.parent, key=lambda link: link.path):
            fields = list(links)
            choices.append(
                [
                    {name: value for name, value in above.items() if f"{{{name}}}" in path}
                    | {link.parameter: str(_dig(record, link.field.split("."))) for link in fields}
                    for above, record in self.read(parent)
                ]
            )
        return [dict(pair for part in parts for pair in part.items()) for parts in product(*choices)]

    def _pages(self, path: str, values: Mapping[str, str], more: Mapping[str, str]) -> Iterator[Any]:
        stream = self.labels.stream(path)
        assert stream is not None
        paging = stream.pagination
        filled, query = _filled(path, values)
        wanted = {*stream.required_inputs, *(link.parameter for link in stream.parent)}
        query = {name: value for name, value in query.items() if name in wanted} | dict(more)
        if self.size and paging.size_parameter:
            query[paging.size_parameter] = str(self.size)
        asked = 0
        while True:
            body, headers = self.get(filled, query)
            records = _records(body, stream.records)
            yield from records
            asked += len(records)
            match paging.kind:
                case "none":
                    return
                case "offset":
                    following = str(asked) if records else None
                case "page":
                    page = int(query.get(str(paging.parameter), paging.start))
                    following = str(page + 1) if records else None
                case "cursor":
                    following = _dig(body, paging.next or ())
                case "next_url":
                    url = _dig(body, paging.next or ())
                    following = url and dict(parse_qsl(urlsplit(url).query))
                case "link_header":
                    link = headers.get("Link", "")
                    following = dict(parse_qsl(urlsplit(link[1 : link.index(">")]).query)) if link else None
            if not following:
                return
            query = following if isinstance(following, dict) else {**query, str(paging.parameter): following}


def _filled(path: str, values: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    rest = dict(values)
    for name, value in values.items():
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
            del rest[name]
    return path, rest


def _records(body: Any, path: tuple[str, ...]) -> list[Any]:
    for position, key in enumerate(path):
        if key == "*":
            return [_dig(one, path[position + 1 :]) for one in body]
        body = body[key]
    return body


def _dig(node: Any, path: Any) -> Any:
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node
