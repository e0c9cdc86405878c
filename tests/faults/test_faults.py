"""Whatever happens to the engine, the server or the machine: bronze is the history that was written.

`SMELT_FAULTS=N` faults of each source kind (`make faults`: 100), a few otherwise. `SMELT_FAULTS_SEED=N` repeats
the faults of a run; not their moments, for processes and servers have their own time.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.faults.histories.base import History
from tests.faults.histories.kafka import KafkaHistory
from tests.faults.histories.mysql import MysqlHistory
from tests.faults.histories.objects import ObjectsHistory
from tests.faults.histories.postgres import PostgresHistory
from tests.faults.histories.webhooks import WebhooksHistory
from tests.faults.suite import run

FAULTS = int(os.environ.get("SMELT_FAULTS", "7"))
# The same engine as PostgreSQL's but for the reader, whose kills are tested beside it: only in the long form.
_LONG = [MysqlHistory] if "SMELT_FAULTS" in os.environ else []
SEED = int(os.environ.get("SMELT_FAULTS_SEED") or random.randrange(10**6))


@pytest.mark.full
@pytest.mark.timeout(max(600, 60 * FAULTS))
@pytest.mark.parametrize(
    "kind",
    [PostgresHistory, KafkaHistory, ObjectsHistory, WebhooksHistory, *_LONG],
    ids=lambda k: k.kind,
)
def test_bronze_is_the_history(kind: type[History], tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "sources").mkdir(parents=True)
    print(f"SMELT_FAULTS={FAULTS} SMELT_FAULTS_SEED={SEED}")
    report = run(kind(project, SEED), FAULTS, SEED)
    print(report)
    assert report.balance is not None
    assert report.balance.is_even, str(report)
    assert not report.missed, str(report)
    assert not report.leaks
    assert report.last_exit == 0
