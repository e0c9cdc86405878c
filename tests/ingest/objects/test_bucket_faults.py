"""Loads from and into a bucket that are killed, cut off, refused: at the end every record is there once.

`SMELT_FAULTS=N` faults in the long form; a few otherwise.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.ingest.objects.servers import Gateway, command, make_certificate
from tests.ingest.worker import start

pytestmark = pytest.mark.full

STEPS = [
    "after-extract", "after-segment", "after-parquet", "before-commit", "in-transaction", "after-commit",
    "before-acknowledge", "after-acknowledge",
]  # fmt: skip
FAULTS = int(os.environ.get("SMELT_FAULTS", "6"))
ROWS = 5


def _put(shop, first: int, last: int) -> None:
    for number in range(first, last):
        rows = "".join(f"{number * ROWS + i},v{number * ROWS + i}\n" for i in range(ROWS))
        shop.put(f"{number:05d}.csv", "id,v\n" + rows)


def _assert_each_once(shop, files: int) -> None:
    counts = "count(*), count(distinct id), count(*) filter (where v <> 'v' || id)"
    assert shop.bronze(f"select {counts} from bronze") == [(files * ROWS, files * ROWS, 0)]
    assert shop.load().rows_read == 0
    assert not list((shop.project / "lake" / ".staging").iterdir())


@pytest.mark.parametrize("lake", ["lake", "s3://lake/house"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step(shop, step: str, lake: str) -> None:
    shop.lake = lake
    shop.stream(key=None)
    _put(shop, 0, 600)
    shop.load()
    # More than the position has room for beside it: the manifest moves to a segment; and in two batches.
    _put(shop, 600, 1_700)
    process = start(shop.project, step)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (shop.project / "hit").read_text() == step
    shop.load()
    _assert_each_once(shop, 1_700)


def test_random_faults(shop, gateway: Gateway) -> None:
    """Loads killed at random, the server killed and started again, in the middle of both."""
    shop.lake = "s3://lake/house"
    shop.stream()
    chance = random.Random(7)
    files = 0
    for number in range(FAULTS):
        _put(shop, files, files + 40)
        files += 40
        process = start(shop.project)
        time.sleep(chance.uniform(0.1, 1.2))
        if number % 2:
            gateway.stop()
            time.sleep(chance.uniform(0.0, 0.5))
            gateway.start()
            process.join()
        else:
            process.kill()
            process.join()
    shop.load()
    _assert_each_once(shop, files)


def test_a_server_that_is_down_is_one_clear_message(shop, gateway: Gateway) -> None:
    _put(shop, 0, 2)
    gateway.stop()
    code, text = command(shop.project, "ingest")
    assert code == 1
    assert "cannot be reached" in text
    shop.lake = "s3://lake/house"
    shop.stream()
    code, text = command(shop.project, "ingest")
    assert code == 1
    assert "cannot be reached" in text
    assert "Traceback" not in text


def test_keys_are_renewed_without_a_restart_and_never_told(shop, gateway: Gateway) -> None:
    shop.lake = "s3://lake/house"
    shop.stream()
    _put(shop, 0, 2)
    old = gateway.secret_key
    shop.load()
    gateway.stop()
    gateway.renew("canary-Renewed-e07c2b66d1")
    gateway.start()
    shop.store = gateway.store("drop")
    _put(shop, 2, 4)
    code, text = command(shop.project, "ingest")
    assert code == 1
    assert "refused" in text or "cannot be reached" in text
    shop.keys(gateway.access_key, gateway.secret_key)
    # The same process as before, which still holds connections with the old keys.
    shop.load()
    _assert_each_once(shop, 4)
    for arguments in (("ingest",), ("status",), ("doctor",), ("sources",)):
        text += command(shop.project, *arguments)[1]
    assert not {old, gateway.secret_key} & set(text.split())
    for secret in (old, gateway.secret_key):
        assert secret not in text
        for folder, _, names in os.walk(shop.project):
            for name in names:
                if not name.startswith("key.") and "s3" not in Path(folder).parts:
                    assert secret.encode() not in Path(folder, name).read_bytes(), name


def test_tls_with_an_authority_of_ones_own(shop, gateway: Gateway, tmp_path: Path) -> None:
    ca, certificate = make_certificate(tmp_path)
    gateway.stop()
    gateway.certificate = certificate
    gateway.start()
    shop.endpoint, shop.store = gateway.endpoint, gateway.store("drop")
    _put(shop, 0, 2)
    shop.stream()
    assert "cannot be reached" in shop.ingest().error
    shop.options["ca_file"] = str(ca)
    shop.lake = "s3://lake/house"
    shop.stream()
    shop.load()
    code, text = command(shop.project, "doctor")
    assert code == 0, text
    _assert_each_once(shop, 2)
