"""What is inferred of small specs: each case is one question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.connectors import connect
from plugins.connectors.plain import plain
from small_specs import cases, listing, parameters, record, spec, write


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


def schemes(**found: Any) -> dict[str, Any]:
    return {"components": {"securitySchemes": found}}


OAUTH = {"tokenUrl": "https://acme.example/token", "scopes": {"read": "all"}}


@pytest.mark.parametrize(
    ("parts", "expected", "inputs"),
    [
        (schemes(k={"type": "http", "scheme": "bearer"}) | {"security": [{"k": []}]}, {"kind": "bearer"}, ["api_token"]),
        (schemes(k={"type": "http", "scheme": "basic"}) | {"security": [{"k": []}]}, {"kind": "basic"}, ["username", "password"]),
        (schemes(k={"type": "apiKey", "in": "header", "name": "X-Key"}) | {"security": [{"k": []}]}, {"kind": "api_key", "place": "header", "name": "X-Key"}, ["api_key"]),
        (schemes(k={"type": "apiKey", "in": "query", "name": "key"}) | {"security": [{"k": []}]}, {"kind": "api_key", "place": "query", "name": "key"}, ["api_key"]),
        (schemes(k={"type": "oauth2", "flows": {"clientCredentials": OAUTH}}) | {"security": [{"k": ["read"]}]}, {"kind": "oauth2_client_credentials", "token_url": OAUTH["tokenUrl"]}, ["client_id", "client_secret"]),
        (schemes(k={"type": "oauth2", "flows": {"authorizationCode": OAUTH}}) | {"security": [{"k": []}]}, {"kind": "oauth2_refresh_token", "token_url": OAUTH["tokenUrl"]}, ["client_id", "client_secret", "refresh_token"]),
        (schemes(k={"type": "apiKey", "in": "header", "name": "Authorization", "description": "Bearer token"}), {"kind": "api_key", "prefix": "Bearer "}, ["api_key"]),
        ({"info": {"title": "Acme", "version": "1", "description": "Send `Authorization: Bearer <token>` with each request."}}, {"kind": "bearer"}, ["api_token"]),
        ({"security": []}, {"kind": "none"}, []),
        ({}, {"kind": "none"}, []),
    ],
    ids=["bearer", "basic", "header", "query", "client credentials", "refresh token", "bearer in a header", "prose", "none", "nothing said"],
)  # fmt: skip
def test_authentication(tmp_path: Path, parts: dict[str, Any], expected: dict[str, Any], inputs: list[str]) -> None:
    made = connect(write(tmp_path, spec({"/orders": listing()}, **parts)))
    found = plain(made.inference.auth.value)
    assert {key: found.get(key) for key in expected} == expected
    assert [one.name for one in made.inputs] == inputs


def test_two_schemes_that_are_both_required_are_both_sent(tmp_path: Path) -> None:
    parts = schemes(
        account={"type": "apiKey", "in": "header", "name": "Acme-Account"},
        token={"type": "apiKey", "in": "header", "name": "Authorization"},
    )
    made = connect(write(tmp_path, spec({"/orders": listing()}, **parts, security=[{"account": [], "token": []}])))
    assert [one.name for one in made.inputs] == ["api_key", "acme_account"]
    headers = made.manifest["definitions"]["requester"]["request_headers"]
    assert headers["Acme-Account"] == "{{ config['acme_account'] }}"


def names_of(paths: dict[str, Any], tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    made = connect(write(tmp_path, spec(paths)))
    return [one.path for one in made.streams], {one.path: one.reason for one in made.inference.skipped}


def test_only_collections_become_streams(tmp_path: Path) -> None:
    one = {"get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": record(lines={"type": "array", "items": record()})}}}}}}  # fmt: skip
    pdf = {"get": {"responses": {"200": {"description": "", "content": {"application/pdf": {"schema": {}}}}}}}
    paths = {
        "/orders": listing(),
        "/orders/{order_id}": one,
        "/orders/search": listing(query={"q": {"type": "string"}}),
        "/orders/count": listing(),
        "/orders/{order_id}/invoice": pdf,
        "/old_orders": listing(deprecated=True),
        "/me": one,
        "/reports/sales": listing(
            query={"from": {"type": "string", "format": "date", "required": True}, "to": {"type": "string", "format": "date", "required": True}}
        ),
        "/find": listing(query={"query": {"type": "string", "required": True}}),
        "/names": {"get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "array", "items": {"type": "string"}}}}}}}},
    }  # fmt: skip
    streams, skipped = names_of(paths, tmp_path)
    assert streams == ["/orders"]
    assert len(skipped) == len(paths) - 1
    assert all(skipped.values())


@pytest.mark.parametrize(
    ("fields", "extra", "key"),
    [
        ({"id": {"type": "string"}, "name": {"type": "string"}}, {}, ("id",)),
        ({"orderId": {"type": "string"}, "customerId": {"type": "string"}}, {}, ("orderId",)),
        ({"uuid": {"type": "string"}, "total": {"type": "number"}}, {}, ("uuid",)),
        ({"number": {"type": "string"}, "total": {"type": "number"}}, {"/orders/{number}": {"get": {}}}, ("number",)),
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


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "array", "items": record()}, ()),
        ({"type": "object", "properties": {"data": {"type": "array", "items": record()}, "errors": {"type": "array", "items": record()}}}, ("data",)),
        ({"type": "object", "properties": {"included": {"type": "array", "items": record()}, "orders": {"type": "array", "items": record()}}}, ("orders",)),
        ({"type": "object", "properties": {"data": {"type": "object", "properties": {"orders": {"type": "array", "items": record()}}}}}, ("data", "orders")),
        ({"type": "object", "properties": {"_embedded": {"type": "object", "properties": {"orders": {"type": "array", "items": record()}}}}}, ("_embedded", "orders")),
        ({"type": "array", "items": {"type": "object", "properties": {"order": record()}}}, ("*", "order")),
        ({"allOf": [{"type": "object", "properties": {"total": {"type": "integer"}}}, {"type": "object", "properties": {"items": {"type": "array", "items": record()}}}]}, ("items",)),
        ({"oneOf": [{"type": "null"}, {"type": "array", "items": record()}]}, ()),
    ],
)  # fmt: skip
def test_records(tmp_path: Path, schema: dict[str, Any], path: tuple[str, ...]) -> None:
    document = spec({"/orders": listing()})
    document["paths"]["/orders"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = schema
    assert connect(write(tmp_path, document)).streams[0].records.value.path == path


def parents_of(made: Any, name: str) -> list[tuple[str, str, str]]:
    stream = next(one for one in made.streams if one.name == name)
    return [(one.path, one.parameter, one.field) for one in stream.given.value.parents]


def test_children_hang_from_the_streams_that_their_paths_name(tmp_path: Path) -> None:
    asked = {"workspace": {"type": "string", "required": True}, "secret_word": {"type": "string", "required": True}}
    paths = {
        "/workspaces": listing(record(gid={"type": "string"})),
        "/projects": listing(),
        "/projects/{project_id}/tasks": listing(),
        "/projects/{project_id}/tasks/{task_id}/notes": listing(),
        "/labels": listing(query=asked),
        "/repos/{owner}/{repo}/issues": listing(),
        "/repos": listing(record(owner={"type": "string"}, repo={"type": "string"})),
        "/sellers/{seller_id}/orders": listing(),
    }
    made = connect(write(tmp_path, spec(paths)))
    assert parents_of(made, "project_tasks") == [("/projects", "project_id", "id")]
    assert parents_of(made, "task_notes") == [("/projects/{project_id}/tasks", "task_id", "id")]
    assert parents_of(made, "labels") == [("/workspaces", "workspace", "id")]
    assert parents_of(made, "repo_issues") == [("/repos", "owner", "owner"), ("/repos", "repo", "repo")]
    assert {one.name for one in made.inputs} == {"secret_word", "seller_id"}
    assert {one.field for one in made.questions} >= {"secret_word", "seller_id"}


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
    made = connect(write(tmp_path, spec({"/orders": listing()}, info={"title": "A", "version": "1", "description": prose})))
    assert plain(made.inference.limits.value) == rate
    assert ("api_budget" in made.manifest) is (rate is not None)


@pytest.mark.parametrize(
    ("servers", "url", "inputs"),
    [
        ([{"url": "https://api.acme.example/v1/"}], "https://api.acme.example/v1", []),
        ([{"url": "https://sandbox.acme.example"}, {"url": "https://api.acme.example"}], "https://api.acme.example", []),
        ([{"url": "https://{region}.acme.example", "variables": {"region": {"default": "eu"}}}], "https://eu.acme.example", []),
        ([{"url": "https://{tenant}.acme.example", "variables": {"tenant": {"default": "your-tenant"}}}], "https://{tenant}.acme.example", ["tenant"]),
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
                    "responses": {"200": {"description": "", "schema": {"type": "array", "items": {"$ref": "#/definitions/Order"}}}},
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
    fields = {"deleted_at": {"type": ["string", "null"], "format": "date-time"}, "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}
    made = connect(write(tmp_path, {**spec({"/orders": listing(record(**fields))}), "openapi": "3.1.0", "webhooks": {}}))
    properties = made.streams[0].schema["properties"]
    assert properties["deleted_at"] == {"type": ["string", "null"], "format": "date-time"}
    assert properties["size"] == {"type": ["integer", "null"]}


def test_an_answer_shown_in_prose_is_understood(tmp_path: Path) -> None:
    prose = 'The campaigns.\n\n```json\n{\n  "message": (required, string) how it went,\n  "campaigns": [\n    {\n      "id": (string) the identifier,\n      "last_edited": (ISO 8601 string) when, // really\n    },\n    ...\n  ]\n}\n```\n'  # fmt: skip
    operation = {"description": prose, "parameters": parameters({"page": {"type": "string"}}), "responses": {"200": {"description": ""}}}
    (stream,) = connect(write(tmp_path, spec({"/campaigns/list": {"get": operation}}))).streams
    assert stream.name == "campaigns"
    assert stream.records.value.path == ("campaigns",)
    assert stream.primary_key.value == ("id",)
    assert "sketch" in stream.records.reason
