"""An API or a connector that doesn't do its part: one clear message, soon."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.ingest.airbyte.conftest import Rates, answering

HTML = b"<html><body>Sign in first</body></html>"


def _fails_soon(rates: Rates) -> tuple[str, str]:
    started = time.monotonic()
    failed = rates.ingest()
    assert time.monotonic() - started < 20
    assert failed.outcome == "failed"
    assert failed.error
    assert "\n" not in failed.error
    assert "Traceback" not in failed.error
    assert failed.hint
    return failed.error, failed.hint


@pytest.fixture
def broken(project: Path) -> Rates:
    return Rates(project, "airbyte")


@pytest.mark.parametrize(
    ("status", "body", "content_type", "said"),
    [
        (200, HTML, "text/html", "JSON"),
        (500, b'{"error": "boom"}', "application/json", "500"),
        (404, b"{}", "application/json", "404"),
        (401, b'{"error": "who are you"}', "application/json", "401"),
        (200, b'{"rates": [{"date": "20', "application/json", "JSON"),
    ],
)
def test_an_api_that_answers_something_else(
    broken: Rates, running, status: int, body: bytes, content_type: str, said: str
) -> None:
    url = running(answering(status, body, content_type))
    broken.connect(url)
    error, hint = _fails_soon(broken)
    assert said in error
    assert "connections.c.url" in hint


def test_an_api_that_answers_an_unexpected_object_loads_nothing(broken: Rates, running) -> None:
    broken.connect(running(answering(200, b'{"other": 1}')))
    assert "no JSON object with 'rates'" in _fails_soon(broken)[0]


def test_an_answer_that_is_no_json_is_no_empty_page_whatever_the_manifest_says(broken: Rates, running) -> None:
    broken.connect(running(answering(200, HTML, "text/html")))
    path = broken.project / "sources/s/connector.yml"
    path.write_text(path.read_text().replace("'rates' not in response", "false"))
    assert "it is no JSON" in _fails_soon(broken)[0]


def test_a_port_where_nobody_listens(broken: Rates) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    broken.connect(f"http://127.0.0.1:{port}")
    error, _ = _fails_soon(broken)
    assert f"127.0.0.1:{port}" in error


def test_a_manifest_that_is_no_yaml(rates) -> None:
    (rates.project / "sources/s/connector.yml").write_text("version: [\n")
    error, _ = _fails_soon(rates)
    assert "connector.yml: not valid YAML" in error


def test_a_manifest_that_is_no_manifest(rates) -> None:
    (rates.project / "sources/s/connector.yml").write_text("hello: world\n")
    assert "not an Airbyte declarative manifest" in _fails_soon(rates)[0]


def test_a_manifest_with_an_unknown_part(rates) -> None:
    path = rates.project / "sources/s/connector.yml"
    path.write_text(path.read_text().replace("type: CursorPagination", "type: Nonsense"))
    error, hint = _fails_soon(rates)
    assert "connector.yml: not a valid Airbyte manifest" in error
    assert "docs.airbyte.com" in hint


def test_a_manifest_that_is_missing(rates) -> None:
    (rates.project / "sources/s/connector.yml").unlink()
    assert "connector.yml is missing" in _fails_soon(rates)[0]


def test_a_stream_that_the_manifest_does_not_have(rates) -> None:
    rates.declare(name="prices", primary_key=["date"])
    error, hint = _fails_soon(rates)
    assert "no stream 'prices' (there are: rates)" in error
    assert "source.yml" in hint
    code, printed = rates.command("ingest")
    assert code == 1
    assert "no stream 'prices'" in printed
    assert "Traceback" not in printed
