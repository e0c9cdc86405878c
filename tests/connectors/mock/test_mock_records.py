"""What records are made of: schemas with references, examples, or the fields of the label."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from small_api import ITEM, get, labels, parameter, specification, stream, wrapped

from plugins.connectors.mock import read_labels, serve
from plugins.core.errors import SmeltError


def _records(item: Any, label: dict[str, Any] | None = None, seed: int = 1, **more: Any) -> list[Any]:
    spec = specification({"/items": get(wrapped(item=item))}, **more)
    with serve(spec, labels(stream(**(label or {}))), 20, seed=seed) as mock:
        return mock.records("/items")


def test_types_formats_enums_and_bounds_are_respected() -> None:
    """Each value is one that the schema allows."""
    properties = {
        "id": {"type": "string", "format": "uuid"},
        "at": {"type": "string", "format": "date-time"},
        "on": {"type": "string", "format": "date"},
        "state": {"type": "string", "enum": ["open", "closed"]},
        "count": {"type": "integer", "minimum": 3, "maximum": 5},
        "rate": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "flag": {"type": "boolean"},
        "code": {"type": "string", "maxLength": 4},
        "shown": {"type": "string", "example": "as it is"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        "by_day": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
    for record in _records({"type": "object", "properties": properties}):
        assert UUID(record["id"])
        assert datetime.fromisoformat(record["at"])
        assert len(record["on"]) == 10
        assert record["state"] in ("open", "closed")
        assert 3 <= record["count"] <= 5
        assert 0 <= record["rate"] <= 1
        assert isinstance(record["flag"], bool)
        assert len(record["code"]) <= 4
        assert record["shown"] == "as it is"
        assert len(record["tags"]) == 2
        assert all(isinstance(value, int) for value in record["by_day"].values())


def test_references_and_allof_are_followed_and_recursion_ends() -> None:
    """A tree of itself is cut; a schema made of itself is empty; a broken reference is a text."""
    schemas = {
        "Base": {"type": "object", "properties": {"id": {"type": "integer"}}},
        "Node": {
            "allOf": [
                {"$ref": "#/components/schemas/Base"},
                {
                    "properties": {
                        "child": {"$ref": "#/components/schemas/Node"},
                        "lost": {"$ref": "other.yaml#/A"},
                    }
                },
            ]
        },
        "Loop": {"allOf": [{"$ref": "#/components/schemas/Loop"}, {"$ref": "#/components/schemas/Loop"}]},
    }
    schemas["Node"]["allOf"].append({"properties": {"loop": {"$ref": "#/components/schemas/Loop"}}})
    record = _records({"$ref": "#/components/schemas/Node"}, components={"schemas": schemas})[0]
    assert set(record) == {"id", "child", "lost", "loop"}
    depth = 0
    while record.get("child"):
        record, depth = record["child"], depth + 1
    assert depth == 4


def test_a_schema_wrapped_in_itself_a_thousand_times_is_cut() -> None:
    """Nobody writes that but to break a reader."""
    deep: dict[str, Any] = {"properties": {"far": {"type": "string"}}}
    for _ in range(1_000):
        deep = {"allOf": [deep]}
    record = _records({"type": "object", "properties": {"id": {"type": "integer"}, "deep": deep}})[0]
    assert set(record) == {"id", "deep"}


def test_keys_are_unique_and_changes_grow() -> None:
    """Keys of several fields and nested ones too; seconds where the field is a number."""
    item = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "changed": {"type": "integer"}},
    }
    label = {"primary_key": ["a", "b", "deep.id"], "cursor": {"field": "changed", "parameter": "since"}}
    records = _records(item, label)
    assert len({(one["a"], one["b"], one["deep"]["id"]) for one in records}) == 20
    changes = [one["changed"] for one in records]
    assert changes == sorted(set(changes))
    assert changes[0] == 1704067200


def test_the_same_seed_makes_the_same_records() -> None:
    """And another seed others."""
    assert _records(ITEM) == _records(ITEM)
    assert _records(ITEM, seed=2) != _records(ITEM)


def test_without_a_schema_the_example_is_taken_and_without_both_the_label() -> None:
    """Keys and cursors are set all the same."""
    example = {"items": [{"id": 7, "name": "from the example", "updated_at": "2020-01-01T00:00:00Z"}]}
    media = {"application/json": {"examples": {"one": {"value": example}}}}
    paths = {
        "/items": {"get": {"responses": {"200": {"description": "ok", "content": media}}}},
        "/bare": {"get": {"responses": {"200": {"description": "ok"}}}},
        "/names": {"get": {"responses": {"200": {"description": "ok"}}}},
    }
    cursor = {"field": "updated_at", "parameter": "since"}
    known = labels(
        stream(cursor=cursor),
        stream("/bare", fields={"id": "string", "sent": "boolean"}),
        stream("/names", items="string", primary_key=None),
    )
    with serve(specification(paths), known, 3) as mock:
        assert [one["name"] for one in mock.records("/items")] == ["from the example"] * 3
        assert len({one["id"] for one in mock.records("/items")}) == 3
        assert mock.records("/items")[2]["updated_at"] == "2024-01-01T02:14:00Z"
        assert {frozenset(one) for one in mock.records("/bare")} == {frozenset({"id", "sent"})}
        assert all(isinstance(one, str) for one in mock.records("/names"))


def test_a_swagger_2_document_is_served() -> None:
    """Its schemas stand in the response itself."""
    answer = {"description": "ok", "schema": {"type": "array", "items": {"$ref": "#/definitions/Item"}}}
    document = {
        "swagger": "2.0",
        "paths": {"/items": {"get": {"responses": {200: answer}}}},
        "definitions": {"Item": ITEM},
    }
    with serve(document, labels(stream(records=[])), 3) as mock:
        assert [sorted(one) for one in mock.records("/items")] == [["id", "name", "updated_at"]] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("streams: [", "not valid YAML"),
        ("spec: a.yaml", "Field required"),
        ("- a list", "valid dictionary"),
    ],
)
def test_a_label_file_that_is_none_is_told_in_one_message(tmp_path: Path, text: str, message: str) -> None:
    """With the name of the file."""
    path = tmp_path / "wrong.yml"
    path.write_text(text)
    with pytest.raises(SmeltError, match=message) as caught:
        read_labels(path)
    assert "wrong.yml" in caught.value.message


@pytest.mark.parametrize("text", ["{", "just text", "openapi: 3.0.0"])
def test_a_file_that_is_no_specification_is_told_in_one_message(tmp_path: Path, text: str) -> None:
    """Neither a stack trace nor an empty server."""
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(SmeltError), serve(path, labels()):
        pass


def test_the_command_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    """It says where it is and what to send, and at the end what it was asked."""
    spec, label = tmp_path / "spec.yaml", tmp_path / "labels.yml"
    spec.write_text(yaml.safe_dump(specification({"/items": get(wrapped(), parameter("page"))})))
    known = labels(stream(), auth={"kind": "bearer", "name": "Authorization"})
    label.write_text(yaml.safe_dump(known.model_dump(mode="json", by_alias=True)))
    command = [sys.executable, "-m", "plugins.connectors.mock", str(spec), str(label), "--records", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        assert started["url"].startswith("http://127.0.0.1:")
        assert started["headers"] == {"Authorization": "Bearer mock-token"}
        process.terminate()
        held = json.loads(process.stdout.readline())
    assert process.returncode == 0
    assert held["streams"]["/items"] == {"records": 5, "per_parent": {}, "calls": 0}


def test_the_mock_knows_nothing_of_inferences() -> None:
    """What it does may come from specification and labels only."""
    code = "import sys, plugins.connectors.mock; print(*(name for name in sys.modules if 'connectors' in name))"
    root = Path(__file__).parents[3]
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    ).stdout
    assert not [part for part in ("inference", "manifest", "connectors.spec") if part in loaded]
