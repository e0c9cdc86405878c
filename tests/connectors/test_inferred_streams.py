"""What is inferred of small specs: each case is one question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_specs import answering, cases, listing, parameters, record, spec, write

from plugins.connectors import connect, validate_manifest
from plugins.connectors.plain import plain


def fits(found: dict[str, Any] | None, case: dict[str, Any]) -> bool:
    expected = [case["expect"], *case.get("also", [])]
    if found is None:
        return None in expected
    return any(one is not None and all(found.get(key) == value for key, value in one.items()) for one in expected)


@pytest.mark.parametrize("case", cases("pagination"), ids=lambda case: case["name"])
def test_pagination(tmp_path: Path, case: dict[str, Any]) -> None:
    wrapper = None if case.get("root") else case.get("list", "things")
    path = listing(query=case["query"], wrapper=wrapper, beside=case.get("answer"), headers=case.get("headers"))
    stream = connect(write(tmp_path, spec({"/things": path}))).streams[0]
    assert fits(plain(stream.pagination.value), case), stream.pagination
    assert stream.records.value.path == (() if wrapper is None else (wrapper,))


@pytest.mark.parametrize("case", cases("cursors"), ids=lambda case: case["name"])
def test_cursor(tmp_path: Path, case: dict[str, Any]) -> None:
    path = listing(record(**case["fields"]), query=case["query"])
    stream = connect(write(tmp_path, spec({f"/{case.get('entity', 'things')}": path}))).streams[0]
    found = plain(stream.cursor.value) if stream.cursor.value else None
    assert fits(found, case), stream.cursor


@pytest.mark.parametrize("case", cases("authentication"), ids=lambda case: case["name"])
def test_authentication(tmp_path: Path, case: dict[str, Any]) -> None:
    made = connect(write(tmp_path, spec({"/orders": listing()}, **case["spec"])))
    found = plain(made.inference.auth.value)
    assert {key: found.get(key) for key in case["expect"]} == case["expect"]
    assert [one.name for one in made.inputs] == case["inputs"]


def test_two_schemes_that_are_both_required_are_both_sent(tmp_path: Path) -> None:
    found = {
        "account": {"type": "apiKey", "in": "header", "name": "Acme-Account"},
        "token": {"type": "apiKey", "in": "header", "name": "Authorization"},
    }
    parts = {"components": {"securitySchemes": found}}
    made = connect(write(tmp_path, spec({"/orders": listing()}, **parts, security=[{"account": [], "token": []}])))
    assert [one.name for one in made.inputs] == ["api_key", "acme_account"]
    headers = made.manifest["definitions"]["requester"]["request_headers"]
    assert headers["Acme-Account"] == "{{ config['acme_account'] }}"


def test_a_next_page_that_nothing_asks_for_is_a_question(tmp_path: Path) -> None:
    following = {"type": "object", "properties": {"starting_after": {"type": "string"}}}
    beside = {"pages": {"type": "object", "properties": {"next": following}}}
    made = connect(write(tmp_path, spec({"/people": listing(wrapper="data", beside=beside)})))
    assert [one.field for one in made.questions] == ["pagination"]
    assert "pages.next.starting_after" in made.questions[0].reason


def names_of(paths: dict[str, Any], tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    made = connect(write(tmp_path, spec(paths)))
    return [one.path for one in made.streams], {one.path: one.reason for one in made.inference.skipped}


def test_only_collections_become_streams(tmp_path: Path) -> None:
    one = answering(record(lines={"type": "array", "items": record()}))
    day = {"type": "string", "format": "date", "required": True}
    paths = {
        "/orders": listing(),
        "/orders/{order_id}": one,
        "/orders/search": listing(query={"q": {"type": "string"}}),
        "/orders/count": listing(),
        "/orders/{order_id}/invoice": answering({}, "application/pdf"),
        "/old_orders": listing(deprecated=True),
        "/me": one,
        "/reports/sales": listing({"type": "object", "properties": {"sum": {}}}, query={"from": day, "to": day}),
        "/find": listing(query={"query": {"type": "string", "required": True}}),
        "/names": answering({"type": "array", "items": {"type": "string"}}),
    }
    paths["/order_status"] = listing()
    streams, skipped = names_of(paths, tmp_path)
    assert streams == ["/orders", "/order_status"]
    assert len(skipped) == len(paths) - 2
    assert all(skipped.values())


@pytest.mark.parametrize(
    ("fields", "extra", "key"),
    [
        ({"id": {"type": "string"}, "name": {"type": "string"}}, {}, ("id",)),
        ({"orderId": {"type": "string"}, "customerId": {"type": "string"}}, {}, ("orderId",)),
        ({"uuid": {"type": "string"}, "total": {"type": "number"}}, {}, ("uuid",)),
        (
            {"number": {"type": "string"}, "total": {"type": "number"}},
            {"/orders/{number}": {"get": {}}},
            ("number",),
        ),
        ({"total": {"type": "number"}}, {}, ()),
        ({"customer_id": {"type": "string"}, "product_id": {"type": "string"}}, {}, ()),
        ({"symbol": {"type": "string", "description": "Unique identifier of the order."}}, {}, ("symbol",)),
    ],
)
def test_primary_key(tmp_path: Path, fields: dict[str, Any], extra: dict[str, Any], key: tuple[str, ...]) -> None:
    item = {"type": "object", "properties": fields}
    stream = connect(write(tmp_path, spec({"/orders": listing(item), **extra}))).streams[0]
    assert stream.primary_key.value == key
    assert stream.primary_key.is_doubtful is (key == ())


@pytest.mark.parametrize("case", cases("records"), ids=lambda case: case["name"])
def test_records(tmp_path: Path, case: dict[str, Any]) -> None:
    document = spec({"/orders": answering(case["schema"])})
    assert list(connect(write(tmp_path, document)).streams[0].records.value.path) == case["expect"]


def parents_of(made: Any, name: str) -> list[tuple[str, str, str]]:
    stream = next(one for one in made.streams if one.name == name)
    return [(one.path, one.parameter, one.field) for one in stream.given.value.parents]


def test_children_hang_from_the_streams_that_their_paths_name(tmp_path: Path) -> None:
    asked = {
        "workspace": {"type": "string", "required": True},
        "secret_word": {"type": "string", "required": True},
    }
    paths = {
        "/workspaces": listing(record(gid={"type": "string"})),
        "/projects": listing(),
        "/projects/{project_id}/tasks": listing(),
        "/projects/{project_id}/tasks/{task_id}/notes": listing(),
        "/labels": listing(query=asked),
        "/repos/{owner}/{repo}/issues": listing(),
        "/repos": listing(record(owner={"type": "string"}, repo={"type": "string"})),
        "/sellers/{seller_id}/orders": listing(),
        "/projects/{project_name}/logs": listing(),
        "/projects/{reference}/tags": listing(),
    }
    made = connect(write(tmp_path, spec(paths)))
    assert parents_of(made, "project_tasks") == [("/projects", "project_id", "id")]
    assert parents_of(made, "task_notes") == [("/projects/{project_id}/tasks", "task_id", "id")]
    assert parents_of(made, "labels") == [("/workspaces", "workspace", "id")]
    assert parents_of(made, "repo_issues") == [("/repos", "owner", "owner"), ("/repos", "repo", "repo")]
    assert parents_of(made, "project_logs") == [("/projects", "project_name", "name")]
    tags = next(one for one in made.streams if one.name == "project_tags")
    assert tags.given.is_doubtful
    assert {one.name for one in made.inputs} == {"secret_word", "seller_id"}
    assert {one.field for one in made.questions} >= {"secret_word", "seller_id"}


def test_what_many_streams_need_is_asked_once(tmp_path: Path) -> None:
    paths = {f"/sellers/{{seller_id}}/{word}": listing() for word in ("offers", "refunds", "parcels")}
    made = connect(write(tmp_path, spec(paths)))
    assert [(one.field, one.stream) for one in made.questions] == [("seller_id", "")]
    assert "3 streams" in made.questions[0].question


def test_streams_that_are_each_others_parents_are_left_out(tmp_path: Path) -> None:
    asked = {"beta_id": {"type": "string", "required": True}}, {"alpha_id": {"type": "string", "required": True}}
    paths = {"/alphas": listing(query=asked[0]), "/betas": listing(query=asked[1]), "/gammas": listing()}
    made = connect(write(tmp_path, spec(paths)))
    assert [one.name for one in made.streams] == ["gammas"]
    assert [one.path for one in made.inference.skipped] == ["/alphas", "/betas"]


def test_streams_are_called_by_their_entities_and_never_twice(tmp_path: Path) -> None:
    paths = {
        "/api/v2/OrderLine": listing(operationId="list"),
        "/v1/order-line": listing(operationId="list"),
        "/customers/{customer_id}/orders": listing(operationId="list"),
        "/customers": listing(operationId="list"),
        "/orders/list": listing(),
        "/orders.json": listing(),
    }
    names = [one.name for one in connect(write(tmp_path, spec(paths))).streams]
    assert len(set(names)) == len(names) == 6
    assert {"customers", "customer_orders", "order_lines"} <= set(names)
    assert all(name.replace("_", "").isalnum() and name == name.lower() for name in names)


@pytest.mark.parametrize(
    ("prose", "rate"),
    [
        ("The API allows 100 requests per 15 seconds.", {"requests": 100, "seconds": 15}),
        ("Limited to 1,500 API calls per minute per account.", {"requests": 1500, "seconds": 60}),
        ("At most 5 requests/second.", {"requests": 5, "seconds": 1}),
        ("You may make 20 000 calls per month.", None),
        ("There are limits.", None),
    ],
)
def test_rate_limits_in_prose(tmp_path: Path, prose: str, rate: dict[str, int] | None) -> None:
    made = connect(
        write(tmp_path, spec({"/orders": listing()}, info={"title": "A", "version": "1", "description": prose}))
    )
    assert plain(made.inference.limits.value) == rate
    assert ("api_budget" in made.manifest) is (rate is not None)
    assert validate_manifest(made.manifest, {}) == ("orders",)


def test_headers_that_are_required_are_sent(tmp_path: Path) -> None:
    path = listing()
    header = {"in": "header", "required": True, "schema": {"type": "string"}}
    path["get"]["parameters"] = [
        {**header, "name": "Acme-Version", "schema": {"type": "string", "default": "2024-01-01"}},
        {**header, "name": "Acme-Account"},
        {**header, "name": "Content-Type"},
        {**header, "name": "X-Trace", "required": False},
    ]
    made = connect(write(tmp_path, spec({"/orders": path, "/people": listing()})))
    requests = [one["retriever"]["requester"] for one in made.manifest["streams"]]
    assert requests[0]["request_headers"] == {
        "Accept": "application/json",
        "Acme-Version": "2024-01-01",
        "Acme-Account": "{{ config['acme_account'] }}",
    }
    assert "request_headers" not in requests[1]
    assert [one.name for one in made.inputs] == ["acme_account"]


@pytest.mark.parametrize(
    ("servers", "url", "inputs"),
    [
        ([{"url": "https://api.acme.example/v1/"}], "https://api.acme.example/v1", []),
        (
            [{"url": "https://sandbox.acme.example"}, {"url": "https://api.acme.example"}],
            "https://api.acme.example",
            [],
        ),
        (
            [{"url": "https://{region}.acme.example", "variables": {"region": {"default": "eu"}}}],
            "https://eu.acme.example",
            [],
        ),
        (
            [{"url": "https://{tenant}.acme.example", "variables": {"tenant": {"default": "your-tenant"}}}],
            "https://{tenant}.acme.example",
            ["tenant"],
        ),
        ([], "", ["base_url"]),
        ([{"url": "/v1"}], "", ["base_url"]),
        ([{"url": "https://a.example/{{ config['password'] }}"}], "", ["base_url"]),
        ([{"url": "ftp://a.example"}], "", ["base_url"]),
    ],
)
def test_servers(tmp_path: Path, servers: list[Any], url: str, inputs: list[str]) -> None:
    made = connect(write(tmp_path, {**spec({"/orders": listing()}), "servers": servers}))
    assert made.inference.server.value.url == url
    assert [one.name for one in made.inputs] == inputs
    assert ("base_url" in [one.field for one in made.questions]) is bool(inputs)


def test_swagger_2_is_read_like_openapi_3(tmp_path: Path) -> None:
    document = {
        "swagger": "2.0",
        "info": {"title": "Old Acme", "version": "1"},
        "host": "api.acme.example",
        "basePath": "/v2",
        "schemes": ["http", "https"],
        "securityDefinitions": {"auth": {"type": "basic"}},
        "security": [{"auth": []}],
        "parameters": {"page": {"name": "page", "in": "query", "type": "integer"}},
        "definitions": {"Order": record(updated_at={"type": "string", "format": "date-time"})},
        "paths": {
            "/orders": {
                "get": {
                    "produces": ["application/json"],
                    "parameters": [
                        {"$ref": "#/parameters/page"},
                        {"name": "limit", "in": "query", "type": "integer", "maximum": 250},
                        {"name": "updated_since", "in": "query", "type": "string", "format": "date-time"},
                    ],
                    "responses": {
                        "200": {
                            "description": "",
                            "schema": {"type": "array", "items": {"$ref": "#/definitions/Order"}},
                        }
                    },
                }
            }
        },
    }
    made = connect(write(tmp_path, document))
    (orders,) = made.streams
    assert made.inference.server.value.url == "https://api.acme.example/v2"
    assert made.inference.auth.value.kind == "basic"
    assert (orders.pagination.value.kind, orders.pagination.value.max_size) == ("page", 250)
    assert orders.cursor.value is not None
    assert orders.cursor.value.parameter == "updated_since"


def test_types_of_openapi_31(tmp_path: Path) -> None:
    fields = {
        "deleted_at": {"type": ["string", "null"], "format": "date-time"},
        "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    }
    made = connect(
        write(tmp_path, {**spec({"/orders": listing(record(**fields))}), "openapi": "3.1.0", "webhooks": {}})
    )
    properties = made.streams[0].schema["properties"]
    assert properties["deleted_at"] == {"type": ["string", "null"], "format": "date-time"}
    assert properties["size"] == {"type": ["integer", "null"]}


SKETCH = """The campaigns.

```json
{
  "message": (required, string) how it went,
  "campaigns": [
    {
      "id": (string) the identifier,
      "last_edited": (ISO 8601 string) when, // really
    },
    ...
  ]
}
```
"""


def test_an_answer_shown_in_prose_is_understood(tmp_path: Path) -> None:
    operation = {"description": SKETCH, "parameters": parameters({"page": {"type": "string"}}), "responses": {}}
    (stream,) = connect(write(tmp_path, spec({"/campaigns/list": {"get": operation}}))).streams
    assert stream.name == "campaigns"
    assert stream.records.value.path == ("campaigns",)
    assert stream.primary_key.value == ("id",)
    assert "sketch" in stream.records.reason


def test_names_in_other_scripts_are_no_crash(tmp_path: Path) -> None:
    fields = {
        "ид": {"type": "integer"},
        "_": {"type": "string"},
        "обновлено": {"type": "string", "format": "date-time"},
    }
    paths = {
        "/заказы": listing(
            {"type": "object", "properties": fields}, query={"с": {"type": "string", "format": "date"}}
        ),
        "/заказы/{ид}/строки": listing({"type": "object", "properties": fields}, wrapper="данные"),
        "/заказы/{ид}": listing(),
    }
    made = connect(write(tmp_path, spec(paths)))
    assert len(made.streams) == 2
    assert len({one.name for one in made.streams}) == 2
    assert made.streams[1].given.value.parents[0].field == "ид"
