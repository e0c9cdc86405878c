"""Children, filters, faults, and what is refused."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from label_client import Client
from small_api import get, labels, parameter, specification, stream, wrapped

from plugins.connectors.mock import Faults, serve
from plugins.core.errors import SmeltError

_QUIET = Faults(0, 0)
_PAGED = {"kind": "offset", "parameter": "offset", "size_parameter": "limit", "max_size": 100}
_CURSOR = {"field": "updated_at", "parameter": "since"}
_SHOPS = specification(
    {
        "/shops": get(wrapped()),
        "/shops/mine": get({"type": "object", "properties": {"mine": {"type": "boolean", "enum": [True]}}}),
        "/shops/{shop_id}": get({"type": "object"}, parameter("shop_id", "path")),
        "/shops/{shop_id}/orders": get(wrapped(), parameter("shop_id", "path")),
        "/shops/{shop_id}/orders/{order_id}/lines": get(
            wrapped(), parameter("shop_id", "path"), parameter("order_id", "path")
        ),
        "/refunds": get(wrapped(), parameter("shop", required=True)),
    }
)
_TREE = labels(
    stream("/shops", pagination=_PAGED),
    stream(
        "/shops/{shop_id}/orders",
        pagination=_PAGED,
        cursor=_CURSOR,
        parent={"path": "/shops", "parameter": "shop_id", "field": "id"},
    ),
    stream(
        "/shops/{shop_id}/orders/{order_id}/lines",
        parent={"path": "/shops/{shop_id}/orders", "parameter": "order_id", "field": "id"},
    ),
    stream("/refunds", parent={"path": "/shops", "parameter": "shop", "field": "id"}),
)


@pytest.mark.parametrize("path", [one.path for one in _TREE.streams])
def test_children_are_served_per_parent(path: str) -> None:
    """By path and by query, two levels down; some parents have several pages, some nothing."""
    with serve(_SHOPS, _TREE, faults=_QUIET) as mock:
        found = Client(mock, _TREE).read(path)
        held = mock.held.streams[path]
        assert len(found) == held.records == 137
        assert len({record["id"] for _, record in found}) == 137
        counts = Counter("&".join(f"{name}={value}" for name, value in values.items()) for values, _ in found)
        if held.per_parent:
            assert counts == held.per_parent
            assert max(counts.values()) == 69
            assert len(counts) < 137


def test_an_unknown_parent_is_not_found_and_a_missing_one_is_a_bad_request() -> None:
    """404 and 400."""
    with serve(_SHOPS, _TREE, faults=_QUIET) as mock:
        client = Client(mock, _TREE)
        assert client.request("/shops/7/orders")[0] == 404
        assert client.request("/refunds", {"shop": "7"})[0] == 404
        assert client.request("/refunds")[0] == 400
        assert mock.held.faults == {"not_found": 2, "bad_request": 1}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/shops/", 404),
        ("GET", "/shops/1/2/3", 404),
        ("POST", "/shops", 405),
        ("HEAD", "/shops", 405),
        ("GET", "/shops/mine", 200),
        ("GET", "/shops/100001", 200),
    ],
)
def test_only_what_the_specification_has_is_answered(method: str, path: str, status: int) -> None:
    """Literal paths come before those with parameters."""
    with serve(_SHOPS, _TREE, faults=_QUIET) as mock:
        answer = Client(mock, _TREE).request(path, method=method)
        assert answer[0] == status
        assert path != "/shops/mine" or answer[1] == {"mine": True}


def test_the_base_path_is_part_of_the_url() -> None:
    """What is outside of it is not found."""
    with serve(_SHOPS, _TREE, faults=_QUIET) as mock:
        assert mock.url.endswith("/api")
        client = Client(mock, _TREE)
        client.base = client.base._replace(path="")
        assert client.request("/shops")[0] == 404


@pytest.mark.parametrize(
    ("since", "left"),
    [
        ("2024-01-01T00:00:00Z", 137),
        ("2024-01-02T00:00:00+00:00", 115),
        ("2024-01-02", 115),
        ("2024-01-02 00:00:00", 115),
        ("1704153600", 115),
        ("2030-01-01", 0),
    ],
)
def test_the_cursor_parameter_leaves_what_changed_since(since: str, left: int) -> None:
    """A record each 67 minutes from the first second of 2024; the boundary belongs to it."""
    known = labels(stream(cursor=_CURSOR))
    with serve(specification({"/items": get(wrapped())}), known, faults=_QUIET) as mock:
        found = Client(mock, known).read("/items", since=since)
        assert len(found) == left
        assert Client(mock, known).request("/items", {"since": "yesterday"})[0] == 400


def test_inputs_that_only_a_user_can_give_are_required() -> None:
    """Whether the specification or only the label says so; one of the accepted choices is enough."""
    spec = specification({"/items": get(wrapped(), parameter("role", required=True)), "/plans": get(wrapped())})
    known = labels(
        stream(required_inputs=["role"]),
        stream("/plans", required_inputs=["until"], also={"required_inputs": [["from", "days"]]}),
    )
    with serve(spec, known, faults=_QUIET) as mock:
        client = Client(mock, known)
        queries: list[tuple[str, dict[str, str], int]] = [
            ("/items", {}, 400),
            ("/items", {"role": "a"}, 200),
            ("/plans", {}, 400),
            ("/plans", {"from": "1"}, 400),
            ("/plans", {"from": "1", "days": "2"}, 200),
            ("/plans", {"until": "3"}, 200),
        ]
        assert [client.request(path, query)[0] for path, query, _ in queries] == [one[2] for one in queries]


def test_each_nth_request_fails() -> None:
    """429 with Retry-After and 503, counted; a client that asks again gets everything."""
    known = labels(stream(pagination=_PAGED | {"max_size": 10}))
    spec = specification({"/items": get(wrapped())})
    with serve(spec, known, faults=Faults(rate_limited_every=4, unavailable_every=6, retry_after_s=3)) as mock:
        client = Client(mock, known)
        answers = [client.request("/items") for _ in range(12)]
        assert [status for status, _, _ in answers] == [200, 200, 200, 429, 200, 503, 200, 429, 200, 200, 200, 429]
        assert answers[3][2]["Retry-After"] == "3"
        assert mock.held.faults == {"rate_limited": 3, "unavailable": 1}
        assert len(client.read("/items")) == 137


def test_several_clients_at_once_get_everything() -> None:
    """Each of four threads reads all records and the calls add up."""
    known = labels(stream(pagination=_PAGED))
    with serve(specification({"/items": get(wrapped())}), known, faults=_QUIET) as mock:
        counts: list[int] = []
        threads = [
            threading.Thread(target=lambda: counts.append(len(Client(mock, known).read("/items"))))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts == [137] * 4
        assert mock.held.calls["/items"] == 4 * 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"streams": [stream("/absent")]}, "/absent"),
        (
            {"streams": [stream("/shops", parent={"path": "/refunds", "parameter": "shop", "field": "id"})]},
            "no labelled stream",
        ),
        (
            {"streams": [stream("/shops", parent={"path": "/shops", "parameter": "shop", "field": "id"})]},
            "a parent of itself",
        ),
    ],
)
def test_labels_that_do_not_fit_the_specification_are_refused(changes: dict[str, Any], message: str) -> None:
    """Before anything is served."""
    wrong = labels(*changes["streams"])
    with pytest.raises(SmeltError, match=message), serve(_SHOPS, wrong):
        pass
