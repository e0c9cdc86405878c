"""An API that refuses its key: told once for all its streams, with the place where the key is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.ingest.airbyte.conftest import Rates, answering

STREAMS = ("rates", "prices", "tariffs", "taxes", "fees")


@pytest.mark.parametrize(
    ("status", "reference", "place"),
    [
        (401, "file:.smelt/connections/c.api_key", "the file .smelt/connections/c.api_key"),
        (403, "env:SMELT_TEST_KEY", "the environment variable SMELT_TEST_KEY"),
        (401, "wrong-key-itself", "smelt.toml"),
    ],
)
def test_the_fix_names_the_secret_and_the_error_stands_once(
    project: Path, running, monkeypatch: pytest.MonkeyPatch, status: int, reference: str, place: str
) -> None:
    api = Rates(project, "airbyte")
    api.connect(running(answering(status, b'{"error": "wrong key"}')))
    with (project / "smelt.toml").open("a") as file:
        file.write(f'secrets = {{ api_key = "{reference}" }}\n')
    (project / ".smelt/connections").mkdir(parents=True, exist_ok=True)
    (project / ".smelt/connections/c.api_key").write_text("wrong-key-in-file")
    monkeypatch.setenv("SMELT_TEST_KEY", "wrong-key-of-env")
    _with_streams(project / "sources/s/source.yml", project / "sources/s/connector.yml")
    code, printed = api.command("ingest")
    assert code == 1
    assert printed.count("error  ") == printed.count("fix  ") == 1
    assert "error  s.rates, s.prices, s.tariffs and 2 more: http://127.0.0.1" in printed
    assert f"connections.c.secrets.api_key ({place})" in printed
    assert "wrong-key-" not in printed


def test_errors_that_differ_are_told_each(project: Path, running) -> None:
    api = Rates(project, "airbyte")
    api.connect(running(answering(401, b"{}")))
    declared = project / "sources/s/source.yml"
    tree = YAML(typ="safe").load(declared)
    tree["streams"].append({"name": "unknown", "primary_key": ["date"]})
    YAML(typ="safe").dump(tree, declared)
    _, printed = api.command("ingest")
    assert printed.count("error  ") == 2
    assert "no stream 'unknown'" in printed


def _with_streams(declared: Path, connector: Path) -> None:
    """The same stream under several names."""
    yaml = YAML(typ="safe")
    tree = yaml.load(declared)
    tree["streams"] = [{**tree["streams"][0], "name": name} for name in STREAMS]
    yaml.dump(tree, declared)
    manifest = yaml.load(connector)
    manifest["streams"] = [{**manifest["streams"][0], "name": name} for name in STREAMS]
    yaml.dump(manifest, connector)
