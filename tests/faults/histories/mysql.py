"""A MariaDB, two of whose tables are captured from its binlog."""

from __future__ import annotations

import shutil
import time

import pymysql

from tests.faults.balance import Lanes
from tests.faults.histories.base import CARE, History, lanes
from tests.ingest.mysql.mariadb import Server, folder

_USER, _DATABASE = "smelt", "s"


class MysqlHistory(History):
    """Transactions over the tables `t` and `u`; no event is like another."""

    kind = "mysql"
    failpoints = [
        "after-piece", "before-commit", "in-transaction", "after-commit", "after-stream-commit",
        "before-commit:2", "in-transaction:2", "after-stream-commit:2", "before-commit:3", "in-transaction:3",
        "after-commit:3", *CARE,
    ]  # fmt: skip

    def prepare(self) -> None:
        self._server = Server(folder())
        self._server.start()
        self.proxy.upstream = self._server.port
        password = self.secret("password")
        with self._server.connect() as connection, connection.cursor() as cursor:
            for statement in (
                f"create database {_DATABASE}",
                f"create user {_USER} identified by '{password}'",
                f"grant select on {_DATABASE}.* to {_USER}",
                f"grant replication slave, binlog monitor on *.* to {_USER}",
                f"use {_DATABASE}",
                *(f"create table {table} (id int primary key, v int)" for table in "tu"),
                "create table done (number int)",
                "insert into done values (0)",
            ):
                cursor.execute(statement)
        self.declare(
            f'[connections.c]\ntype = "mysql"\nurl = "mysql://{_USER}@127.0.0.1:{self.proxy.port}/{_DATABASE}"\n'
            '[connections.c.mysql]\npassword = "file:password"\n',
            kind="mysql",
            streams=[{"name": table, "sync_mode": "cdc", "primary_key": ["id"]} for table in "tu"],
        )
        self._written: list[tuple[str, str]] = []
        self._live: dict[str, dict[int, int]] = {"t": {}, "u": {}}
        self._number = self._key = self._value = 0
        self._connection: pymysql.Connection | None = None

    def step(self) -> None:
        """A transaction, of which is found out whether it came to be if the server goes away."""
        live = {table: dict(keys) for table, keys in self._live.items()}
        number = self._number + 1
        changes = [self._change(live) for _ in range(self.chance.randint(1, 6))]
        while self._number < number:
            try:
                self._commit([statement for statement, _, _ in changes], number)
                self._number, self._live = number, live
                self._written += [(table, event) for _, table, event in changes]
            except (pymysql.OperationalError, pymysql.InterfaceError):
                self._connection = None
                time.sleep(0.05)
        time.sleep(self.chance.uniform(0.0, 0.02))

    def written(self) -> Lanes:
        """By table, and by the order of commits over both."""
        done = list(self._written)
        return lanes([*done, *(("both", f"{table} {event}") for table, event in done)])

    def found(self) -> Lanes:
        rows = [
            (gtid, sequence, table, _event(op, key, value))
            for table in "tu"
            for op, key, value, gtid, sequence in self.bronze(
                "select _smelt_op, id, v, _smelt_gtid, _smelt_sequence from bronze where _smelt_op <> 'r' "
                "order by _smelt_batch_id, _smelt_source_position",
                f"s__{table}",
            )
        ]
        by_table = [(table, event) for *_, table, event in rows]
        by_commit = [("both", f"{table} {event}") for *_, table, event in sorted(rows, key=_place)]
        return lanes([*by_table, *by_commit])

    def restart(self, *, is_crash: bool) -> None:
        self._server.kill() if is_crash else self._server.stop()
        self._server.start()

    def rotate(self) -> None:
        password = f"canary-{self.chance.getrandbits(80):020x}"
        self.canaries.append(password)
        with self._server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"alter user {_USER} identified by '{password}'")
        self.proxy.cut(with_reset=False)
        time.sleep(self.chance.uniform(0.2, 1.5))
        self.keep("password", password)

    def close(self) -> None:
        self._server.stop()
        shutil.rmtree(self._server.folder, ignore_errors=True)

    def _commit(self, statements: list[str], number: int) -> None:
        if self._connection is None:
            self._connection = self._server.connect(database=_DATABASE, connect_timeout=5)
        with self._connection.cursor() as cursor:
            cursor.execute("select number from done")
            if cursor.fetchall() == ((number,),):
                return
            self._connection.begin()
            for statement in [*statements, f"update done set number = {number}"]:
                cursor.execute(statement)
            self._connection.commit()

    def _change(self, live: dict[str, dict[int, int]]) -> tuple[str, str, str]:
        """A statement, its table, and its event."""
        table = self.chance.choice("tu")
        keys = live[table]
        what = self.chance.choice("ccuud") if keys else "c"
        self._value += 1
        if what == "c":
            self._key += 1
            keys[self._key] = self._value
            values = f"({self._key}, {self._value})"
            return f"insert into {table} values {values}", table, _event("c", self._key, self._value)
        key = self.chance.choice(sorted(keys))
        if what == "u":
            keys[key] = self._value
            return f"update {table} set v = {self._value} where id = {key}", table, _event("u", key, self._value)
        return f"delete from {table} where id = {key}", table, _event("d", key, keys.pop(key))


def _event(op: str, key: int, value: int) -> str:
    return f"{op} {key} {value}"


def _place(row: tuple) -> tuple[int, int]:
    gtid, sequence = row[:2]
    return int(gtid.rpartition("-")[2]), sequence
