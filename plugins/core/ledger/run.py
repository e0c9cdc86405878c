"""One run: a start row when it begins, a complete or fail row when it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ulid import ULID

from plugins.core.ledger.store import Ledger
from plugins.core.settings import mask

_opened: list[tuple[str, str]] = []


def runs_of_this_process(kind: str) -> list[str]:
    """Ids of the runs of `kind` that this process opened, in order; faces report on them when they are done."""
    return [run_id for opened, run_id in _opened if opened == kind]


def new_id() -> str:
    """A ULID: 26 characters whose text order is their order in time."""
    return str(ULID())


@dataclass
class Run:
    """A run in progress. What is put in `detail` is written when the run ends."""

    ledger: Ledger
    id: str
    kind: str
    detail: dict[str, Any] = field(default_factory=dict)

    def append(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Append rows of this run to a ledger table."""
        self.ledger.append(table, rows, run_id=self.id)


@contextmanager
def open_run(ledger: Ledger, kind: str, parent: str | None = None, **detail: Any) -> Iterator[Run]:
    """Record a run of `kind` around the block; an exception makes it a failed one and goes on."""
    run = Run(ledger, new_id(), kind)
    _opened.append((kind, run.id))
    started = time.monotonic()
    base = {"kind": kind, "parent_run_id": parent}
    run.append("run_events", {**base, "event": "start", "detail": detail})
    try:
        yield run
    except BaseException as error:
        took = time.monotonic() - started
        run.append(
            "run_events",
            {**base, "event": "fail", "seconds": took, "error": mask(str(error) or type(error).__name__)},
        )
        raise
    took = time.monotonic() - started
    run.append("run_events", {**base, "event": "complete", "seconds": took, "detail": run.detail})
