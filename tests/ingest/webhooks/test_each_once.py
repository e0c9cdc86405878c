"""What was answered 2xx is in bronze once and in order, whatever is killed when."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time

import pytest

from tests.ingest.webhooks.conftest import Hooks, Sender
from tests.ingest.worker import start

_FULL = pytest.mark.full
RECEIVING = [
    "after-spool-write",
    *(pytest.param(step, marks=_FULL) for step in ("after-spool-sync", "before-seal", "after-seal")),
    pytest.param("after-spool-sync:5", marks=_FULL),
]
MOVING = [
    "after-commit",
    *(
        pytest.param(s, marks=_FULL)
        for s in ("before-commit", "in-transaction", "after-streams-commit", "after-forget")
    ),
]


def _ids(hooks: Hooks) -> list[int]:
    return [
        number
        for (number,) in hooks.bronze("select id from bronze order by _smelt_batch_id, _smelt_source_position")
    ]


def _send(sender: Sender, numbers: range) -> list[int]:
    """Send one after the other until the connection is lost; returns those that were accepted."""
    accepted = []
    for number in numbers:
        try:
            if sender.send({"id": number}, f"msg_{number}") == 202:
                accepted.append(number)
        except (http.client.HTTPException, OSError):
            break
    return accepted


@pytest.mark.parametrize("failpoint", RECEIVING)
def test_a_receiver_killed_at_each_step(hooks, failpoint: str) -> None:
    accepted = _send(hooks.serve(failpoint), range(200))
    hooks.assert_killed(failpoint)
    first = len(accepted)
    # The sender does not know what became of the last one, and sends it again.
    accepted += _send(hooks.serve(), range(first, first + 20))
    hooks.kill()
    hooks.load()
    assert _ids(hooks) == accepted


@pytest.mark.parametrize("failpoint", MOVING)
def test_a_move_to_bronze_killed_at_each_step(hooks, failpoint: str) -> None:
    sender = hooks.serve()
    accepted = _send(sender, range(20))
    process = start(hooks.project, failpoint)
    process.join()
    assert (hooks.project / "hit").read_text() == failpoint
    accepted += _send(sender, range(20, 40))
    hooks.load()
    assert _ids(hooks) == accepted == list(range(40))
    hooks.stop()
    assert hooks.load().outcome == "unchanged"


def test_repetitions_are_dropped_and_counted_and_another_body_under_a_key_is_kept(hooks) -> None:
    sender = hooks.serve()
    for _ in range(2):
        assert sender.send({"id": 1}, "msg_a") == 202
    result = hooks.load()
    assert (result.rows_loaded, result.notes) == (1, ("1 repeated messages were dropped",))
    sender.send({"id": 1}, "msg_a")
    sender.send({"id": 2}, "msg_a")
    result = hooks.load()
    assert (result.rows_loaded, result.dead_letters) == (0, 1)
    assert hooks.letters() == [("the key msg_a came before, with another body", b'{"id": 2}')]
    assert _ids(hooks) == [1]


@pytest.mark.full
def test_a_key_may_come_again_when_its_window_is_over(hooks) -> None:
    hooks.source({"idempotency_window": "PT1S"})
    sender = hooks.serve()
    sender.send({"id": 1}, "msg_a")
    sender.send({"id": 1}, "msg_a")
    hooks.load()
    assert _ids(hooks) == [1]
    time.sleep(1.1)
    sender.send({"id": 2}, "msg_a")
    hooks.load()
    assert _ids(hooks) == [1, 2]


@pytest.mark.full
def test_an_index_of_keys_that_is_lost_is_made_again_from_bronze(hooks) -> None:
    sender = hooks.serve()
    sender.send({"id": 1}, "msg_a")
    hooks.load()
    (hooks.spool / "keys.db").unlink()
    sender.send({"id": 1}, "msg_a")
    sender.send({"id": 2}, "msg_b")
    hooks.load()
    assert _ids(hooks) == [1, 2]


@pytest.mark.full
def test_a_torn_tail_is_cut_off_and_a_damaged_file_is_refused(hooks) -> None:
    sender = hooks.serve("after-spool-write:3")
    accepted = _send(sender, range(10))
    hooks.assert_killed("after-spool-write:3")
    (file,) = [path for path in hooks.spool.iterdir() if path.suffix in {".open", ".segment"}]
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    hooks.load()
    assert _ids(hooks) == accepted
    hooks.source(spool={"commit_every": "PT60S"})
    sender = hooks.serve()
    _send(sender, range(10, 20))
    hooks.kill()
    (file,) = hooks.spool.glob("*.open")
    spoilt = bytearray(file.read_bytes())
    spoilt[60] ^= 1
    file.write_bytes(spoilt)
    error = hooks.ingest().error
    assert error is not None
    assert "is damaged" in error


@pytest.mark.full
def test_a_receiver_that_is_stopped_leaves_nothing_behind(hooks) -> None:
    sender = hooks.serve(fills_bronze=True)
    accepted = _send(sender, range(30))
    hooks.stop()
    assert _ids(hooks) == accepted == list(range(30))
    assert not list(hooks.spool.glob("*.segment"))


@pytest.mark.full
def test_messages_of_a_stream_that_is_gone_become_dead_letters(hooks) -> None:
    hooks.serve().send({"id": 1})
    hooks.kill()
    hooks.source(name="u")
    hooks.load()
    assert hooks.letters() == [("s has no stream t any more", b'{"id": 1}')]


@pytest.mark.full
def test_receiver_and_mover_killed_at_random_under_load(hooks) -> None:
    accepted: dict[int, list[int]] = {lane: [] for lane in range(4)}
    is_over = threading.Event()
    url = [""]

    def send(lane: int) -> None:
        number, sender, base = lane * 1_000_000, None, ""
        while not is_over.is_set():
            if sender is None or base != url[0]:
                base, sender = url[0], Sender(url[0])
            try:
                if sender.send({"id": number}, f"msg_{number}") == 202:
                    accepted[lane].append(number)
                    number += 1
            except (http.client.HTTPException, OSError):
                sender = None
                time.sleep(0.02)

    chance = random.Random(11)
    url[0] = hooks.serve().url
    threads = [threading.Thread(target=send, args=(lane,)) for lane in accepted]
    for thread in threads:
        thread.start()
    for n in range(20):
        mover = start(hooks.project, repeat=20)
        time.sleep(chance.uniform(0.2, 1.2))
        mover.kill()
        mover.join()
        if n % 2:
            hooks.kill()
            url[0] = hooks.serve().url
    is_over.set()
    for thread in threads:
        thread.join()
    hooks.stop()
    hooks.load()
    found = _ids(hooks)
    for lane, numbers in accepted.items():
        mine = [number for number in found if number // 1_000_000 == lane]
        # The last one may have been stored although its answer never arrived.
        assert mine[: len(numbers)] == numbers
        assert len(mine) - len(numbers) <= 1
    assert sum(map(len, accepted.values())) > 100
    assert json.loads((hooks.spool / "spool.json").read_text())["committed"] >= len(found)
