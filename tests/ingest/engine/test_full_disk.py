"""A disk that is full in the middle of a load: one clear message, and nothing lost or doubled afterwards."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from tests.ingest.conftest import Shop

SMELT = str(Path(sys.executable).with_name("smelt"))
ROWS = 200_000


def _small_disk() -> None:
    """No file may grow beyond 600 kB: writes fail as they do on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))


def test_a_full_disk_is_one_clear_message_and_the_next_run_loads_all(shop: Shop) -> None:
    shop.sql(f"create table t as select i as id, md5(i::text) as token from generate_series(1, {ROWS}) as g(i)")
    shop.stream("t", "primary_key: [id]")
    environment = {**os.environ, "SMELT_PROJECT_DIR": str(shop.project)}
    done = subprocess.run(
        [SMELT, "ingest"], env=environment, preexec_fn=_small_disk, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "is full" in done.stdout
    assert "free some space" in done.stdout
    assert shop.load().rows_loaded == ROWS
    assert shop.load().rows_loaded == 0
