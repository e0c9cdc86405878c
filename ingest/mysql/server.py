"""A MySQL or MariaDB server: connections with credentials resolved anew each time, its errors in words, what it
is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ingest.mysql.gtid import Gtids, gtids
from ingest.mysql.tablemap import Catalog
from ingest.retry import Transient
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, mask, resolve

if TYPE_CHECKING:
    import pymysql

_CONNECT_SECONDS = 5
# What a session of ours must see, however the server is configured: moments in UTC, plain values.
_SESSION = "set session time_zone = '+00:00', sql_mode = '', net_write_timeout = 600"
# Error numbers: https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
_REFUSED = {1044, 1045, 1049, 1698, 2059, 2061}
_FORBIDDEN = {1142, 1143, 1227, 1370}
_GONE = {1146, 1109}
# A table that was altered or replaced while a snapshot of before was open.
_CHANGED = {1412, 1051}
# 0: of a connection that is closed already.
_PASSING = {
    0, 1040, 1053, 1077, 1079, 1129, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1927, 2002, 2003, 2006, 2013,
}  # fmt: skip
_LOST_LOG = 1236
_TLS = 2026


@dataclass(frozen=True)
class Server:
    """The server behind a connection of smelt.toml."""

    settings: Settings
    connection: str

    @property
    def where(self) -> str:
        """For messages."""
        return f"connection {self.connection!r}"

    @property
    def database(self) -> str:
        """The database that the URL names, or ''."""
        return urlsplit(self._url()).path.strip("/")

    def open(self, **options: Any) -> pymysql.Connection:
        """A connection, in UTC, that commits each statement. Raises SmeltError, or Transient if it may pass."""
        require_extra()
        import pymysql

        found = self.settings.connection(self.connection).mysql
        url = urlsplit(self._url())
        password = unquote(url.password or "")
        if found.password:
            password = resolve(
                found.password, self.settings.project_dir, f"connections.{self.connection}.mysql.password"
            )
        tls: dict[str, Any] = {
            name: str(self.settings.project_dir / path)
            for name in ("ssl_ca", "ssl_cert", "ssl_key")
            if (path := getattr(found, name))
        }
        if found.ssl_ca:
            tls |= {"ssl_verify_cert": True, "ssl_verify_identity": found.ssl_verify_identity}
        with self.explained(), self._told_files():
            return pymysql.connect(
                host=url.hostname or "127.0.0.1", port=url.port or 3306, user=unquote(url.username or ""),
                password=password, database=self.database or None, charset="utf8mb4", autocommit=True,
                connect_timeout=_CONNECT_SECONDS, program_name="smelt", init_command=_SESSION, **(tls | options),
            )  # fmt: skip

    @contextmanager
    def session(self, **options: Any) -> Iterator[pymysql.Connection]:
        """`open`, and close it afterwards; what the server says in between is raised in words."""
        connection = self.open(**options)
        try:
            with self.explained():
                yield connection
        finally:
            connection.close()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raise errors of the driver as SmeltError, as LogLostError, or as Transient if they may pass."""
        import pymysql

        try:
            yield
        except pymysql.MySQLError as error:
            raise self.in_words(error) from error

    def in_words(self, error: Exception) -> Exception:
        """An error of the driver in the words of whoever must mend it."""
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        told = mask(str(error.args[-1] if error.args else error)).strip()[:300]
        where = self.where
        if "CERTIFICATE" in told.upper() or number == _TLS:
            return SmeltError(f"{where}: TLS failed: {told}", f"correct [connections.{self.connection}.mysql]")
        if number in _REFUSED:
            return SmeltError(f"{where} was refused: {told}", "correct the url or the password in smelt.toml")
        if number in _FORBIDDEN:
            return SmeltError(
                f"the user of {where} may not do that: {told}",
                "grant select on the tables, and replication slave, replication client (MariaDB: binlog monitor) "
                "on *.*, to that user",
            )
        if number in _GONE:
            return SmeltError(f"{where}: {told}", "restore the table, or take its stream out of source.yml")
        if number == _LOST_LOG:
            return LogLostError(told)
        if number in _PASSING | _CHANGED:
            return Transient(f"{where} cannot be reached: {told}")
        return SmeltError(f"{where}: {told}", "see the server's log; then run it again")

    @contextmanager
    def _told_files(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SmeltError(
                f"{self.where}: a file of its TLS can't be read: {error}",
                f"correct [connections.{self.connection}.mysql] in smelt.toml",
            ) from error

    def _url(self) -> str:
        reference = self.settings.connection(self.connection).url
        if not reference:
            raise SmeltError(
                f"connections.{self.connection} has no url",
                f'add url = "mysql://user@host:3306/database" to [connections.{self.connection}] in smelt.toml',
            )
        url = resolve(reference, self.settings.project_dir, f"connections.{self.connection}.url")
        if not re.match(r"(mysql|mariadb)(\+\w+)?://", url):
            raise SmeltError(
                f"connections.{self.connection}.url is no URL of a MySQL or MariaDB server",
                "write it as mysql://user@host:3306/database",
            )
        return url


class LogLostError(Exception):
    """The server no longer has the log from where it must be read. Said of it: why."""


@dataclass(frozen=True)
class Kind:
    """What a server is. version: as it says it."""

    version: str

    @property
    def is_mariadb(self) -> bool:
        """Or it is MySQL."""
        return "mariadb" in self.version.lower()

    @cached_property
    def told(self) -> str:
        """`MariaDB 10.11.19`."""
        found = re.match(r"[\d.]+", self.version)
        return f"{'MariaDB' if self.is_mariadb else 'MySQL'} {found[0].rstrip('.') if found else self.version}"


def kind_of(session: pymysql.Connection) -> Kind:
    """What server this is."""
    return Kind(ask(session, "select version()")[0][0])


def ask(session: pymysql.Connection, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a query; `%s` stand for parameters, if there are any."""
    with session.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())


def variables(session: pymysql.Connection, names: Sequence[str]) -> dict[str, str]:
    """Global variables that the server has, in lower case."""
    listed = ", ".join(["%s"] * len(names))
    rows = ask(session, f"show global variables where variable_name in ({listed})", *names)
    return {name.lower(): str(value) for name, value in rows}


def require_binlog(session: pymysql.Connection, where: str) -> Kind:
    """What server this is. Raises SmeltError if its log can't be followed; the hint says what to set."""
    kind = kind_of(session)
    found = variables(session, [*_NEEDED, "gtid_mode", "log_bin_compress", "binlog_transaction_compression"])
    wanted = _NEEDED if kind.is_mariadb else {**_NEEDED, "gtid_mode": "ON"}
    forbidden = ("log_bin_compress", "binlog_transaction_compression")
    wrong = {name: value for name, value in wanted.items() if found.get(name, "").upper() != value}
    wrong |= {name: "OFF" for name in forbidden if found.get(name, "OFF").upper() == "ON"}
    if wrong:
        told = ", ".join(f"{name} is {found.get(name) or 'not known to it'}" for name in wrong)
        raise SmeltError(
            f"{where}: the log of this {kind.told} can't be followed: {told}",
            f"in the server's configuration: {', '.join(f'{name} = {value}' for name, value in wrong.items())}"
            "; MariaDB from 10.5 on and MySQL from 8.0.14 on have all of them",
        )
    # Who may not ask this may not follow the log.
    log_end(session)
    return kind


_NEEDED = {"log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_row_metadata": "FULL"}


def read_gtids(session: pymysql.Connection, kind: Kind) -> Gtids:
    """Transactions that are in the server's log now."""
    variable = "gtid_binlog_pos" if kind.is_mariadb else "gtid_executed"
    ((text,),) = ask(session, f"select @@global.{variable}")
    return gtids(text or "", is_mariadb=kind.is_mariadb)


def log_end(session: pymysql.Connection) -> tuple[str, int]:
    """Name of the newest file of the log, and its end."""
    import pymysql

    try:
        rows = ask(session, "show master status")
    except pymysql.err.ProgrammingError:
        # MySQL from 8.4 on
        rows = ask(session, "show binary log status")
    return rows[0][0], int(rows[0][1])


def log_files(session: pymysql.Connection) -> dict[str, int]:
    """Files of the log in order, and their sizes."""
    return {row[0]: int(row[1]) for row in ask(session, "show binary logs")}


def read_catalog(session: pymysql.Connection, kind: Kind, tables: Sequence[tuple[str, str]]) -> Catalog:
    """What must be known to read the log's descriptions of `tables`."""
    ids = "select id, character_set_name from information_schema.collations where id is not null"
    if kind.is_mariadb:
        has_id = ask(
            session,
            "select 1 from information_schema.columns where table_schema = 'information_schema' "
            "and table_name = 'COLLATION_CHARACTER_SET_APPLICABILITY' and column_name = 'ID'",
        )
        if has_id:
            ids = "select id, character_set_name from information_schema.collation_character_set_applicability"
    typed = ask(
        session,
        "select table_schema, table_name, column_name, data_type from information_schema.columns "
        "where data_type in ('uuid', 'inet4', 'inet6')",
    )
    named = {(schema, name, column): kind for schema, name, column, kind in typed if (schema, name) in set(tables)}
    charsets = {int(number): charset for number, charset in ask(session, ids)}
    ((case,),) = ask(session, "select @@global.lower_case_table_names")
    return Catalog(kind.is_mariadb, charsets, named, folds_case=bool(case))


def require_extra() -> None:
    """Raise SmeltError if the driver isn't installed."""
    try:
        import pymysql  # noqa: F401
        import pymysqlreplication.gtid  # noqa: F401
    except ImportError as error:
        raise SmeltError(
            "reading MySQL and MariaDB needs packages that are not installed", "pip install 'smelt[mysql]'"
        ) from error
