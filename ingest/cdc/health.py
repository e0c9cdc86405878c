"""What `smelt doctor` says of a source's replication slot."""

from __future__ import annotations

import psycopg
from pydantic import ByteSize

from ingest.cdc.events import lsn_text
from ingest.cdc.remade import published_tables
from ingest.cdc.server import Server, find_slot, require_logical
from ingest.cdc.snapshot import table_of
from ingest.connections import dsn_of
from ingest.retry import Transient
from ingest.spec import SourceSpec
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings


def _require_published(session: psycopg.Connection, source: SourceSpec, is_captured: bool) -> None:
    """Raise SmeltError if changes of a captured table aren't published: it was dropped, made anew or taken out."""
    if not is_captured:
        return
    captured = {stream.name: table_of(stream) for stream in source.streams if stream.sync_mode == "cdc"}
    tables = list(captured.values())
    published = published_tables(session, source.publication, tables)
    lost = sorted(name for name, table in captured.items() if table not in published)
    if lost:
        raise SmeltError(
            f"changes of {', '.join(lost)} are not published by {source.publication}: new, dropped or made anew",
            f"`smelt ingest {source.name}` reads what is there, compares it, and goes on from there",
        )


def check_slot(settings: Settings, source: SourceSpec) -> str:
    """A line about the slot; raises SmeltError if it is lost, or makes the server hold back too much."""
    server = Server(dsn_of(settings, source.connection), f"connection {source.connection!r}")
    try:
        with server.session() as session:
            require_logical(session, server.where)
            slot = find_slot(session, source.slot)
            _require_published(session, source, slot is not None)
    except Transient as error:
        raise SmeltError(str(error), "start the server, or correct the dsn of its connection") from error
    if slot is None:
        return f"slot {source.slot} is not there yet; the first `smelt ingest {source.name}` makes it"
    held = ByteSize(slot.held).human_readable()
    reset = f"`smelt ingest {source.name} --reset {source.name}`"
    if slot.status == "lost":
        raise SmeltError(
            f"slot {slot.name} is lost: the server threw away changes that were not read", f"read again: {reset}"
        )
    if slot.held > source.cdc.alarm_at:
        raise SmeltError(
            f"slot {slot.name} makes the server hold back {held} of its log",
            f"run `smelt ingest {source.name}`, or, if nobody needs it any more, `smelt release {source.name}`",
        )
    reading = f"read by process {slot.pid}" if slot.is_active else "read by nobody now"
    return f"slot {slot.name} confirmed at {lsn_text(slot.confirmed)}, holds {held} of the log, {reading}"
