"""`smelt discover` and onboarding of topics: their newest messages are looked at, and what is drafted loads."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import typer
from ruamel.yaml import YAML
from typer.testing import CliRunner

import ingest
from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings
from plugins.discovery import discover_place, read_place
from plugins.discovery.command import register
from plugins.onboard.drafted import Drafted
from plugins.onboard.topics import draft_topics, kafka_of
from plugins.onboard.writing import write_source
from tests.ingest.kafka.broker import Broker
from tests.ingest.kafka.cluster import Topics
from tests.ingest.kafka.conftest import Streamed

_APP = typer.Typer()
register(_APP)
_APP.command("other")(lambda: None)


def _discovered(*arguments: str) -> dict:
    done = CliRunner().invoke(_APP, ["discover", *arguments, "--json"])
    assert done.exit_code == 0, done.exception or done.output
    return json.loads(done.stdout)


def _drafted(project: Path, servers: str, topic: str, name: str = "events") -> Drafted:
    settings = load_settings(project)
    kafka = kafka_of(settings, servers, {})
    with read_place(f"kafka://{servers}/{topic}", project_dir=project, kafka=kafka) as place:
        return draft_topics(servers, kafka, name, "ann", place, discover_place(place))


def test_a_topic_is_told_by_its_newest_messages_of_all_partitions(mocked: Streamed) -> None:
    for n in range(200):
        mocked.put({"order_id": n, "email": f"a{n}@example.com", "paid": n / 4}, key=f"{n % 7}", partition=n % 4)
    mocked.put(
        {"order_id": 200, "note": {"deep": [1]}},
        None,
        b"no json",
        b"\0" + struct.pack(">I", 7) + b'{"order_id": 201}',
    )
    found = _discovered(f"kafka://{mocked.topics.servers}/{mocked.topic}", "--rows", "100")
    (stream,) = found["streams"]
    assert stream["name"] == mocked.topic
    assert [column["name"] for column in stream["columns"]] == ["order_id", "email", "paid", "note__deep"]
    assert stream["rows"] == 204
    assert ["order_id"] in [key["columns"] for key in stream["keys"]]
    assert "tombstones: 1" in stream["notes"]
    assert "messages left out, as they are no JSON objects: 1" in stream["notes"]
    missing = CliRunner().invoke(_APP, ["discover", f"kafka://{mocked.topics.servers}/not-there"])
    assert isinstance(missing.exception, SmeltError)
    assert "there is no such topic" in missing.exception.message


@pytest.mark.full
def test_what_is_drafted_of_a_topic_loads(mocked: Streamed) -> None:
    mocked.put(*({"order_id": n, "email": f"a{n}@example.com"} for n in range(30)))
    drafted = _drafted(mocked.project, mocked.topics.servers, mocked.topic)
    (text,) = drafted.files.values()
    (stream,) = YAML(typ="safe").load(text)["streams"]
    assert (stream["kafka"], stream["pii"]) == ({"topic": mocked.topic}, ["email"])
    assert "primary_key" not in stream, "events are told by their place"
    write_source(mocked.project, drafted, {}, force=False)
    (result,) = ingest.run(load_settings(mocked.project))
    assert (result.error, result.rows_loaded) == (None, 30)


def test_options_are_kept_and_secrets_only_as_references(project: Path) -> None:
    settings = load_settings(project)
    kafka = kafka_of(settings, "b:9092", {"security.protocol": "SASL_SSL", "sasl.password": "env:PASSWORD"})
    assert kafka.options == {"security.protocol": "SASL_SSL", "sasl.password": "env:PASSWORD"}
    with pytest.raises(SmeltError, match=r"sasl\.password is a secret"):
        kafka_of(settings, "b:9092", {"sasl.password": "canary"})


@pytest.mark.full
def test_a_compacted_topic_has_the_key_of_its_messages(project: Path, broker: Broker) -> None:
    topics = Topics(broker.servers)
    name = topics.make("prices.of.today", 3, cleanup_policy="compact")
    for n in range(60):
        topics.put(name, {"price": n / 2, "sku": f"s{n % 20}"}, key=f"s{n % 20}", partition=n % 20 % 3)
    topics.put(name, None, key="s5", partition=5 % 3)
    drafted = _drafted(project, broker.servers, name)
    (text,) = drafted.files.values()
    (stream,) = YAML(typ="safe").load(text)["streams"]
    assert (stream["name"], stream["primary_key"]) == ("prices_of_today", ["sku"])
    write_source(project, drafted, {}, force=False)
    (result,) = ingest.run(load_settings(project))
    assert (result.error, result.rows_loaded, result.tombstones) == (None, 61, 1)
