"""Each kind of paging, read through to the end by a client that follows the label."""

from __future__ import annotations

from typing import Any

import pytest
from label_client import Client
from small_api import ITEM, get, labels, parameter, specification, stream, wrapped

from plugins.connectors.mock import Faults, serve

_QUIET = Faults(0, 0)
_KINDS: dict[str, dict[str, Any]] = {
    "offset": {"kind": "offset", "parameter": "skip", "size_parameter": "limit", "max_size": 50},
    "page": {"kind": "page", "parameter": "page", "size_parameter": "limit", "max_size": 50},
    "page from 0": {"kind": "page", "parameter": "page", "start": 0, "size_parameter": "limit", "max_size": 50},
    "cursor": {
        "kind": "cursor",
        "parameter": "after",
        "size_parameter": "limit",
        "max_size": 50,
        "next": ["meta", "after"],
    },
    "next_url": {"kind": "next_url", "size_parameter": "limit", "max_size": 50, "next": ["links", "next"]},
    "link_header": {"kind": "link_header", "parameter": "page", "size_parameter": "limit", "max_size": 50},
}
_SPEC = specification({"/items": get(wrapped(total={"type": "integer"}, has_more={"type": "boolean"}))})


@pytest.mark.parametrize("kind", _KINDS)
def test_a_client_that_follows_the_label_gets_each_record_once(kind: str) -> None:
    """Seven pages of the default size, and in the order of the records."""
    known = labels(stream(pagination=_KINDS[kind]))
    with serve(_SPEC, known, faults=_QUIET) as mock:
        found = [record for _, record in Client(mock, known).read("/items")]
        assert found == mock.records("/items")
        assert len({record["id"] for record in found}) == 137
        assert mock.held.streams["/items"].calls in (7, 8)


@pytest.mark.parametrize("kind", _KINDS)
def test_a_page_is_never_larger_than_the_largest(kind: str) -> None:
    """A size of 1000 is cut to 50."""
    known = labels(stream(pagination=_KINDS[kind]))
    with serve(_SPEC, known, faults=_QUIET) as mock:
        client = Client(mock, known, size=1_000)
        body, _ = client.get("/items", {"limit": "1000"})
        assert len(body["items"]) == 50
        assert (body["total"], body["has_more"]) == (137, True)
        assert len(client.read("/items")) == 137


def test_pages_whose_size_cannot_be_set_have_the_size_that_is_told() -> None:
    """Without a parameter for the size the largest size is the size."""
    known = labels(stream(pagination={"kind": "page", "parameter": "page", "start": 0, "max_size": 100}))
    with serve(_SPEC, known, faults=_QUIET) as mock:
        client = Client(mock, known)
        sizes = [len(client.get("/items", {"page": page})[0]["items"]) for page in "012"]
        assert sizes == [100, 37, 0]


def test_an_accepted_alternative_pages_as_well() -> None:
    """A client may follow the links or count pages where both are right."""
    by_page = {
        "kind": "page",
        "parameter": "page",
        "size_parameter": "limit",
        "max_size": 50,
        "next": ["next_page"],
    }
    by_link = {"kind": "next_url", "parameter": "cursor", "size_parameter": "limit", "next": ["links", "next"]}
    spec = specification({"/items": get(wrapped())})
    with serve(spec, labels(stream(pagination=by_link, also={"pagination": [by_page]})), faults=_QUIET) as mock:
        for way in (by_link, by_page):
            follower = labels(stream(pagination=way))
            assert len(Client(mock, follower).read("/items")) == 137
        last, _ = Client(mock, follower).get("/items", {"page": "7"})
        assert (last["next_page"], last["links"]["next"]) == (None, None)


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("cursor", {"after": "40"}),
        ("offset", {"skip": "many"}),
        ("offset", {"skip": "-1"}),
        ("page", {"page": "0"}),
        ("page", {"page": "1", "limit": "none"}),
        ("page", {"limit": "0"}),
    ],
)
def test_a_position_that_the_api_never_gave_is_refused(kind: str, query: dict[str, str]) -> None:
    """Above all a number where tokens are opaque."""
    known = labels(stream(pagination=_KINDS[kind]))
    with serve(_SPEC, known, faults=_QUIET) as mock:
        status, body, _ = Client(mock, known).request("/items", query)
        assert status == 400
        assert body["error"] == "bad_request"
        assert mock.held.faults == {"bad_request": 1}


def test_the_default_size_is_the_one_of_the_specification() -> None:
    """Where the schema of the size parameter has a default."""
    size = parameter("limit", schema={"type": "integer", "default": 30})
    known = labels(stream(pagination=_KINDS["page"]))
    with serve(specification({"/items": get(wrapped(), size)}), known, faults=_QUIET) as mock:
        assert len(Client(mock, known).get("/items", {})[0]["items"]) == 30


@pytest.mark.parametrize(
    ("records", "schema"),
    [
        ([], {"type": "array", "items": ITEM}),
        (["data", "items"], {"type": "object", "properties": {"data": wrapped()}}),
        (["*", "item"], {"type": "array", "items": {"type": "object", "properties": {"item": ITEM}}}),
    ],
)
def test_records_are_where_the_label_says(records: list[str], schema: Any) -> None:
    """The body itself, deeper down, or each in a wrapper of its own."""
    known = labels(stream(records=records, pagination=_KINDS["offset"]))
    with serve(specification({"/items": get(schema)}), known, faults=_QUIET) as mock:
        found = [record for _, record in Client(mock, known).read("/items")]
        assert found == mock.records("/items")
        assert set(found[0]) == {"id", "name", "updated_at"}
