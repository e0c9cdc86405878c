"""A PostgreSQL server as a source of changes: what it must allow, its publication and its slot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ingest.cdc.events import lsn_number
from ingest.cdc.relations import PgType
from ingest.cdc.replication import Replication
from ingest.retry import Transient
from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.settings import mask

# Texts of dates, intervals, money and floats must not depend on how the role or the database is configured.
_STYLE = (
    "-c datestyle=ISO,MDY -c intervalstyle=iso_8601 -c timezone=UTC -c extra_float_digits=1 -c lc_monetary=C "
    "-c bytea_output=hex -c client_encoding=UTF8"
)
_TYPES = """
    select t.oid::bigint, t.typname::text, case when t.typcategory = 'A' then 'a' else t.typtype::text end,
        t.typbasetype::bigint, t.typtypmod,
        case when t.typtype = 'c' or t.typcategory = 'A' and e.typtype = 'c' then format_type(t.oid, null) end
    from pg_type as t left join pg_type as e on e.oid = t.typelem
"""
_SLOT = """
    select active, active_pid, confirmed_flush_lsn::text, wal_status,
        pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint, plugin, database
    from pg_replication_slots where slot_name = %s
"""


@dataclass(frozen=True)
class Slot:
    """A replication slot. confirmed: the LSN up to which changes were consumed. held: bytes of WAL it keeps.

    status: `reserved`, `extended`, `unreserved` or `lost` (the server threw away WAL that was not consumed).
    """

    name: str
    is_active: bool
    pid: int | None
    confirmed: int
    held: int
    status: str


@dataclass(frozen=True)
class NewSlot:
    """A slot just made: everything before `lsn` is in `snapshot`, everything after it in the slot."""

    lsn: int
    snapshot: str


@dataclass(frozen=True)
class Server:
    """Reached by `dsn`; `where` names it in messages (`connection 'shop'`)."""

    dsn: str
    where: str

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection]:
        """A connection for questions, in autocommit; errors of the server are told in words."""
        with self.explained(), self._connect() as connection:
            yield connection

    def open(self) -> psycopg.Connection:
        """A connection for questions that stays open; whoever asks it something does so inside `explained`."""
        with self.explained():
            return self._connect()

    @contextmanager
    def replication(self) -> Iterator[Replication]:
        """A connection that speaks the replication protocol; errors of the server are told in words."""
        # `closing`, for the connection's own way out would send a COMMIT into the stream.
        with self.explained(), closing(self._connect(replication="database")) as connection:
            yield Replication(connection.pgconn)

    def _connect(self, **settings: str) -> psycopg.Connection:
        given: dict[str, Any] = dict(conninfo_to_dict(self.dsn))
        options = f"{given.pop('options', '')} {_STYLE}".strip()
        defaults = {"connect_timeout": 5, "application_name": "smelt", "keepalives_idle": 30}
        return psycopg.connect(autocommit=True, options=options, **{**defaults, **given, **settings})

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Errors of the server in words: Transient where the connection failed, else SmeltError."""
        try:
            yield
        except psycopg.Error as error:
            raise _in_words(error, self.where) from error


def ask(session: psycopg.Connection, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Rows of one query."""
    with session.cursor() as cursor:
        cursor.execute(query, parameters or None)  # type: ignore[arg-type]
        return cursor.fetchall()


def require_logical(session: psycopg.Connection, where: str) -> None:
    """Raise SmeltError if the server or the role can't replicate logically."""
    ((level, is_allowed, version),) = ask(
        session,
        "select current_setting('wal_level'), rolreplication or rolsuper, "
        "current_setting('server_version_num')::int from pg_roles where rolname = current_user",
    )
    if level != "logical":
        raise SmeltError(
            f"{where}: change data capture needs wal_level = logical, and the server has {level}",
            "`alter system set wal_level = logical`, and restart the server",
        )
    if not is_allowed:
        raise SmeltError(
            f"{where}: the role may not replicate",
            "`alter role … replication` as a superuser, or use another role",
        )
    if version < 140_000:
        raise SmeltError(f"{where}: PostgreSQL {version // 10_000} is too old", "upgrade it to 14 or later")


def load_types(session: psycopg.Connection) -> Mapping[int, PgType]:
    """All types of the database by oid."""
    return {oid: PgType(*rest) for oid, *rest in ask(session, _TYPES)}


def composites_as_json(session: psycopg.Connection, written: str, texts: Sequence[str]) -> list[str]:
    """Values of the composite type `written`, or of an array of one, as JSON, as a pull has them.

    Only the server knows what such a type is made of. What it can't read, because the type has changed since,
    stays the text that it was.
    """
    given = "unnest(%s::text[]) with ordinality as given(value, n)"
    query = f"select to_json(value::{written})::text from {given} order by n"
    try:
        return [text for (text,) in ask(session, query, list(texts))]
    except (psycopg.errors.DataError, psycopg.errors.UndefinedObject):
        return list(texts)


def find_slot(session: psycopg.Connection, name: str) -> Slot | None:
    """The slot, if it is there; raises SmeltError if it is not one of ours to read."""
    found = ask(session, _SLOT, name)
    if not found:
        return None
    active, pid, confirmed, status, held, plugin, database = found[0]
    ((here,),) = ask(session, "select current_database()")
    if plugin != "pgoutput" or database != here:
        raise SmeltError(
            f"slot {name} is of plugin {plugin} in database {database}", "name another `slot` in source.yml"
        )
    return Slot(name, active, pid, lsn_number(confirmed), int(held or 0), status or "reserved")


def create_slot(replication: Replication, name: str, *, is_temporary: bool, patience: float) -> NewSlot:
    """Make a slot and export the snapshot of its first moment, which lives until `replication` does more.

    Waits for transactions that are running at the server; raises TimeoutError after `patience` seconds.
    """
    # Slots that a standby keeps in step survive a failover; older servers don't know them.
    failover = ", FAILOVER true" if replication.version >= 170_000 and not is_temporary else ""
    kind = "TEMPORARY " if is_temporary else ""
    ((_, lsn, snapshot, _),) = replication.command(
        f"CREATE_REPLICATION_SLOT {quote(name)} {kind}LOGICAL pgoutput (SNAPSHOT 'export'{failover})", patience
    )
    return NewSlot(lsn_number(lsn), snapshot)


def running(session: psycopg.Connection) -> str:
    """Transactions that write, the oldest first: who a new slot waits for."""
    found = ask(
        session,
        "select pid, usename, extract(epoch from now() - xact_start)::int from pg_stat_activity "
        "where backend_xid is not null and pid <> pg_backend_pid() order by xact_start limit 5",
    )
    return ", ".join(f"process {pid} of {role} for {seconds} s" for pid, role, seconds in found) or "none any more"


def drop_slot(session: psycopg.Connection, name: str) -> None:
    """Drop the slot if it is there: the server no longer keeps WAL for it."""
    ask(session, "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s", name)


def find_publication(session: psycopg.Connection, name: str) -> list[tuple[str, str]] | None:
    """Schemas and names of the tables that it publishes; None: it is not there."""
    if not ask(session, "select 1 from pg_publication where pubname = %s", name):
        return None
    return ask(session, "select schemaname, tablename from pg_publication_tables where pubname = %s", name)  # type: ignore[return-value]


def drop_publication(session: psycopg.Connection, name: str) -> None:
    """Drop the publication if it is there."""
    with session.cursor() as cursor:
        cursor.execute(sql.SQL("drop publication if exists {}").format(sql.Identifier(name)))


def ensure_publication(session: psycopg.Connection, name: str, tables: Sequence[tuple[str, str]]) -> list[str]:
    """Publish `tables` under `name`, adding to what is published; returns what was done, for the notes.

    Raises SmeltError, with the statements for an administrator, if the role may not.
    """
    with session.cursor() as cursor:
        cursor.execute("select puballtables from pg_publication where pubname = %s", (name,))
        found = cursor.fetchone()
        if found and found[0]:
            return []
        cursor.execute("select schemaname, tablename from pg_publication_tables where pubname = %s", (name,))
        published = set(cursor.fetchall())
        missing = [table for table in tables if table not in published]
        if found and not missing:
            return []
        listed = sql.SQL(", ").join(sql.Identifier(*table) for table in missing)
        made = "create publication {} for table {} with (publish_via_partition_root = true)"
        verb = "alter publication {} add table {}" if found else made
        statement = sql.SQL(verb).format(sql.Identifier(name), listed)
        try:
            cursor.execute(statement)
        except psycopg.errors.InsufficientPrivilege as error:
            raise SmeltError(
                f"the role may not publish {', '.join('.'.join(table) for table in missing)}",
                f"have the tables' owner run: {statement.as_string(session)}",
            ) from error
        count = f"{len(missing)} table{'s' if len(missing) > 1 else ''}"
        return [f"added {count} to publication {name}" if found else f"made publication {name} of {count}"]


def _in_words(error: psycopg.Error, where: str) -> Exception:
    text = " ".join(mask(str(error)).split())[:300] or type(error).__name__
    if isinstance(error, psycopg.errors.ObjectInUse):
        return Transient(f"{where}: the replication slot is in use: {text}")
    refused = ("password authentication", "no pg_hba", "does not exist", "no password")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and not any(
        words in text for words in refused
    ):
        return Transient(f"{where} cannot be reached: {text}")
    return SmeltError(f"{where}: {text}", f"correct {where} in smelt.toml, or see the server's log")
