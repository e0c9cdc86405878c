"""Slot and publication of a source that is no longer captured: what they hold, and their end, on request only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from pydantic import ByteSize

from ingest.cdc.events import lsn_text
from ingest.cdc.server import Server, Slot, drop_publication, drop_slot, find_publication, find_slot
from ingest.connections import dsn_of
from ingest.retry import Transient
from ingest.spec import SourceSpec, load_sources
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings


@dataclass(frozen=True)
class Holding:
    """What the server keeps for a source. published: tables of the publication; None: there is none."""

    source: SourceSpec
    slot: Slot | None
    published: Sequence[tuple[str, str]] | None

    @property
    def is_nothing(self) -> bool:
        """Whether there is neither slot nor publication."""
        return self.slot is None and self.published is None

    def described(self) -> Iterator[str]:
        """A line for each, with what is lost with it."""
        if self.slot:
            held = ByteSize(self.slot.held).human_readable()
            yield (
                f"slot {self.slot.name}, confirmed at {lsn_text(self.slot.confirmed)}: changes after that are "
                f"lost unless bronze has them, and the server frees {held} of its log"
            )
        if self.published is not None:
            tables = ", ".join(".".join(table) for table in self.published) or "no table"
            yield f"publication {self.source.publication} of {tables}"


def holding(settings: Settings, name: str) -> Holding:
    """What the server keeps for the source called `name`.

    Raises SmeltError if there is no such source, if it isn't Smelt's to release, or while somebody reads the slot.
    """
    source = next((source for source in load_sources(settings.project_dir) if source.name == name), None)
    if source is None:
        raise SmeltError(f"there is no source {name!r}", "`smelt sources` lists the sources")
    if source.kind != "postgres":
        raise SmeltError(
            f"{name}: nothing is kept at the server of a source of kind {source.kind} for it",
            "there is nothing to release; delete its folder, or leave it",
        )
    if not source.cdc.is_managed:
        raise SmeltError(
            f"{name}: its slot and publication are managed by an administrator (cdc.is_managed: false)",
            f"have them dropped: select pg_drop_replication_slot('{source.slot}')",
        )
    with _session(settings, source) as session:
        found = Holding(source, find_slot(session, source.slot), find_publication(session, source.publication))
    _require_idle(source, found.slot)
    return found


def release_source(settings: Settings, held: Holding) -> None:
    """Drop both. Raises SmeltError, with nothing dropped, if somebody has begun to read the slot."""
    with _session(settings, held.source) as session:
        _require_idle(held.source, find_slot(session, held.source.slot))
        drop_slot(session, held.source.slot)
        drop_publication(session, held.source.publication)


def _require_idle(source: SourceSpec, slot: Slot | None) -> None:
    if slot and slot.is_active:
        raise SmeltError(
            f"{source.name}: slot {slot.name} is being read by process {slot.pid} of the server",
            "stop `smelt watch` or `smelt ingest`, wherever it runs; then release it again",
        )


@contextmanager
def _session(settings: Settings, source: SourceSpec) -> Iterator[psycopg.Connection]:
    server = Server(dsn_of(settings, source.connection), f"connection {source.connection!r}")
    try:
        with server.session() as session:
            yield session
    except Transient as error:
        raise SmeltError(str(error), "start the server, or correct the dsn of its connection") from error
