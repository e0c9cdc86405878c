"""Specs that are broken, huge or hostile: refused with one clear message, or read as far as they go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from small_specs import listing, record, spec, write

from plugins.connectors import connect, validate_manifest
from plugins.core.errors import SmeltError


def refused(folder: Path, text: str, name: str = "spec.yaml") -> str:
    with pytest.raises(SmeltError) as caught:
        connect(write(folder, text, name))
    return caught.value.message


def test_a_yaml_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "YAML bomb" in refused(tmp_path, "openapi: 3.0.0\n" + "\n".join(lines))


def test_a_bomb_of_merge_keys_is_refused(tmp_path: Path) -> None:
    lines = ["b0: &b0 {k: 1}"]
    lines += [f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}'] * 9)}], k{n}: 1}}" for n in range(1, 12)]
    assert "YAML bomb" in refused(tmp_path, "openapi: 3.0.0\n" + "\n".join(lines))


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, '{"a":' * 100_000, "- " * 5000 + "x"])
def test_what_is_nested_too_deep_is_refused(tmp_path: Path, text: str) -> None:
    message = refused(tmp_path, text)
    assert "deeper than" in message or "neither valid YAML nor JSON" in message


def test_an_alias_of_itself_is_refused(tmp_path: Path) -> None:
    assert "contains itself" in refused(tmp_path, "openapi: 3.0.0\npaths: &p {a: *p}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#%RAML 1.0\ntitle: x", "RAML"),
        ("asyncapi: 2.0.0\ninfo: {}", "AsyncAPI"),
        ("swaggerVersion: '1.2'", "Swagger 1"),
        ('{"info": {"_postman_id": "1"}, "item": []}', "Postman"),
        ("hello: world", "neither OpenAPI"),
        ("just text", "no mapping"),
        ("a: [1\nb: 2", "line 2"),
    ],
)
def test_what_is_no_spec_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_python_objects_are_not_made(tmp_path: Path) -> None:
    mark = tmp_path / "owned"
    text = f'openapi: 3.0.0\nx: !!python/object/apply:os.system ["touch {mark}"]\npaths: {{}}'
    assert connect(write(tmp_path, text, "spec.yaml")).streams == ()
    assert not mark.exists()


def test_a_missing_file_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(SmeltError, match="no such file"):
        connect(str(tmp_path / "none.yaml"))


def test_repeated_keys_are_a_defect_and_the_last_counts(tmp_path: Path) -> None:
    text = f"openapi: 3.0.0\ninfo: {{title: One, title: Two}}\npaths: {json.dumps({'/a': listing()})}"
    made = connect(write(tmp_path, text, "spec.yaml"))
    assert made.inference.title == "Two"
    assert any("'title'" in one.what for one in made.defects)
    assert len(made.streams) == 1


def test_a_broken_reference_costs_only_what_uses_it(tmp_path: Path) -> None:
    broken = listing({"$ref": "#/components/schemas/Gone"})
    made = connect(write(tmp_path, spec({"/orders": listing(), "/refunds": broken, "/x": {"$ref": "#/nowhere"}})))
    assert {one.name for one in made.streams} == {"orders", "refunds"}
    assert any("Gone" in one.what and "GET /refunds" in one.where for one in made.defects)
    refunds = next(one for one in made.streams if one.name == "refunds")
    assert refunds.primary_key.is_doubtful


def test_references_in_a_circle_end(tmp_path: Path) -> None:
    schemas = {
        "Loop": {"$ref": "#/components/schemas/Loop2"},
        "Loop2": {"$ref": "#/components/schemas/Loop"},
        "Node": record(
            children={"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
            loop={"$ref": "#/components/schemas/Loop"},
        ),
        "All": {"allOf": [{"$ref": "#/components/schemas/All"}, record()]},
    }
    paths = {
        "/nodes": listing({"$ref": "#/components/schemas/Node"}),
        "/alls": listing({"$ref": "#/components/schemas/All"}),
    }
    made = connect(write(tmp_path, spec(paths, components={"schemas": schemas})))
    assert [one.name for one in made.streams] == ["nodes", "alls"]
    assert "children" in made.streams[0].schema["properties"]
    assert validate_manifest(made.manifest, {}) == ("nodes", "alls")


def test_references_that_multiply_are_written_out_within_bounds(tmp_path: Path) -> None:
    """Ten levels of ten references each: ten thousand million objects, if somebody wrote them out."""
    schemas = {
        f"L{n}": {
            "type": "object",
            "properties": {f"p{k}": {"$ref": f"#/components/schemas/L{n + 1}"} for k in range(10)},
        }
        for n in range(10)
    }
    schemas["L10"] = {"type": "string"}
    schemas["B0"] = {"allOf": [{"$ref": "#/components/schemas/B1"}] * 10}
    schemas |= {f"B{n}": {"allOf": [{"$ref": f"#/components/schemas/B{n + 1}"}] * 10} for n in range(1, 20)}
    schemas["B20"] = record()
    paths = {
        "/laughs": listing({"$ref": "#/components/schemas/L0"}),
        "/bills": listing({"$ref": "#/components/schemas/B0"}),
    }
    made = connect(write(tmp_path, spec(paths, components={"schemas": schemas})))
    assert [one.name for one in made.streams] == ["laughs", "bills"]
    assert len(made.files["connector.yml"]) < 500_000


def test_three_megabytes_are_read(tmp_path: Path) -> None:
    paths = {
        f"/things{n}": listing(record(note={"type": "string", "description": "x" * 2300})) for n in range(1200)
    }
    text = json.dumps(spec(paths))
    assert len(text) > 3_000_000
    assert (
        len(connect(write(tmp_path, yaml.dump(json.loads(text), Dumper=yaml.CSafeDumper), "big.yaml")).streams)
        == 1200
    )


def test_references_to_files_are_refused_unless_allowed(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "orders.yaml").write_text(
        yaml.dump({"list": listing({"$ref": "#/Order"}), "Order": record(total={"type": "number"})})
    )
    location = write(tmp_path, spec({"/orders": {"$ref": "parts/orders.yaml#/list"}, "/people": listing()}))
    refused = connect(location)
    assert [one.name for one in refused.streams] == ["people"]
    assert any("--allow-external-refs" in one.consequence for one in refused.defects)
    allowed = connect(location, allow_external_refs=True)
    assert [one.name for one in allowed.streams] == ["orders", "people"]
    assert "total" in allowed.streams[0].schema["properties"]


def test_operations_and_their_parts_may_be_references(tmp_path: Path) -> None:
    """As in specs that are kept in many files, though OpenAPI only allows it for some parts."""
    path = listing(query={"page": {"type": "integer"}}, wrapper="orders")["get"]
    parts = {"operation": {**path, "responses": {"$ref": "#/responses"}, "parameters": {"$ref": "#/parameters"}}}
    parts |= {"parameters": path["parameters"], "responses": {"200": {"$ref": "#/answer"}}}
    parts |= {"answer": {"description": "", "content": {"application/json": {"$ref": "#/media"}}}}
    parts |= {"media": path["responses"]["200"]["content"]["application/json"]}
    (tmp_path / "parts.json").write_text(json.dumps(parts))
    location = write(tmp_path, spec({"/orders": {"get": {"$ref": "parts.json#/operation"}}}))
    (orders,) = connect(location, allow_external_refs=True).streams
    assert (orders.records.value.path, orders.pagination.value.kind) == (("orders",), "page")
    refused = connect(location)
    assert refused.streams == ()
    assert any("--allow-external-refs" in one.consequence for one in refused.defects)


def test_a_parameter_in_a_missing_file_is_known_by_the_file_name(tmp_path: Path) -> None:
    path = listing()
    path["get"]["parameters"] = [{"$ref": "../parameters/page.yaml"}, {"$ref": "../parameters/per-page.yaml"}]
    made = connect(write(tmp_path, spec({"/orders": path})))
    pages = made.streams[0].pagination
    assert (pages.value.kind, pages.value.parameter, pages.value.size_parameter) == ("page", "page", "per_page")
    assert "reference is broken" in pages.reason


@pytest.mark.parametrize(
    "paths",
    [None, [], "x", {"orders": {}}, {"/a": None}, {"/a": {"get": None}}, {"/a": {"get": {"responses": []}}}],
)
def test_malformed_paths_are_no_crash(tmp_path: Path, paths: object) -> None:
    document = {**spec({}), "paths": paths}
    assert connect(write(tmp_path, document)).streams == ()


@pytest.mark.parametrize(
    "junk",
    [None, 7, "x", [], {"properties": []}, {"allOf": {}}, {"type": 3}, {"items": 3, "type": "array"}, {"enum": 3}],
)
def test_malformed_schemas_are_no_crash(tmp_path: Path, junk: object) -> None:
    document = spec({"/a": listing(), "/b": listing(record(odd=junk))})
    document["paths"]["/a"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = junk
    document["paths"]["/b"]["get"]["parameters"] = [junk, {"name": "q", "in": "query", "schema": junk}]
    made = connect(write(tmp_path, document))
    assert "bs" in [one.name for one in made.streams]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/huge":
                self.send_response(200)
                self.end_headers()
                try:
                    for _ in range(40):
                        self.wfile.write(b"x" * 1_000_000)
                except OSError:
                    return
                return
            body = json.dumps(
                {
                    **spec({"/orders": listing(), "/p": {"$ref": f"file://{tmp_path}/x.json#/a"}}),
                    "servers": [{"url": "/api/v2"}],
                }
            )
            self.send_response(200 if self.path == "/openapi.json" else 404)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_spec_from_a_url_knows_its_server_and_may_not_read_files(web: str) -> None:
    made = connect(f"{web}/openapi.json", allow_external_refs=True)
    assert made.inference.server.value.url == f"{web}/api/v2"
    assert [one.name for one in made.streams] == ["orders"]
    assert any("may not read local files" in one.what for one in made.defects)


@pytest.mark.parametrize(("path", "said"), [("/none", "404"), ("/huge", "larger than 32 MB")])
def test_a_url_that_gives_no_spec_is_one_message(web: str, path: str, said: str) -> None:
    with pytest.raises(SmeltError, match=said):
        connect(web + path)
