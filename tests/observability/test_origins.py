"""How sources are named in lineage events: an address that others name alike, and never a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lineage_spec import violations

from plugins.core.ledger import Ledger, open_run
from plugins.core.settings import load_settings
from plugins.observability import emit_run

SECRET = "pl4nted-Pw"
_STREAM = "  - {name: orders, table: sales.orders, files: {glob: 'o_*.csv'}}"

_TABLE = "retail.sales.orders"
CASES = [
    ("postgres", f"postgresql://me:{SECRET}@db.example:5433/retail", "postgres://db.example:5433", _TABLE),
    ("postgres", f"postgresql://me:{SECRET}@db.example/retail", "postgres://db.example:5432", _TABLE),
    ("postgres", f"host=db.example dbname=retail password={SECRET}", "postgres://db.example:5432", _TABLE),
    ("postgres", f"postgresql://me:p@ss/{SECRET}@db.example/retail", "shop", "orders"),
    ("postgres", f"postgresql://me:{SECRET}@db.example:port/retail", "shop", "orders"),
    ("files", f"s3://me:{SECRET}@bucket/drop?token={SECRET}", "s3://bucket", "drop/o_*.csv"),
    ("http", f"https://me:{SECRET}@api.example/v1?api_key={SECRET}", "https://api.example", "v1/orders"),
    ("http", f"https://me:12/{SECRET}@api.example/v1", "shop", "orders"),
    ("dlt", f"mysql://me:{SECRET}@db.example:3306/retail", "mysql://db.example:3306", "orders"),
    ("dlt", "env:NOT_SET", "shop", "orders"),
]  # fmt: skip


def _told(folder: Path, kind: str, address: str, error: str | None = None) -> str:
    key = "dsn" if kind in ("postgres", "dlt") else "url"
    (folder / "smelt.toml").write_text(f'[connections.main]\ntype = "{kind}"\n{key} = "{address}"\n')
    source = folder / "sources" / "shop"
    source.mkdir(parents=True)
    (source / "source.yml").write_text(f"kind: {kind}\nconnection: main\nowner: me\nstreams:\n{_STREAM}\n")
    settings = load_settings(folder)
    with open_run(Ledger(settings), "ingest") as run:
        outcome = "failed" if error else "loaded"
        run.append("stream_loads", {"source": "shop", "stream": "orders", "outcome": outcome, "error": error})
    assert emit_run(settings, run.id) is None
    return (settings.local_root / "openlineage.ndjson").read_text()


@pytest.mark.parametrize(("kind", "address", "namespace", "name"), CASES)
def test_a_source_is_named_by_its_address(
    tmp_path: Path, kind: str, address: str, namespace: str, name: str
) -> None:
    text = _told(tmp_path, kind, address)
    load = next(event for event in map(json.loads, text.splitlines()) if event["inputs"])
    assert (load["inputs"][0]["namespace"], load["inputs"][0]["name"]) == (namespace, name)
    assert SECRET not in text


def test_a_local_folder_is_named_by_its_path(tmp_path: Path) -> None:
    load = next(
        event for event in map(json.loads, _told(tmp_path, "files", "drop").splitlines()) if event["inputs"]
    )
    assert load["inputs"][0]["namespace"] == "file"
    assert load["inputs"][0]["name"] == f"{tmp_path}/drop/o_*.csv"


def test_a_password_at_the_end_of_an_error_leaves_the_line_whole(tmp_path: Path) -> None:
    text = _told(tmp_path, "postgres", "postgresql://db.example/retail", error=f"refused: password={SECRET}")
    events = [json.loads(line) for line in text.splitlines()]
    assert [event["eventType"] for event in events] == ["START", "COMPLETE", "START", "FAIL"]
    assert events[-1]["run"]["facets"]["errorMessage"]["message"] == "refused: password=****"
    assert not [problem for event in events for problem in violations(event)]
