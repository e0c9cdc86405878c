"""What must be so before changes are read: tables that may be captured, a publication, a slot; first snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import psycopg

from ingest.cdc.events import lsn_number, lsn_text
from ingest.cdc.remade import remade, table_oids
from ingest.cdc.replication import Replication
from ingest.cdc.server import (
    NewSlot,
    Server,
    Slot,
    ask,
    create_slot,
    drop_slot,
    ensure_publication,
    find_slot,
    running,
)
from ingest.cdc.snapshot import read_table, table_of
from ingest.cdc.transactions import TransactionWriter
from ingest.load import Job, StreamResult
from ingest.spec import SourceSpec
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import read_state

# A slot begins when every transaction that was running has ended.
_PATIENCE_SECONDS = 300.0
_IDENTITY = """
    select c.relreplident::text,
        array(
            select a.attname::text from pg_index as i join pg_attribute as a
                on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
            where i.indrelid = c.oid
                and case c.relreplident when 'i' then i.indisreplident else i.indisprimary end
        ),
        c.relkind::text
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = %s and c.relname = %s
"""


def require_identities(session: psycopg.Connection, jobs: Sequence[Job]) -> None:
    """Raise SmeltError if the log can't tell rows of a table apart: publishing it would make its updates fail."""
    for job in jobs:
        schema, name = table_of(job.stream)
        found = ask(session, _IDENTITY, schema, name)
        where = f'"{schema}"."{name}"'
        if not found:
            raise SmeltError(
                f"{job.name}: there is no table {where}", f"correct `table` in {job.source.folder / 'source.yml'}"
            )
        identity, columns, kind = found[0]
        if kind not in "rp":
            raise SmeltError(
                f"{job.name}: {where} is no table", "capture the tables that it reads, or pull it in full"
            )
        if identity == "f":
            continue
        full = f"alter table {where} replica identity full"
        if identity == "n" or not columns:
            raise SmeltError(f"{job.name}: {where} has no primary key, so the log can't tell its rows apart", full)
        lacking = sorted(set(job.stream.primary_key) - set(columns))
        if lacking or not job.stream.primary_key:
            raise SmeltError(
                f"{job.name}: the log tells rows of {where} apart by {', '.join(columns)}, "
                f"not by {', '.join(job.stream.primary_key) or 'their content'}",
                f"set primary_key to [{', '.join(columns)}] in {job.source.folder / 'source.yml'}, or: {full}",
            )


@dataclass(frozen=True)
class Prepared:
    """The streams can be read from the log. results: of those whose tables were read, by name."""

    results: dict[str, StreamResult]
    notes: tuple[str, ...]

    def followed_by(self, results: Mapping[str, StreamResult]) -> Prepared:
        """With what became of streams afterwards."""
        both = {
            name: self.results[name].followed_by(found) for name, found in results.items() if name in self.results
        }
        return replace(self, results={**self.results, **results, **both})


def prepare(server: Server, source: SourceSpec, jobs: Sequence[Job], log: TransactionWriter) -> Prepared:
    """See to publication and slot, and read the tables that aren't in bronze yet, each in the snapshot of a slot.

    Raises SmeltError for what a person must do, among it changes that are lost: the slot is gone, or was read by
    another consumer.
    """
    notes: list[str] = []
    with server.session() as session:
        require_identities(session, jobs)
        found = table_oids(session, source.publication, jobs)
    anew = remade(log.position.get("oids", {}), found) if log.lsn else set()
    notes += [_told_anew(job) for job in jobs if job.stream.name in anew and has_position(job)]
    # A stream that was left out for a while missed what was read meanwhile, and is compared with its table; so is
    # one whose table is another now.
    jobs = [
        replace(job, override={}) if _was_left_out(job, log) or job.stream.name in anew else job for job in jobs
    ]
    fresh = [job for job in jobs if job.override is not None or not has_position(job)]
    started = [job for job in jobs if job not in fresh]
    with server.session() as session:
        if source.cdc.is_managed:
            notes += ensure_publication(session, source.publication, [table_of(job.stream) for job in jobs])
        slot = find_slot(session, source.slot)
        # Another process of ours may read the slot: it commits first, and then confirms.
        log.reload()
        _require_whole(source, slot, started, log)
        if slot and slot.status == "lost" and source.cdc.is_managed:
            drop_slot(session, source.slot)
            slot = None
    with server.replication() as replication:
        system = _system(replication, source, log if started else None)
        if started:
            log.note(**system)
        if slot is not None and not fresh:
            return Prepared({}, tuple(notes))
        # The exported snapshot lives as long as the connection that made the slot does nothing else.
        name, is_temporary = _new_slot(source, slot)
        made = make_slot(server, source, replication, name, is_temporary=is_temporary)
        if slot is None:
            notes.append(f"made replication slot {source.slot} at {lsn_text(made.lsn)}")
        if not started:
            log.commit(slot.confirmed if slot else made.lsn, **system)
        reach("after-slot")
        with server.session() as session:
            return Prepared({job.name: read_table(session, job, made) for job in fresh}, tuple(notes))


def make_slot(
    server: Server, source: SourceSpec, replication: Replication, name: str, *, is_temporary: bool
) -> NewSlot:
    """Make a slot, and export the snapshot of its first moment. Raises SmeltError if a transaction won't end."""
    try:
        return create_slot(replication, name, is_temporary=is_temporary, patience=_PATIENCE_SECONDS)
    except TimeoutError as error:
        with server.session() as session:
            raise SmeltError(
                f"{source.name}: no consistent snapshot in {_PATIENCE_SECONDS:.0f} s, because a slot waits for "
                f"transactions that were begun before it: {running(session)}",
                "end them (`select pg_terminate_backend(PID)`), and run it again",
            ) from error


def _system(replication: Replication, source: SourceSpec, log: TransactionWriter | None) -> dict[str, str]:
    """The server's identifier, which a standby shares, and its timeline, which begins with a promotion.

    Raises SmeltError if the log was of another server, or of a primary whose last changes this one never had.
    """
    ((system, timeline, *_),) = replication.command("IDENTIFY_SYSTEM")
    known = log.position if log else {}
    again = f"read everything again: `smelt ingest {source.name} --reset {source.name}`"
    if known.get("system", system) != system:
        raise SmeltError(
            f"{source.name}: connection {source.connection!r} reaches another PostgreSQL server than before",
            f"correct its dsn, or {again}",
        )
    if log and known.get("timeline", timeline) != timeline:
        promoted = _end_of_timeline(replication, timeline, known["timeline"])
        if promoted is None or promoted < log.lsn:
            since = lsn_text(promoted) if promoted is not None else "a place that it doesn't know"
            raise SmeltError(
                f"{source.name}: the server was promoted, and has the log only up to {since} in common with "
                f"bronze, which has it up to {lsn_text(log.lsn)}",
                f"{again}; `synchronized_standby_slots` at the primary keeps this from happening",
            )
    return {"system": system, "timeline": timeline}


def _end_of_timeline(replication: Replication, timeline: str, known: str) -> int | None:
    """Where the server, which is on `timeline` now, left the timeline `known`; None: it never was on it."""
    ((_, history),) = replication.command(f"TIMELINE_HISTORY {int(timeline)}")
    # Lines of timeline, LSN, reason; https://www.postgresql.org/docs/current/continuous-archiving.html
    ends = dict(line.split()[:2] for line in history.splitlines() if line[:1].isdigit())
    return lsn_number(ends[known]) if known in ends else None


def _new_slot(source: SourceSpec, slot: Slot | None) -> tuple[str, bool]:
    """Name of the slot to make, and whether it is only for its snapshot."""
    if slot is not None:
        return f"{source.slot}_snapshot", True
    if not source.cdc.is_managed:
        raise SmeltError(
            f"{source.name}: there is no replication slot {source.slot}",
            f"have it made: select pg_create_logical_replication_slot('{source.slot}', 'pgoutput')",
        )
    return source.slot, False


def has_position(job: Job) -> bool:
    """Whether the table of a stream was captured before."""
    table = job.lake.find(job.identifier)
    return table is not None and "lsn" in read_state(table).position


def _told_anew(job: Job) -> str:
    return f"{job.name}: its table was made anew, or left the publication; it is read again and compared"


def _was_left_out(job: Job, log: TransactionWriter) -> bool:
    return log.streams is not None and job.stream.name not in log.streams and has_position(job)


def _require_whole(source: SourceSpec, slot: Slot | None, started: Sequence[Job], log: TransactionWriter) -> None:
    """Raise SmeltError if changes that bronze doesn't have are no longer in the slot."""
    if not started:
        return
    again = f"`smelt ingest {source.name} --reset {source.name}` reads the tables again and loads what differs"
    if slot is None:
        raise SmeltError(
            f"{source.name}: slot {source.slot} is gone, and with it the changes since {lsn_text(log.lsn)}",
            again,
        )
    if slot.status == "lost":
        raise SmeltError(
            f"{source.name}: the server threw away changes that slot {source.slot} had not consumed "
            "(max_slot_wal_keep_size)",
            f"drop it (`select pg_drop_replication_slot('{source.slot}')`); then {again}",
        )
    if slot.confirmed > log.lsn:
        raise SmeltError(
            f"{source.name}: slot {source.slot} was read by another consumer up to {lsn_text(slot.confirmed)}, "
            f"bronze has the changes up to {lsn_text(log.lsn)}",
            f"name a `slot` of its own in {source.folder / 'source.yml'}; then {again}",
        )
