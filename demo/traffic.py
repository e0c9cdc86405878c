"""Live orders for the shop: baskets of the data set, ordered once more, second by second after its last day."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.postgres import running_dsn
from plugins.core.errors import SmeltError

if TYPE_CHECKING:
    import psycopg

# Of a hundred events, so many change the quantity of a line, or cancel an order that was placed live.
_CHANGED, _CANCELLED = 15, 5
_LONGEST_BASKET = 30
_PLACE = "insert into shop.orders (order_id, customer_id, ordered_at, country) values (%s, %s, %s, %s)"
_LINE = (
    "insert into shop.order_lines "
    "(order_id, line_number, stock_code, description, quantity, unit_price, invoiced_at) "
    "select %s, line_number, stock_code, description, quantity, unit_price, %s "
    "from shop.order_lines where order_id = %s"
)


@dataclass
class Placed:
    """What was done so far; `orders` are those that are still there of the ones placed."""

    orders: int = 0
    lines: int = 0
    changed: int = 0
    cancelled: int = 0


def traffic(
    project_dir: Path,
    rate: float,
    seconds: float | None,
    *,
    seed: int | None = None,
    on_event: Callable[[Placed], None] = lambda _: None,
) -> Placed:
    """Place `rate` orders a second for `seconds` (None: until interrupted); some are changed or cancelled later.

    Each event is one transaction. Raises SmeltError if the demo does not run.
    """
    import psycopg

    dsn = running_dsn(project_dir / ".smelt" / "demo" / "postgres")
    if dsn is None:
        raise SmeltError("the demo's PostgreSQL does not run", "start it with `make run`, or `smelt demo up`")
    with psycopg.connect(dsn, autocommit=True, application_name="demo traffic") as connection:
        shop = _Shop(connection, random.Random(seed))  # noqa: S311 - orders, not keys
        started = time.monotonic()
        while seconds is None or time.monotonic() - started < seconds:
            shop.act()
            on_event(shop.placed)
            due = started + sum((shop.placed.orders, shop.placed.changed, shop.placed.cancelled)) / rate
            time.sleep(max(0.0, min(due - time.monotonic(), 1.0)))
    return shop.placed


class _Shop:
    """The shop's side: one event after the other."""

    def __init__(self, connection: psycopg.Connection, chance: random.Random) -> None:
        self._connection, self._chance = connection, chance
        self._baskets = self._rows(
            "select o.order_id, o.customer_id, o.country from shop.orders o join shop.order_lines l "
            "using (order_id) where o.order_id ~ '^[0-9]+$' group by 1, 2, 3 having count(*) <= %s",
            _LONGEST_BASKET,
        )
        ((self._last, number),) = self._rows(
            "select max(ordered_at), max(order_id::bigint) from shop.orders where order_id ~ '^[0-9]+$'"
        )
        self._next, self._began = number + 1, time.monotonic()
        self._live: list[str] = []
        self.placed = Placed()

    def act(self) -> None:
        """Place an order, or change or cancel one that was placed."""
        roll = self._chance.randrange(100)
        with self._connection.transaction():
            if self._live and roll < _CANCELLED:
                self._cancel()
            elif self._live and roll < _CANCELLED + _CHANGED:
                self._change()
            else:
                self._place()

    def _now(self) -> datetime:
        """The shop's clock goes on where the data set ends."""
        return self._last + timedelta(seconds=time.monotonic() - self._began)

    def _place(self) -> None:
        basket, customer, country = self._chance.choice(self._baskets)
        order, now = str(self._next), self._now()
        self._next += 1
        self._connection.execute(_PLACE, [order, customer, now, country])
        self.placed.lines += self._connection.execute(_LINE, [order, now, basket]).rowcount
        self.placed.orders += 1
        self._live.append(order)

    def _change(self) -> None:
        order = self._chance.choice(self._live)
        self._connection.execute(
            "update shop.order_lines set quantity = quantity + 1 where (order_id, line_number) in "
            "(select order_id, min(line_number) from shop.order_lines where order_id = %s group by order_id)",
            [order],
        )
        self.placed.changed += 1

    def _cancel(self) -> None:
        order = self._live.pop(self._chance.randrange(len(self._live)))
        self._connection.execute("delete from shop.order_lines where order_id = %s", [order])
        self._connection.execute("delete from shop.orders where order_id = %s", [order])
        self.placed.cancelled += 1

    def _rows(self, query: str, *parameters: Any) -> Sequence[Any]:
        return self._connection.execute(query, parameters or None).fetchall()  # type: ignore[arg-type]
