"""Maintenance in the background of a process that goes on writing: a thread that looks after what it wrote to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from plugins.core.settings import Settings
from plugins.core.warehouse.maintaining import maintain_on_the_way


class Caretaker:
    """Maintains tables a while after they were written to, one after the other, until it is closed.

    every: seconds between two rounds. on_trouble hears, in this thread, why a round could not be done.
    """

    def __init__(
        self, settings: Settings, every: float = 20.0, on_trouble: Callable[[str], None] = lambda _why: None
    ) -> None:
        self._settings, self._every, self._on_trouble = settings, every, on_trouble
        self._written: set[str] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="caretaker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wrote(self, tables: Iterable[str]) -> None:
        """These bronze tables (`<source>__<stream>`) were written to. Returns at once."""
        with self._lock:
            self._written.update(tables)

    def close(self) -> None:
        """End; waits for the table that is being maintained, which is left whole anyway."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        # Tables are kept: what a table no longer needs goes a while after it was last written to.
        while not self._closing.wait(self._every):
            with self._lock:
                tables = sorted(self._written)
            for table in tables:
                if self._closing.is_set():
                    return
                self._maintain([table])
            if tables:
                self._maintain([], is_published=True)

    def _maintain(self, tables: list[str], *, is_published: bool = False) -> None:
        try:
            trouble = maintain_on_the_way(self._settings, tables, is_published=is_published)
        except Exception as defect:  # noqa: BLE001 - told, and tried again: nobody would see that the thread is gone
            trouble = f"{', '.join(tables) or 'what is published'} was not maintained: {defect!r}"
        if trouble:
            self._on_trouble(trouble)
