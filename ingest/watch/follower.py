"""One source, followed by one thread: opened, read in micro-batches, and opened again when it was lost."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import duckdb
from sqlalchemy.exc import DatabaseError
from tenacity import RetryCallState, wait_random_exponential

from ingest.load import StreamResult, full_disk
from ingest.meter import Meter
from ingest.retry import Transient
from ingest.watch.feed import Feed, Lag
from ingest.watch.opening import Followed
from ingest.watch.recording import Recorder
from plugins.core.errors import SmeltError
from plugins.core.lake import StaleBatch
from plugins.core.settings import mask

_TAKE_SECONDS = 0.2
_LAG_SECONDS = 1.0
_RATE_WINDOW_SECONDS = 10.0
# What a person must mend is tried again less often than what passes by itself.
_LONGEST_WAIT, _MENDING_WAIT = 30.0, 60.0


@dataclass(frozen=True)
class Status:
    """Where a source stands. state: `opening`, `following`, `waiting` (to try again after `error`), `stopped`.

    events: committed since the start. rate: committed events a second, over the last ten seconds.
    committed_at: time of the last commit, seconds since 1970; None: there was none yet.
    restarts: how often it had to be opened again. is_pulled: whether it is asked now and then, and sends nothing.
    rows_read, rows_expected: about, of what is read before the source can be followed; 0: nothing, or unknown.
    """

    name: str
    is_pulled: bool = False
    state: str = "opening"
    events: int = 0
    rate: float = 0.0
    lag: Lag = field(default_factory=Lag)
    committed_at: float | None = None
    restarts: int = 0
    rows_read: int = 0
    rows_expected: int = 0
    error: str | None = None
    hint: str | None = None


class Follower:
    """Follows `what` until it is stopped. on_commit hears, in this thread, of each commit that brought rows.

    meters: of the jobs of `what`.
    """

    def __init__(
        self,
        what: Followed,
        every: float,
        on_commit: Callable[[Sequence[StreamResult]], None],
        meters: Sequence[Meter] = (),
    ) -> None:
        self._what, self._every, self._on_commit, self._meters = what, every, on_commit, meters
        self._status = Status(what.name, what.is_recorded)
        self._rates: deque[tuple[float, int]] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"follow-{what.name}", daemon=True)
        self.defect: BaseException | None = None

    @property
    def status(self) -> Status:
        """Where it stands now."""
        now = time.monotonic()
        recent = [(at, count) for at, count in list(self._rates) if now - at <= _RATE_WINDOW_SECONDS]
        status = replace(self._status, rate=sum(count for _, count in recent) / _RATE_WINDOW_SECONDS)
        if status.state != "opening":
            return status
        expected = sum(meter.estimate or 0 for meter in self._meters)
        return replace(status, rows_read=sum(meter.rows for meter in self._meters), rows_expected=expected)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to commit what it took and to end."""
        self._stopping.set()

    def join(self, timeout: float) -> bool:
        """Wait for its end; False if it took longer than `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether it still follows; a follower ends by itself only with a `defect`."""
        return self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._follow()
        except BaseException as defect:  # noqa: BLE001 - raised by whoever looks after the followers
            self.defect = defect
        finally:
            self._set(state="stopped")

    def _follow(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                self._set(state="opening")
                with closing(self._what.open()) as feed:
                    self._read(feed)
            except (Transient, SmeltError, StaleBatch, duckdb.Error, OSError, DatabaseError) as error:
                if self._stopping.is_set() and isinstance(error, duckdb.InterruptException):
                    return
                # One that worked for a while begins to count anew.
                failures = 1 if time.monotonic() - begun > _LONGEST_WAIT else failures + 1
                self._wait(error, failures)

    def _read(self, feed: Feed) -> None:
        recorder = None if self._what.is_recorded else Recorder(self._what.jobs)
        self._set(state="following", error=None, hint=None)
        looked = 0.0
        try:
            while not self._stopping.is_set():
                due = time.monotonic() + self._every
                while not self._stopping.is_set() and (left := due - time.monotonic()) > 0 and not feed.is_full:
                    feed.take(min(left, _TAKE_SECONDS))
                self._commit(feed, recorder)
                if time.monotonic() - looked >= _LAG_SECONDS:
                    looked = time.monotonic()
                    self._set(lag=feed.lag())
        finally:
            if recorder:
                recorder.write()

    def _commit(self, feed: Feed, recorder: Recorder | None) -> None:
        results = feed.commit()
        if recorder:
            recorder.add(results)
        count = sum(result.rows_loaded + result.dead_letters for result in results)
        if count:
            now = time.monotonic()
            self._rates.append((now, count))
            while now - self._rates[0][0] > _RATE_WINDOW_SECONDS:
                self._rates.popleft()
            self._set(events=self._status.events + count, committed_at=time.time())
        if results:
            self._on_commit(results)

    def _wait(self, error: Exception, failures: int) -> None:
        told = _told(self._what, error)
        longest = _MENDING_WAIT if isinstance(error, SmeltError) else _LONGEST_WAIT
        self._set(
            state="waiting", error=mask(told.message), hint=mask(told.hint) if told.hint else None,
            restarts=self._status.restarts + 1, lag=Lag(),
        )  # fmt: skip
        asked = error.retry_after if isinstance(error, Transient) else None
        self._stopping.wait(asked if asked is not None else _backoff(failures, longest))

    def _set(self, **changes: object) -> None:
        self._status = replace(self._status, **changes)  # type: ignore[arg-type]


def _backoff(failures: int, longest: float) -> float:
    """Seconds to wait after so many failures in a row: exponential, with jitter."""
    state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]
    state.attempt_number = failures
    return wait_random_exponential(multiplier=0.5, min=0.2, max=longest)(state)


def _told(what: Followed, error: Exception) -> SmeltError:
    if isinstance(error, SmeltError):
        return error
    if full := full_disk(what.jobs[0], error):
        return full
    return SmeltError(f"{what.name}: {' '.join(str(error).split())[:300]}")
