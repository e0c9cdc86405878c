"""A writer of transactions over two tables that remembers each event."""

from __future__ import annotations

import random


class History:
    """Writes to the tables `t` and `u`; `events`: what bronze must hold of each after the snapshot."""

    def __init__(self, shop, seed: int) -> None:
        self.events: dict[str, list[tuple[str, int, int | None]]] = {"t": [], "u": []}
        self._shop = shop
        self._random = random.Random(seed)
        self._live: dict[str, dict[int, int]] = {"t": {}, "u": {}}
        self._next = 1
        shop.sql(*(f"create table {name} (id int primary key, v int)" for name in self.events))
        shop.declare(t="[id]", u="[id]")
        self.reconnect()

    def reconnect(self) -> None:
        self._connection = self._shop.server.connect(database=self._shop.database)

    def write(self, transactions: int) -> None:
        for _ in range(transactions):
            self._connection.begin()
            changes = [self._change(self._random.choice("tu")) for _ in range(self._random.randint(1, 5))]
            with self._connection.cursor() as cursor:
                for statement, _ in changes:
                    cursor.execute(statement)
            self._connection.commit()
            for _, (table, event) in changes:
                self.events[table].append(event)

    def close(self) -> None:
        self._connection.close()

    def _change(self, table: str) -> tuple[str, tuple[str, tuple[str, int, int | None]]]:
        live = self._live[table]
        what = self._random.choice("ccuud") if live else "c"
        if what == "c":
            key, self._next = self._next, self._next + 1
            live[key] = 0
            return f"insert into {table} values ({key}, 0)", (table, ("c", key, 0))
        key = self._random.choice(sorted(live))
        if what == "u":
            live[key] = value = self._random.randint(1, 10**6)
            return f"update {table} set v = {value} where id = {key}", (table, ("u", key, value))
        return f"delete from {table} where id = {key}", (table, ("d", key, live.pop(key)))


def assert_history(shop, history: History) -> None:
    """Bronze is what was written: each event once and in order, and each key as it is at the source."""
    for table, events in history.events.items():
        found = [event for event in shop.events("id, v", table) if event[0] != "r"]
        assert found == events
        assert shop.state("id, v", table=table) == shop.rows(f"select id, v from {table} order by id")
