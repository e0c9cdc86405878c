"""One history, written while faults happen: which faults, how many, and what is left to be said at the end."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import faults
from tests.faults.balance import Balance
from tests.faults.canary import files_with
from tests.faults.engine import Engine
from tests.faults.faults import Fault, Ground
from tests.faults.histories.base import History
from tests.faults.histories.webhooks import WebhooksHistory

_KINDS = {
    "killed at random": faults.killed_at_random,
    "server restarted": faults.server_restarted,
    "connection cut": faults.connection_cut,
    "connection refused": faults.connection_refused,
    "connection delayed": faults.connection_delayed,
    "disk filled": faults.disk_filled,
    "catalog locked": faults.catalog_locked,
    "ledger locked": faults.ledger_locked,
    "clock moved": faults.clock_moved,
    "credential renewed": faults.credential_renewed,
}
# A broker takes seconds to start, and random kills are cheap.
_WEIGHTS = {"killed at random": 4, "server restarted": 1, "credential renewed": 1}
_CATCH_UP_SECONDS = 150.0


@dataclass
class Report:
    """What was done and what came of it. faults, hits: by kind; missed: faults that did not hit."""

    kind: str
    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    starts: int = 0
    seconds: float = 0.0
    balance: Balance | None = None
    leaks: list[Path] = field(default_factory=list)
    last_exit: int | None = None

    def __str__(self) -> str:
        rows = [f"  {'fault':<22}{'done':>6}{'hit':>6}"]
        rows += [f"  {kind:<22}{count:>6}{self.hits[kind]:>6}" for kind, count in sorted(self.faults.items())]
        rows.append(f"  {'in all':<22}{self.faults.total():>6}{self.hits.total():>6}")
        even = self.balance
        hashes = (even.hash_written[:16], even.hash_found[:16]) if even else ("", "")
        told = [
            f"\n{self.kind}: {self.faults.total()} faults in {self.seconds:.0f} s, {self.starts} starts "
            f"(SMELT_FAULTS_SEED={self.seed})",
            *rows,
            f"  {self.balance}",
            f"  hash of what was written {hashes[0]}, of bronze {hashes[1]}",
        ]
        told += [f"  did not hit: {missed}" for missed in self.missed]
        return "\n".join(told)


def schedule(history: History, count: int, chance: random.Random) -> list[Fault]:
    """`count` faults: each kind and each failpoint once if there is room, and the rest by chance; shuffled."""
    steps = [Fault("killed at a step", step, faults.killed_at(step)) for step in history.failpoints]
    if isinstance(history, WebhooksHistory):
        steps += [Fault("receiver killed", step, faults.receiver_killed_at(step)) for step in history.receiving]
    chance.shuffle(steps)
    kinds = [Fault(kind, "", inflict) for kind, inflict in _KINDS.items()]
    # Of a few, a third are kills at steps.
    once = chance.sample(kinds, min(len(kinds), count - count // 3))
    chosen = [*once, *steps[: count - len(once)]]
    weights = [_WEIGHTS.get(fault.kind, 2) for fault in kinds]
    chosen += chance.choices(kinds, weights, k=count - len(chosen))
    chance.shuffle(chosen)
    return chosen


def run(history: History, count: int, seed: int) -> Report:
    """Write the history while `count` faults happen; then let the engine catch up, and compare."""
    chance = random.Random(seed)
    begun, report = time.monotonic(), Report(history.kind, seed)
    engine = Engine(history.project, history.project.parent / "engine.log")
    try:
        history.prepare()
        engine.start()
        assert engine.follow(), f"the engine never followed: {list(engine.troubles)}"
        history.begin()
        _inflict(schedule(history, count, chance), Ground(engine, history, chance), report)
        history.proxy.admit()
        history.end()
        report.balance = _caught_up(engine, history)
        report.last_exit = engine.stop()
        report.starts, report.seconds = engine.starts, time.monotonic() - begun
        report.leaks = _leaks(history, engine)
    finally:
        engine.kill()
        history.close()
        history.proxy.close()
    return report


def _inflict(chosen: Sequence[Fault], ground: Ground, report: Report) -> None:
    for number, fault in enumerate(chosen, 1):
        if ground.history.defect is not None:
            raise ground.history.defect
        name = f"{fault.kind} {fault.where}".strip()
        report.faults[fault.kind] += 1
        if has_hit := fault.inflict(ground):
            report.hits[fault.kind] += 1
        else:
            report.missed.append(name)
        # With `pytest -s`, for who waits.
        print(f"  {report.kind} {number}/{len(chosen)} {name}{'' if has_hit else ': did not hit'}", flush=True)


def _caught_up(engine: Engine, history: History) -> Balance:
    """Bronze when the engine has gone on undisturbed, and was started once more with nothing to do."""
    engine.start()
    deadline = time.monotonic() + _CATCH_UP_SECONDS
    while time.monotonic() < deadline and not history.balance().is_even:
        engine.ensure()
        time.sleep(0.5)
    engine.start()
    engine.follow()
    engine.wait(3, lambda: False)
    return history.balance()


def _leaks(history: History, engine: Engine) -> list[Path]:
    places = [history.project, engine.log, history.project.parent / "receiver.log"]
    said = history.project.parent / "said.log"
    said.write_text("\n".join(engine.troubles))
    return files_with(history.canaries, [*places, said], apart_from=history.secret_files)
