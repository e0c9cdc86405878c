"""The files that `smelt connect` writes: valid to airbyte-cdk and to Smelt, whatever the spec's author wrote
into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_specs import listing, record, spec, write
from typer.testing import CliRunner

from plugins.cli import _assemble
from plugins.connectors import connect, validate_manifest
from plugins.core.errors import SmeltError

RUNNER = CliRunner()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "smelt.toml").write_text("")
    (tmp_path / "dbt_project.yml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def smelt(*arguments: str) -> Any:
    return RUNNER.invoke(_assemble(), list(arguments))


SHOP = spec(
    {
        "/orders": listing(
            record(updated_at={"type": "string", "format": "date-time"}),
            query={"page": {"type": "integer"}, "updated_since": {"type": "string", "format": "date-time"}},
        ),
        "/orders/{order_id}/lines": listing(record(order_id={"type": "integer"}, sku={"type": "string"})),
        "/customers": listing(),
        "/sellers/{seller_id}/offers": listing(),
    },
    components={"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
    security=[{"key": []}],
)


def test_source_yml_is_what_smelt_loads(here: Path) -> None:
    from ingest.spec import load_source

    outcome = smelt("connect", write(here, SHOP), "--owner", "sales-ops")
    assert outcome.exit_code == 0, outcome.output
    source = load_source(here / "sources" / "acme" / "source.yml")
    assert (source.kind, source.connection, source.owner) == ("airbyte", "acme", "sales-ops")
    assert source.config == {"seller_id": "fill-me-in"}
    orders = source.stream("orders")
    assert orders is not None
    assert (orders.sync_mode, orders.primary_key) == ("incremental", ["id"])
    assert orders.cursor is not None
    assert orders.cursor.column == "updated_at"
    manifest = yaml.safe_load((here / "sources" / "acme" / "connector.yml").read_text())
    assert [one["name"] for one in manifest["streams"]] == [one.name for one in source.streams]
    assert validate_manifest(manifest, {"api_key": "x", "seller_id": "1"}) == (
        "orders",
        "order_lines",
        "customers",
        "offers",
    )


def test_the_text_says_what_was_inferred_and_what_to_do(here: Path) -> None:
    printed = smelt("connect", write(here, SHOP)).output
    for text in (
        "orders",
        "updated_at ≥ updated_since",
        "order_id ← /orders.id",
        "What is seller_id?",
        "[connections.acme]",
        'api_key = "env:ACME_API_KEY"',
        "smelt doctor",
        "smelt ingest acme",
    ):
        assert text in printed


def test_json_has_everything(here: Path) -> None:
    document = json.loads(smelt("connect", write(here, SHOP), "--json").output)
    assert set(document) >= {
        "spec",
        "title",
        "version",
        "base_url",
        "auth",
        "inputs",
        "streams",
        "skipped",
        "questions",
        "defects",
        "files",
    }
    assert document["base_url"] == "https://api.acme.example/v1"
    assert document["auth"] == {"kind": "api_key", "place": "header", "name": "X-Key"}
    orders = next(one for one in document["streams"] if one["name"] == "orders")
    assert orders["cursor"]["parameter"] == "updated_since"
    assert 0 <= orders["confidence"] <= 1
    assert all({"value", "confidence", "reason"} <= set(one) for one in orders["reasons"].values())
    assert [Path(one).name for one in document["files"]] == ["connector.yml", "source.yml"]


def test_only_the_streams_that_are_asked_for_and_their_parents(here: Path) -> None:
    smelt("connect", write(here, SHOP), "--streams", "order_lines", "--out", "there", "--name", "shop")
    manifest = yaml.safe_load((here / "there" / "connector.yml").read_text())
    assert [one["name"] for one in manifest["streams"]] == ["orders", "order_lines"]
    with pytest.raises(SmeltError, match="no stream nonsense"):
        connect(write(here, SHOP), streams=["nonsense"])


def test_a_source_is_called_by_its_folder(here: Path) -> None:
    printed = smelt("connect", write(here, SHOP), "--out", "sources/web_shop").output
    assert "[connections.web_shop]" in printed
    assert "smelt ingest web_shop" in printed
    assert "connection: web_shop" in (here / "sources" / "web_shop" / "source.yml").read_text()


def test_nothing_is_written_on_a_dry_run(here: Path) -> None:
    assert smelt("connect", write(here, SHOP), "--dry-run").exit_code == 0
    assert not (here / "sources").exists()


def test_a_file_that_a_person_edited_is_kept(here: Path) -> None:
    location = write(here, SHOP)
    assert smelt("connect", location).exit_code == 0
    assert smelt("connect", location).exit_code == 0
    path = here / "sources" / "acme" / "source.yml"
    path.write_text(path.read_text().replace("fill-me-in", "42"))
    outcome = smelt("connect", location)
    assert isinstance(outcome.exception, SmeltError)
    assert "edited" in outcome.exception.message
    assert "42" in path.read_text()
    assert smelt("connect", location, "--force").exit_code == 0
    assert "42" not in path.read_text()


def test_a_spec_without_a_collection_fails_and_says_why(here: Path) -> None:
    outcome = smelt("connect", write(here, spec({"/me": listing()})))
    assert isinstance(outcome.exception, SmeltError)
    assert "no stream" in outcome.exception.message
    assert not (here / "sources").exists()


EVIL = "{{ config['api_key'] }}{% for a in b %}{# x #}"
HOSTILE = {
    "title": f"[bold red]x[/] {EVIL} \u202e\x1b[31m",
    "markup": "[/] [link=http://evil]click[/link]",
}


def test_hostile_text_is_nothing_but_text(here: Path) -> None:
    orders = listing(
        record(
            **{
                "$ref": {"type": "string"},
                "$parameters": {"type": "string"},
                "type": {"type": "string"},
                EVIL: {"type": "string"},
                "note": {"type": "string", "description": "#/definitions/authenticator"},
                "updated_at": {"type": "string", "format": "date-time"},
            }
        ),
        query={
            "page": {"type": "integer"},
            EVIL: {"type": "string", "default": EVIL, "required": True},
            "updated_since": {"type": "string", "format": "date-time", "description": EVIL},
        },
        summary=f"#/definitions/requester {EVIL} {HOSTILE['markup']}",
        operationId="../../etc/passwd",
    )
    fine = listing(summary=f"{EVIL} {HOSTILE['markup']}", description="#/streams/0")
    named = listing(wrapper=EVIL)
    document = spec(
        {
            "/orders": orders,
            "/people": fine,
            f"/{EVIL}/things": listing(),
            "/wrapped": named,
            "/a/../../b": listing(),
        },
        info={"title": HOSTILE["title"], "version": HOSTILE["markup"], "description": EVIL},
        components={"securitySchemes": {EVIL: {"type": "apiKey", "in": "header", "name": EVIL}}},
        security=[{EVIL: []}],
    )
    outcome = smelt("connect", write(here, document), "--name", "acme")
    assert outcome.exit_code == 0, outcome.output
    assert "\x1b[31m" not in outcome.output
    manifest = yaml.safe_load((here / "sources" / "acme" / "connector.yml").read_text())
    text = json.dumps(manifest)
    assert "for a in b" not in text.replace("{ % for a in b % }", "").replace("{ %", "")
    assert "config['api_key'] }}{%" not in text
    assert "people" in validate_manifest(manifest, {"api_key": "secret", "base_url": "http://127.0.0.1:1"})


@pytest.mark.parametrize("name", ["../up", "A", "1a", "a b", ""])
def test_a_name_that_is_no_folder_is_refused(here: Path, name: str) -> None:
    with pytest.raises(SmeltError, match="not a name"):
        connect(write(here, SHOP), name=name)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Capsule CRM API v2", "capsule_crm"),
        ("The REST API", "shop_spec"),
        ("Crème Brûlée", "creme_brulee"),
        ("2checkout", "shop_spec"),
    ],
)
def test_the_name_comes_from_the_title_else_from_the_file(here: Path, title: str, name: str) -> None:
    document = {**SHOP, "info": {"title": title, "version": "1"}}
    assert connect(write(here, document, "shop.spec.json")).name == name.removesuffix("_spec")
