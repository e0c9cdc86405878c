"""`python -m plugins.watch.session`: the process that follows; `smelt watch` starts it, and starts it again."""

from __future__ import annotations

import gc
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from ingest.load import StreamResult
from ingest.watch.engine import Engine, following
from plugins.core.errors import SmeltError
from plugins.core.lake.state import LOG
from plugins.core.ledger import Ledger, open_holds
from plugins.core.settings import Settings, load_settings, mask
from plugins.core.warehouse.caretaking import Caretaker
from plugins.core.warehouse.published import catalog_path
from plugins.live import LiveCatalog, Refreshed
from plugins.watch.display import Display, Moment
from plugins.watch.rebuilding import Rebuilder
from plugins.watch.wishes import Wishes

_TICK_SECONDS = 0.1
_SHOW_SECONDS = 1.0
# How often the ledger is asked what is held back.
_ASK_SECONDS = 5.0


class Session:
    """Follows, keeps the catalog current and builds, until it is asked to stop."""

    def __init__(self, settings: Settings, wishes: Wishes) -> None:
        self._settings, self._wishes = settings, wishes
        self._committed: queue.SimpleQueue[Sequence[StreamResult]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._troubles: deque[str] = deque(maxlen=1)
        self._rebuilder = Rebuilder(settings, wishes.build_every, wishes.target)
        self._caretaker = Caretaker(settings, on_trouble=self._troubles.append)
        self._live: Refreshed | None = None
        self._fresh_at: float | None = None
        self._shown = self._asked = 0.0
        self._ledger = Ledger(settings)
        self._held: tuple[str, ...] = ()

    def stop(self) -> None:
        """Commit what was taken, and end."""
        self._stopping.set()

    def run(self) -> int:
        """0 if every source was being followed at the end, else 1."""
        wishes = self._wishes
        live = LiveCatalog(self._settings)
        self._caretaker.start()
        try:
            with (
                Display(wishes.as_json) as display,
                following(
                    self._settings, wishes.selectors, every=wishes.every, poll=wishes.poll,
                    on_commit=self._committed.put,
                ) as engine,
            ):  # fmt: skip
                self._follow(engine, live, display)
                display.tell_end()
                lost = [status for status in engine.statuses() if status.error]
            self._refresh(live)  # with what was committed at the end
            return 1 if lost else 0
        finally:
            self._caretaker.close()
            self._rebuilder.stop()
            live.close()

    def _follow(self, engine: Engine, live: LiveCatalog, display: Display) -> None:
        # What came to bronze while nobody watched is built too.
        self._refresh(live)
        if self._live is not None or not catalog_path(self._settings).is_file():
            self._rebuilder.want()
        is_new = False
        while not self._stopping.is_set():
            is_new = self._take() or is_new
            is_new = self._rebuilder.tick() or is_new
            if is_new:
                self._refresh(live)
                is_new = False
            elif self._fresh_at is not None:
                self._fresh_at = time.time()  # nothing was committed since
            if time.monotonic() - self._shown >= _SHOW_SECONDS:
                self._shown = time.monotonic()
                display.show(self._moment(engine))
            self._stopping.wait(_TICK_SECONDS)

    def _take(self) -> bool:
        """Whether there were commits since the last look."""
        is_new = False
        while not self._committed.empty():
            self._caretaker.wrote(_tables(self._committed.get()))
            is_new = True
        if is_new:
            self._rebuilder.want()
        return is_new

    def _refresh(self, live: LiveCatalog) -> None:
        begun = time.time()
        refreshed = live.refresh()
        if refreshed is not None:
            self._live, self._fresh_at = refreshed, begun

    def _moment(self, engine: Engine) -> Moment:
        builder = self._rebuilder
        trouble = self._troubles[-1] if self._troubles else None
        if time.monotonic() - self._asked >= _ASK_SECONDS:
            self._asked = time.monotonic()
            self._held = tuple(one.name for one in open_holds(self._ledger) if one.is_blocking)
        return Moment(
            engine.statuses(), self._live, self._fresh_at, builder.last, builder.running_for, trouble, self._held
        )


def _tables(results: Sequence[StreamResult]) -> set[str]:
    """Bronze tables that a commit wrote to: of its streams, and what stands beside them."""
    tables = {f"{result.source}__{result.stream}" for result in results}
    return tables | {f"{result.source}{name}" for result in results for name in ("__dead_letters", LOG)}


def _stop_with(descriptor: int, session: Session) -> None:
    """End when whoever holds the other end of the input is gone, killed perhaps; another may be started."""
    while os.read(descriptor, 1):
        pass
    session.stop()


def main() -> int:
    """Run until a signal comes, or the input ends."""
    # As in `smelt`: imports make a million objects that stay.
    gc.set_threshold(50_000, 10, 10)
    session = Session(load_settings(), Wishes.of_text(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: session.stop())
    threading.Thread(target=_stop_with, args=(sys.stdin.fileno(), session), daemon=True).start()
    try:
        return session.run()
    except SmeltError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]error[/]  {escape(mask(error.message))}")
        if error.hint:
            console.print(f"[bold]fix[/]    {escape(mask(error.hint))}")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
