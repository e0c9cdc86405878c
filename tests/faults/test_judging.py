"""The suite judges what is lost, doubled, out of order, strange or leaked as that, and forgets no step."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from tests.faults.balance import balance
from tests.faults.canary import files_with
from tests.faults.histories.kafka import KafkaHistory
from tests.faults.histories.mysql import MysqlHistory
from tests.faults.histories.objects import ObjectsHistory
from tests.faults.histories.postgres import PostgresHistory
from tests.faults.histories.webhooks import WebhooksHistory

ROOT = Path(__file__).parents[2]
# Steps of first snapshots, of replays and of what is read in place, which have tests of their own.
ELSEWHERE = {
    "after-slot",
    "after-chunk",
    "after-chunk-file",
    "after-catch-up",
    "after-snapshot",
    "before-replace",
    "before-in-place",
}
# Steps of MongoDB's captures, whose server here is no real one: tests/ingest/mongo/test_collections_kills.py.
OF_COLLECTIONS = {"after-start", "after-begin", "after-part", "after-reading", "before-place", "after-place"}
WRITTEN = {"t": ["a", "b", "c"], "u": ["x"]}


@pytest.mark.parametrize(
    ("found", "lost", "doubled", "disordered", "strange"),
    [
        ({"t": ["a", "b", "c"], "u": ["x"]}, 0, 0, 0, 0),
        ({"t": ["a", "c"], "u": ["x"]}, 1, 0, 0, 0),
        ({"t": ["a", "b", "c"]}, 1, 0, 0, 0),
        ({"t": ["a", "b", "b", "c"], "u": ["x"]}, 0, 1, 0, 0),
        ({"t": ["a", "c", "b"], "u": ["x"]}, 0, 0, 1, 0),
        ({"t": ["a", "b", "c"], "u": ["x", "y"]}, 0, 0, 0, 1),
        ({"t": ["a", "b", "C"], "u": ["x"]}, 1, 0, 0, 1),
        ({"t": ["a", "b", "c", "a"], "u": ["x"]}, 0, 1, 0, 0),
    ],
)
def test_what_bronze_holds_is_judged(found, lost: int, doubled: int, disordered: int, strange: int) -> None:
    judged = balance(WRITTEN, found)
    assert (judged.lost, judged.doubled, judged.disordered, judged.strange) == (lost, doubled, disordered, strange)
    assert judged.is_even == (lost + doubled + disordered + strange == 0)


def test_a_canary_is_found_as_it_is_and_encoded(tmp_path: Path) -> None:
    canary = "canary-0123456789abcdef"
    (tmp_path / "secret").write_text(canary)
    (tmp_path / "fine.log").write_text("canary-")
    (tmp_path / "plain.log").write_text(f"password={canary}!")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "basic.log").write_bytes(base64.b64encode(canary.encode() + b"\n"))
    (tmp_path / "hex.log").write_text(canary.encode().hex())
    found = files_with([canary], [tmp_path], apart_from=[tmp_path / "secret"])
    assert sorted(path.name for path in found) == ["basic.log", "hex.log", "plain.log"]


def test_every_step_of_following_and_of_maintenance_is_killed_at() -> None:
    steps = {
        step
        for folder in ("ingest", "plugins/core/lake")
        for file in (ROOT / folder).rglob("*.py")
        for step in re.findall(r"\breach\(\"([a-z-]+)\"\)", file.read_text())
    }
    histories = (PostgresHistory, MysqlHistory, KafkaHistory, ObjectsHistory, WebhooksHistory)
    killed = {step.partition(":")[0] for history in histories for step in history.failpoints}
    killed |= {step.partition(":")[0] for step in WebhooksHistory.receiving}
    assert steps - ELSEWHERE - OF_COLLECTIONS == killed
