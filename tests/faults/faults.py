"""What can go wrong, done to a following engine. Each fault tells whether it hit what it aimed at."""

from __future__ import annotations

import contextlib
import random
import re
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.engine import EVERY, Engine
from tests.faults.histories.base import History
from tests.faults.histories.webhooks import WebhooksHistory

# A failpoint is reached when its step is due, which with maintenance takes a few rounds.
_REACH_SECONDS = 60.0
_HOUR = 3600.0
# What a person must mend is tried again after a minute at the latest.
_MENDED_SECONDS = 75.0
_FULL = re.compile("is full|too large|No space|disk I/O error|Input/output", re.IGNORECASE)


@dataclass
class Ground:
    """Where faults happen: a history that is being written, and the engine that follows it."""

    engine: Engine
    history: History
    chance: random.Random


@dataclass(frozen=True)
class Fault:
    """kind: as it is counted; where: which step or server, for who reads a failure. inflict: whether it hit."""

    kind: str
    where: str
    inflict: Callable[[Ground], bool]


def killed_at_random(ground: Ground) -> bool:
    """kill -9 at a random moment, also while it opens its source."""
    ground.engine.ensure()
    time.sleep(ground.chance.uniform(0.1, 2.5))
    return ground.engine.kill()


def killed_at(failpoint: str) -> Callable[[Ground], bool]:
    """kill -9 at a named step; the engine left its name there."""

    def inflict(ground: Ground) -> bool:
        engine = ground.engine
        if failpoint.startswith("sweep"):
            # Files have the kernel's times: to a clock that is behind it they are too young to go.
            engine.clock = max(engine.clock, 0.0)
        ground.history.provoke(failpoint)
        deadline = time.monotonic() + _REACH_SECONDS
        while time.monotonic() < deadline:
            engine.start(failpoint)
            code = engine.died(deadline - time.monotonic())
            # What died of something else is started again, as any engine.
            if code == -signal.SIGKILL and engine.hit.exists():
                return engine.hit.read_text() == failpoint.partition(":")[0]
        return False

    return inflict


def receiver_killed_at(failpoint: str) -> Callable[[Ground], bool]:
    """kill -9 of the process that receives webhooks."""

    def inflict(ground: Ground) -> bool:
        assert isinstance(ground.history, WebhooksHistory)
        ground.engine.ensure()
        return ground.history.kill_receiver_at(failpoint)

    return inflict


def server_restarted(ground: Ground) -> bool:
    """The source's server stops, or crashes, and comes again: `restart` fails where it does not."""
    _midway(ground)
    ground.history.restart(is_crash=ground.chance.random() < 0.5)
    return True


def connection_cut(ground: Ground) -> bool:
    """All connections to the server end at once."""
    _midway(ground)
    proxy = ground.history.proxy
    with_reset = ground.chance.random() < 0.5
    # It may be waiting to try again.
    return ground.engine.wait(_MENDED_SECONDS, lambda: proxy.cut(with_reset=with_reset) > 0)


def connection_refused(ground: Ground) -> bool:
    """The server can't be reached for a while."""
    _midway(ground)
    proxy = ground.history.proxy
    before = proxy.refused
    cut = proxy.refuse(with_reset=ground.chance.random() < 0.5)
    time.sleep(ground.chance.uniform(0.3, 2.0))
    has_hit = cut > 0 or ground.engine.wait(_MENDED_SECONDS, lambda: proxy.refused > before)
    proxy.admit()
    return has_hit


def connection_delayed(ground: Ground) -> bool:
    """Each piece of data waits, or few bytes a second come through; then the connection is cut midway."""
    _midway(ground)
    proxy = ground.history.proxy
    before = proxy.moved
    if ground.chance.random() < 0.5:
        proxy.latency = ground.chance.uniform(0.05, 0.5)
    else:
        proxy.rate = ground.chance.uniform(2e3, 5e4)
    ground.engine.wait(_MENDED_SECONDS, lambda: proxy.moved > before)
    time.sleep(ground.chance.uniform(0.5, 2.0))
    moved = proxy.moved > before
    proxy.cut(with_reset=True)
    proxy.admit()
    return moved


def disk_filled(ground: Ground) -> bool:
    """No file may grow beyond a few bytes or kilobytes for a while: writes fail as on a full disk."""
    engine, history = ground.engine, ground.history
    size = ground.chance.choice([0, 1, 4096])
    if isinstance(history, WebhooksHistory) and ground.chance.random() < 0.5:
        engine.ensure()
        return history.fill_disk(min(size, 1), ground.chance.uniform(0.5, 2.0))  # its segments are small
    _midway(ground)
    before = engine.trouble_count
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        engine.wait(
            10, lambda: any(_FULL.search(said) for said in engine.said_since(before)) or not engine.is_alive
        )
        # So that it tries again in vain, too.
        time.sleep(ground.chance.uniform(0.0, 1.0))
        resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return any(_FULL.search(said) for said in engine.said_since(before))


def catalog_locked(ground: Ground) -> bool:
    """Another process holds the catalog; nothing is committed until it lets go."""
    _midway(ground)
    with _locked(ground.engine.project / "lake" / "catalog.db"):
        time.sleep(0.1)
        before = ground.engine.commits
        time.sleep(ground.chance.uniform(3 * EVERY, 4.0))
        stood = ground.engine.commits == before
    return stood and ground.engine.is_alive


def ledger_locked(ground: Ground) -> bool:
    """Another process holds the ledger, in which the engine wants to begin a run."""
    engine = ground.engine
    if not (engine.project / "lake" / "ledger.db").exists():
        _midway(ground)
    engine.kill()
    with _locked(engine.project / "lake" / "ledger.db"):
        engine.start()
        time.sleep(ground.chance.uniform(1.0, 3.0))
        return engine.is_alive and not engine.is_following


def clock_moved(ground: Ground) -> bool:
    """The clock jumps by hours, and stays there until the next jump: through kills, too."""
    _midway(ground)
    moved = ground.engine.move_clock(ground.chance.uniform(-6 * _HOUR, 6 * _HOUR))
    time.sleep(ground.chance.uniform(0.5, 2.0))
    return moved


def credential_renewed(ground: Ground) -> bool:
    """The password changes at the server, then in the project's file; the same process goes on."""
    _midway(ground)
    engine = ground.engine
    ground.history.rotate()
    starts, before = engine.starts, engine.commits
    went_on = engine.wait(_MENDED_SECONDS, lambda: engine.commits > before)
    return went_on and engine.starts == starts


def _midway(ground: Ground) -> None:
    """Mostly the engine follows when something happens to it; now and then it is about to."""
    ground.engine.ensure()
    if ground.chance.random() < 0.8:
        ground.engine.follow()
    time.sleep(ground.chance.uniform(0.0, 1.0))
    ground.engine.ensure()


@contextmanager
def _locked(database: Path) -> Iterator[None]:
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
        connection.execute("begin exclusive")
        try:
            yield
        finally:
            connection.execute("rollback")
