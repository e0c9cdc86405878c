"""A PostgreSQL, two of whose tables are captured from its log."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import psycopg

from demo.postgres import start_server
from tests.conftest import server_folder
from tests.faults.balance import Lanes
from tests.faults.histories.base import CARE, History, lanes

_ROLE = "smelt"
_STOP_SECONDS = 60


class PostgresHistory(History):
    """Transactions over the tables `t` and `u`; no event is like another."""

    kind = "postgres"
    failpoints = [
        "after-piece", "before-commit", "in-transaction", "after-commit", "after-stream-commit", "before-commit:2",
        "in-transaction:2", "after-stream-commit:2", "before-commit:3", "in-transaction:3", "after-commit:3",
        "before-confirm", "before-confirm:2", *CARE,
    ]  # fmt: skip

    def prepare(self) -> None:
        self._folders = contextlib.ExitStack()
        self._data = self._folders.enter_context(server_folder()) / "data"
        self._server = start_server(self._data)
        self._port = int(self._server.dsn.rpartition(":")[2].partition("/")[0])
        self.proxy.upstream = self._port
        password = self._tell_project()
        with psycopg.connect(self._server.dsn, autocommit=True) as connection:
            connection.execute(f"create role {_ROLE} superuser login password '{password}'")  # type: ignore[arg-type]
            for table in "tu":
                connection.execute(f"create table {table} (id int primary key, v int)")  # type: ignore[arg-type]
            connection.execute("create table done (number int)")
            connection.execute("insert into done values (0)")
        self._require_password()
        self.declare(
            '[connections.c]\ntype = "postgres"\ndsn = "file:dsn"\n',
            kind="postgres",
            cdc={"slot": "faults", "publication": "faults"},
            streams=[
                {"name": table, "table": f"public.{table}", "sync_mode": "cdc", "primary_key": ["id"]}
                for table in "tu"
            ],
        )
        self._written: list[tuple[str, str]] = []
        self._live: dict[str, list[int]] = {"t": [], "u": []}
        self._number = self._key = self._value = 0
        self._connection: psycopg.Connection | None = None

    def step(self) -> None:
        """A transaction, of which is found out whether it came to be if the server goes away."""
        live = {table: list(keys) for table, keys in self._live.items()}
        number = self._number + 1
        changes = [self._change(live) for _ in range(self.chance.randint(1, 6))]
        while self._number < number:
            try:
                self._connect()
                assert self._connection is not None
                if self._reached() < number:
                    with self._connection.transaction():
                        for statement, _, _ in changes:
                            self._connection.execute(statement)  # type: ignore[arg-type]
                        self._connection.execute(f"update done set number = {number}")  # type: ignore[arg-type]
                self._number, self._live = number, live
                self._written += [(table, event) for _, table, event in changes]
            except psycopg.OperationalError:
                self._connection = None
                time.sleep(0.05)
        time.sleep(self.chance.uniform(0.0, 0.02))

    def written(self) -> Lanes:
        """By table, and by the order of commits over both."""
        done = list(self._written)
        return lanes([*done, *(("both", f"{table} {event}") for table, event in done)])

    def found(self) -> Lanes:
        rows = [
            (lsn, sequence, batch, place, table, op, key, value)
            for table in "tu"
            for op, key, value, lsn, sequence, batch, place in self.bronze(
                "select _smelt_op, id, v, _smelt_commit_lsn, _smelt_sequence, _smelt_batch_id, "
                "_smelt_source_position from bronze where _smelt_op <> 'r' "
                "order by _smelt_batch_id, _smelt_source_position",
                f"s__{table}",
            )
        ]
        by_table = [(row[4], _event(*row[5:])) for row in rows]
        by_commit = [("both", f"{row[4]} {_event(*row[5:])}") for row in sorted(rows, key=_place)]
        return lanes([*by_table, *by_commit])

    def restart(self, *, is_crash: bool) -> None:
        pid_file = self._data / "postmaster.pid"
        pid = int(pid_file.read_text().split()[0])
        # SIGQUIT: without a last checkpoint, so that the slot is where it was at the one before.
        os.kill(pid, signal.SIGQUIT if is_crash else signal.SIGINT)
        deadline = time.monotonic() + _STOP_SECONDS
        while pid_file.exists() and _is_running(pid):
            assert time.monotonic() < deadline, "PostgreSQL did not stop"
            time.sleep(0.02)
        self._server = start_server(self._data, port=self._port)
        assert self._server.dsn.endswith(f":{self._port}/postgres")

    def rotate(self) -> None:
        password = f"canary-{self.chance.getrandbits(80):020x}"
        self.canaries.append(password)
        with psycopg.connect(self._server.dsn, autocommit=True) as connection:
            connection.execute(f"alter role {_ROLE} password '{password}'")  # type: ignore[arg-type]
        self.proxy.cut(with_reset=False)
        time.sleep(self.chance.uniform(0.2, 1.5))
        self.keep("dsn", self._dsn(password))

    def close(self) -> None:
        self._server.stop()
        self._folders.close()

    def _tell_project(self) -> str:
        password = self.secret("dsn")
        self.keep("dsn", self._dsn(password))
        return password

    def _dsn(self, password: str) -> str:
        return f"postgresql://{_ROLE}:{password}@127.0.0.1:{self.proxy.port}/postgres"

    def _require_password(self) -> None:
        rules = self._data / "pg_hba.conf"
        rules.write_text(f"host all {_ROLE} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        with psycopg.connect(self._server.dsn, autocommit=True) as connection:
            connection.execute("select pg_reload_conf()")

    def _connect(self) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._server.dsn, autocommit=True, connect_timeout=5)

    def _reached(self) -> int:
        assert self._connection is not None
        ((number,),) = self._connection.execute("select number from done").fetchall()
        return number

    def _change(self, live: dict[str, list[int]]) -> tuple[str, str, str]:
        """A statement, its table, and its event."""
        table = self.chance.choice("tu")
        keys = live[table]
        what = self.chance.choice("ccuud") if keys else "c"
        self._value += 1
        if what == "c":
            self._key += 1
            keys.append(self._key)
            return (
                f"insert into {table} values ({self._key}, {self._value})",
                table,
                _event("c", self._key, self._value),
            )
        key = self.chance.choice(keys)
        if what == "u":
            return f"update {table} set v = {self._value} where id = {key}", table, _event("u", key, self._value)
        keys.remove(key)
        return f"delete from {table} where id = {key}", table, _event("d", key, None)


def _event(op: str, key: int, value: int | None) -> str:
    return f"d {key}" if op == "d" else f"{op} {key} {value}"


def _place(row: tuple) -> tuple:
    lsn, sequence = row[:2]
    high, _, low = str(lsn).partition("/")
    return (int(high, 16), int(low, 16), sequence) if low else (lsn, 0, sequence)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
