"""Moves what is received to bronze until standard input ends; beside `smelt webhooks serve`.

usage: python -m ingest.webhooks.filling SOURCE…
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence

from ingest.runner import run
from ingest.spec import load_sources
from ingest.watch.engine import following
from plugins.core.settings import load_settings, mask

_LOOK_SECONDS = 0.5
# Below the process that answers: bronze may wait, senders don't.
_NICENESS = 5


def main(names: Sequence[str]) -> None:
    """Fill bronze. Errors are told once each on standard error, and tried again."""
    os.nice(_NICENESS)
    settings = load_settings()
    periods = [
        source.webhooks.commit_every.total_seconds()
        for source in load_sources(settings.project_dir)
        if source.name in names
    ]
    told: dict[str, str | None] = {}
    with following(settings, names, every=min(periods), poll=1.0, on_commit=lambda _results: None) as engine:
        while not select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
            for status in engine.statuses():
                if status.error and told.get(status.name) != status.error:
                    print(f"{status.name}: {mask(status.error)}", file=sys.stderr, flush=True)
                told[status.name] = status.error
    # What was completed at the very end.
    for result in run(settings, names):
        if result.error:
            print(result.error, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
