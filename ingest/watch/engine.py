"""All followed sources of a project: started, looked after, stopped together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ingest.connections import ConnectionPool
from ingest.load import Job, StreamResult
from ingest.meter import Meter
from ingest.runner import select
from ingest.spec import load_sources
from ingest.watch.follower import Follower, Status
from ingest.watch.opening import followed
from plugins.core.errors import SmeltError
from plugins.core.lake import Lake
from plugins.core.ledger import Ledger, open_run
from plugins.core.settings import Settings

# A large transaction may be on its way into its files.
_PATIENCE_SECONDS = 60.0
# A pull that takes longer is broken off: it begins again, or goes on, with the next start.
_PULL_SECONDS = 2.0


class Engine:
    """Sources that are being followed."""

    def __init__(self, followers: Sequence[Follower], pool: ConnectionPool) -> None:
        self._followers, self._pool = followers, pool

    def statuses(self) -> list[Status]:
        """Where each source stands. Raises what a follower can't have gone on with: a defect of Smelt."""
        for follower in self._followers:
            if follower.defect is not None:
                raise follower.defect
        return [follower.status for follower in self._followers]

    def stop(self) -> None:
        """Let each source commit what it took, and end. Raises SmeltError if one doesn't."""
        for follower in self._followers:
            follower.stop()
        begun = time.monotonic()
        late = self._followers
        while (late := [f for f in late if not f.join(0.1)]) and time.monotonic() < begun + _PATIENCE_SECONDS:
            if time.monotonic() > begun + _PULL_SECONDS:
                self._pool.interrupt()
        if late:
            names = ", ".join(follower.status.name for follower in late)
            raise SmeltError(
                f"{names} did not end within {_PATIENCE_SECONDS:.0f} s",
                "nothing is lost: what was not committed comes again with the next start",
            )


@contextmanager
def following(
    settings: Settings,
    selectors: Sequence[str],
    *,
    every: float,
    poll: float,
    on_commit: Callable[[Sequence[StreamResult]], None],
) -> Iterator[Engine]:
    """Follow the selected streams while the block runs; then each commits what it took and ends.

    every: seconds between two commits of a source, at least. poll: seconds between two pulls of a stream whose
    source sends nothing by itself. on_commit hears of each commit that brought rows, in the thread that made it.
    Raises SmeltError for a wrong selector or source.yml.
    """
    chosen = select(load_sources(settings.project_dir), selectors)
    lake, ledger = Lake(settings), Ledger(settings)
    pool = ConnectionPool(settings)
    _ = lake.catalog  # opened once, before the threads ask for it
    names = [f"{source.name}.{stream.name}" for source, stream in chosen]
    with open_run(ledger, "watch", streams=names) as record:
        meters = {name: Meter() for name in names}
        jobs = [Job(lake, record, pool, source, stream) for source, stream in chosen]
        jobs = [meters[job.name].attached(job) for job in jobs]
        followers = [
            Follower(one, every, on_commit, [meters[job.name] for job in one.jobs]) for one in followed(jobs, poll)
        ]
        engine = Engine(followers, pool)
        for follower in followers:
            follower.start()
        try:
            yield engine
        finally:
            engine.stop()
            pool.close()
            record.detail.update({status.name: status.events for status in (f.status for f in followers)})
