"""Lineage events: complete, without secrets, and never a reason for a run to fail or to wait."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import pytest
from ulid import ULID

from plugins.core.ledger import Ledger, open_run
from plugins.core.settings import Settings, load_settings
from plugins.observability import emit_run

SECRET = "hunter2-hunter2"


def _project(folder: Path, endpoint: str | None = None) -> Settings:
    toml = f'[connections.shop]\ntype = "postgres"\ndsn = "postgresql://me:{SECRET}@db.example:5433/shop"\n'
    if endpoint:
        toml += f'[openlineage]\nendpoint = "{endpoint}"\n'
    (folder / "smelt.toml").write_text(toml)
    return load_settings(folder)


def _run(settings: Settings) -> str:
    """A run with a load that worked, one that failed, and a published table, as the ledger has them."""
    ledger = Ledger(settings)
    with open_run(ledger, "build") as run:
        columns = [{"name": "id", "type": "integer"}, {"name": "country", "type": "varchar"}]
        run.append(
            "schema_versions",
            {"source": "shop", "stream": "orders", "version": 1, "fingerprint": "x", "columns": columns},
        )
        load = {"source": "shop", "stream": "orders", "outcome": "loaded", "snapshot_id": 7, "rows_loaded": 3}
        run.append("stream_loads", {**load, "bytes": 10, "seconds": 1.5})
        failed = {"source": "shop", "stream": "lines", "outcome": "failed", "seconds": 0.1}
        run.append("stream_loads", {**failed, "error": f"cannot reach postgresql://me:{SECRET}@db.example"})
        run.append(
            "pins",
            {"namespace": "bronze", "table_name": "shop__orders", "snapshot_id": 7, "metadata_location": "m"},
        )
        published = {
            "dataset": "gold.fct_orders",
            "snapshot_id": 9,
            "metadata_location": "m",
            "rows": 3,
            "bytes": 5,
        }
        run.append("publishes", published)
        return run.id


def _events(settings: Settings) -> list[dict]:
    return [json.loads(line) for line in (settings.local_root / "openlineage.ndjson").read_text().splitlines()]


def _check(event: dict) -> None:
    """What the OpenLineage 2-0-2 RunEvent schema requires, and of each facet its base type."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", event["eventTime"])
    assert event["eventType"] in {"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"}
    assert event["schemaURL"].startswith("https://openlineage.io/spec/2-0-2/OpenLineage.json#")
    assert event["producer"].startswith("https://")
    UUID(event["run"]["runId"])
    holders = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
    for named in holders[1:]:
        assert named["namespace"]
        assert named["name"]
    for holder in holders:
        for facets in (holder.get("facets"), holder.get("inputFacets"), holder.get("outputFacets")):
            for facet in (facets or {}).values():
                assert facet["_producer"].startswith("https://")
                assert facet["_schemaURL"].startswith("https://")


def test_a_run_becomes_events_that_belong_together(tmp_path: Path) -> None:
    settings = _project(tmp_path)
    run_id = _run(settings)
    assert emit_run(settings, run_id) is None
    events = _events(settings)
    for event in events:
        _check(event)
    told = [(event["job"]["name"], event["eventType"]) for event in events]
    assert told == [
        ("smelt.build", "START"),
        ("smelt.build", "COMPLETE"),
        ("ingest.shop.orders", "START"),
        ("ingest.shop.orders", "COMPLETE"),
        ("ingest.shop.lines", "START"),
        ("ingest.shop.lines", "FAIL"),
        ("publish", "START"),
        ("publish", "COMPLETE"),
    ]
    own = str(ULID.from_str(run_id).to_uuid())
    parents = {event["run"]["facets"]["parent"]["run"]["runId"] for event in events[2:]}
    assert parents == {own}
    assert len({event["run"]["runId"] for event in events}) == 4


def test_datasets_carry_schema_version_and_statistics(tmp_path: Path) -> None:
    settings = _project(tmp_path)
    emit_run(settings, _run(settings))
    loaded = next(
        e for e in _events(settings) if (e["job"]["name"], e["eventType"]) == ("ingest.shop.orders", "COMPLETE")
    )
    assert loaded["inputs"][0]["namespace"] == "postgres://db.example:5433"
    output = loaded["outputs"][0]
    assert output["name"] == "bronze.shop__orders"
    assert [field["name"] for field in output["facets"]["schema"]["fields"]] == ["id", "country"]
    assert output["facets"]["version"]["datasetVersion"] == "7"
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 3


def test_no_secret_is_in_any_event(tmp_path: Path) -> None:
    settings = _project(tmp_path)
    emit_run(settings, _run(settings))
    text = (settings.local_root / "openlineage.ndjson").read_text()
    assert "cannot reach" in text
    assert SECRET not in text


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_dead_endpoint_costs_a_second_and_fails_nothing(tmp_path: Path, silent_port: int) -> None:
    for port in (silent_port, _closed_port()):
        settings = _project(tmp_path, f"http://127.0.0.1:{port}")
        run_id = _run(settings)
        emit_run(_project(tmp_path), run_id)  # imports are not what is measured
        started = time.monotonic()
        warning = emit_run(settings, run_id)
        assert time.monotonic() - started < 2.0
        assert warning is not None
        assert "8 of 8 lineage events were not sent" in warning


def test_an_endpoint_gets_every_event(tmp_path: Path) -> None:
    received: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        settings = _project(tmp_path, f"http://127.0.0.1:{server.server_address[1]}")
        assert emit_run(settings, _run(settings)) is None
        assert len(received) == 8
        assert received == _events(settings)
    finally:
        server.shutdown()
