"""Introspection results of GraphQL: lists become streams whose queries an API answers page by page."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from small_specs import write

from plugins.connectors import check_connector, connect, validate_manifest
from plugins.connectors.plain import plain

HELD = 23


def named(name: str, kind: str = "SCALAR") -> dict[str, Any]:
    return {"kind": kind, "name": name}


def required(inner: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "NON_NULL", "name": None, "ofType": inner}


def many(inner: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "LIST", "name": None, "ofType": inner}


def field(name: str, kind: dict[str, Any], *arguments: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "args": [{"name": one, "type": type_, "defaultValue": None} for one, type_ in arguments],
        **more,
    }


def object_type(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "OBJECT", "name": name, "fields": list(fields)}


INT, TEXT, ID = named("Int"), named("String"), named("ID")
ORDER = named("Order", "OBJECT")
TYPES = [
    object_type(
        "Order",
        field("id", required(ID)),
        field("total", named("Float")),
        field("createdAt", named("DateTime")),
        field("tags", many(TEXT)),
        field("customer", named("Customer", "OBJECT")),
        field("lines", many(named("Line", "OBJECT"))),
        field("price", TEXT, ("currency", required(TEXT))),
        field("old", TEXT, isDeprecated=True),
    ),
    object_type("Customer", field("id", required(ID)), field("name", TEXT), field("orders", many(ORDER))),
    object_type("Line", field("sku", TEXT)),
    object_type("OrderEdge", field("node", ORDER), field("cursor", TEXT)),
    object_type("PageInfo", field("hasNextPage", named("Boolean")), field("endCursor", TEXT)),
    object_type(
        "OrderConnection",
        field("edges", many(named("OrderEdge", "OBJECT"))),
        field("pageInfo", named("PageInfo", "OBJECT")),
    ),
    object_type("OrderNodes", field("nodes", many(ORDER)), field("pageInfo", named("PageInfo", "OBJECT"))),
    object_type("OrderPage", field("items", many(ORDER)), field("total", INT)),
    object_type(
        "Query",
        field("orders", named("OrderConnection", "OBJECT"), ("first", INT), ("after", TEXT)),
        field("invoices", named("OrderNodes", "OBJECT"), ("first", INT), ("after", TEXT)),
        field("refunds", named("OrderPage", "OBJECT"), ("limit", INT), ("offset", INT)),
        field("parcels", many(ORDER), ("page", INT), ("perPage", INT)),
        field("allCountries", many(required(named("Customer", "OBJECT")))),
        field("order", ORDER, ("id", required(ID))),
        field("ordersOf", many(ORDER), ("shop", required(TEXT))),
        field("searchOrders", many(ORDER), ("query", required(TEXT))),
        field("version", TEXT),
    ),
]
INTROSPECTION = {"data": {"__schema": {"queryType": {"name": "Query"}, "types": TYPES}}}


def test_lists_become_streams(tmp_path: Path) -> None:
    made = connect(write(tmp_path, INTROSPECTION, "acme.json"))
    streams = {one.name: one for one in made.streams}
    assert list(streams) == ["orders", "invoices", "refunds", "parcels", "countries", "orders_ofs"]
    assert {name: one.records.value.path for name, one in streams.items()} == {
        "orders": ("data", "orders", "edges", "*", "node"),
        "invoices": ("data", "invoices", "nodes"),
        "refunds": ("data", "refunds", "items"),
        "parcels": ("data", "parcels"),
        "countries": ("data", "allCountries"),
        "orders_ofs": ("data", "ordersOf"),
    }
    assert {name: one.pagination.value.kind for name, one in streams.items()} == {
        "orders": "cursor",
        "invoices": "cursor",
        "refunds": "offset",
        "parcels": "page",
        "countries": "none",
        "orders_ofs": "none",
    }
    assert all(one.primary_key.value == ("id",) for one in made.streams)
    assert {one.path for one in made.inference.skipped} == {"order", "searchOrders", "version"}
    assert [one.name for one in made.inputs] == ["base_url", "api_token", "shop"]
    assert {one.field for one in made.questions} >= {"base_url", "auth", "shop"}
    assert plain(streams["orders"].pagination.value)["next"] == ["data", "orders", "pageInfo", "endCursor"]


def test_queries_ask_for_scalars_and_the_scalars_of_single_objects(tmp_path: Path) -> None:
    made = connect(write(tmp_path, INTROSPECTION, "acme.json"))
    query = made.streams[0].query
    assert "{{" not in query
    assert "}}" not in query
    assert re.sub(r"\s+", " ", query) == (
        "query ($after: String, $first: Int) { orders(after: $after, first: $first) { edges { node "
        "{ id total createdAt tags customer { id name } } } pageInfo { hasNextPage endCursor } } }"
    )


def test_names_that_graphql_forbids_are_left_out(tmp_path: Path) -> None:
    evil = "orders } mutation { drop"
    types = [
        object_type(
            "Query", field(evil, many(ORDER)), field("orders", many(ORDER)), field("x", many(ORDER), (evil, INT))
        ),
        object_type("Order", field("id", ID), field("{{ config['api_token'] }}", TEXT)),
    ]
    made = connect(write(tmp_path, {"__schema": {"queryType": {"name": "Query"}, "types": types}}))
    assert [one.name for one in made.streams] == ["orders"]
    assert "config" not in made.streams[0].query
    assert "drop" not in json.dumps(dict(made.manifest))


@pytest.mark.parametrize("schema", [{}, {"types": None}, {"types": [1, {}], "queryType": 3}, {"types": TYPES}])
def test_malformed_results_are_no_crash(tmp_path: Path, schema: dict[str, Any]) -> None:
    connect(write(tmp_path, {"__schema": schema}))


@pytest.fixture
def api() -> Iterator[str]:
    """Holds 23 of everything, at most ten of them on a page, for those who have the token."""
    records = [
        {"id": str(n), "total": n * 1.5, "createdAt": "2024-01-01T00:00:00Z", "tags": [], "customer": None}
        for n in range(HELD)
    ]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = answered(asked["query"], asked.get("variables") or {})
            if self.headers.get("Authorization") != "Bearer secret":
                answer = {"errors": [{"message": "who are you?"}], "data": None}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    def answered(query: str, variables: dict[str, Any]) -> dict[str, Any]:
        match = re.search(r"\{\s*(\w+)", query)
        name = match[1] if match else ""
        if name == "refunds":
            start = int(variables.get("offset") or 0)
            return {"data": {name: {"items": records[start : start + 10], "total": HELD}}}
        if name == "parcels":
            start = (int(variables.get("page") or 1) - 1) * 10
            return {"data": {name: records[start : start + 10]}}
        if name in ("allCountries", "ordersOf"):
            return {"data": {name: records if name == "allCountries" or variables["shop"] == "north" else []}}
        start = int(variables.get("after") or 0)
        page = records[start : start + 10]
        info = {"hasNextPage": start + 10 < HELD, "endCursor": str(start + len(page))}
        content = {"nodes": page} if name == "invoices" else {"edges": [{"node": one} for one in page]}
        return {"data": {name: {**content, "pageInfo": info}}}

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/graphql"
    server.shutdown()
    server.server_close()


@pytest.mark.full
def test_airbyte_reads_every_page(tmp_path: Path, api: str) -> None:
    document = json.loads(
        json.dumps(INTROSPECTION).replace('"name": "limit"', '"description": "At most 10", "name": "limit"')
    )
    text = json.dumps(document)
    for one in ("first", "perPage"):
        text = text.replace(f'"name": "{one}"', f'"description": "At most 10", "name": "{one}"')
    made = connect(write(tmp_path, text))
    config = {"base_url": api, "api_token": "secret", "shop": "north"}
    assert len(validate_manifest(made.manifest, config)) == 6
    done = check_connector(made.manifest, config)
    assert done.is_good, done
    assert set(done.counts.values()) == {HELD}
    refused = check_connector(made.manifest, {**config, "api_token": "wrong"}, streams=["orders"])
    assert "who are you?" in refused.streams[0].error
