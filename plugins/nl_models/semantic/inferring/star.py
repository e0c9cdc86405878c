"""Which tables are facts and dimensions, how they join, and which day a fact is counted by."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from plugins.core.duck import quote
from plugins.nl_models.catalog.keys import key
from plugins.nl_models.catalog.names import table_words, words_of
from plugins.nl_models.catalog.schema import Catalog, Column, Join, Table
from plugins.nl_models.semantic.layer import MOST_JOINS

# So many references are followed to look up a name.
_FARTHEST = 5
# Made from facts: what is summed there was summed once.
_SUMMARIES = ("agg_", "rpt_", "report_", "mart_", "summary_")
# Of the rows there are: more of them are not what rows belong to, and fewer only number something.
_LEAST_OF_HEADERS = 0.05
_MOST_OF_HEADERS = 0.9
_CALENDAR = frozenset({"date", "day", "calendar", "time", "spine"})
# What the day of a fact is called, and what a day of something else about it is called.
_MAIN_DAY = frozenset({"date", "day", "create", "created", "ordered", "occur", "event", "transaction", "at"})
_OTHER_DAY = frozenset(
    {
        *(
            "ship",
            "shipped",
            "require",
            "required",
            "due",
            "deliver",
            "delivered",
            "delivery",
            "return",
            "returned",
        ),
        *("update", "updated", "modify", "modified", "delete", "deleted", "cancel", "cancelled", "load", "loaded"),
        *(
            "birth",
            "valid",
            "end",
            "ended",
            "expiry",
            "expire",
            "expired",
            "close",
            "closed",
            "pay",
            "paid",
            "dbt",
        ),
    }
)


@dataclass(frozen=True)
class Star:
    """The tables that people ask, as facts and dimensions."""

    catalog: Catalog

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Facts and dimensions by name: no calendars; no summaries either, where there are facts."""
        found = {n: t for n, t in self.catalog.tables.items() if t.rows and not is_calendar(t)}
        rest = {n: t for n, t in found.items() if not n.rpartition(".")[2].startswith(_SUMMARIES)}
        kept = rest if any(self.foreign(table) for table in rest.values()) else found
        # Facts first, then what there is most of: what several tables have is looked for in this order.
        return dict(sorted(kept.items(), key=lambda pair: (not self.is_fact(pair[1]), -pair[1].rows)))

    def entity(self, table: Table) -> str:
        """What one row of a table is: `order` of `fct_orders`; with its schema where two are called so."""
        words = "_".join(table_words(table.name))
        return words if self._named[words] == 1 else "_".join(words_of(table.name))

    @cached_property
    def _named(self) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for name, table in self.catalog.tables.items():
            if not is_calendar(table):
                found["_".join(table_words(name))] += 1
        return found

    def foreign(self, table: Table) -> list[tuple[Table, str]]:
        """The tables that a row of this one belongs to, each with the column that says to which one."""
        return self._foreign.get(table.name, [])

    @cached_property
    def _foreign(self) -> dict[str, list[tuple[Table, str]]]:
        joined: dict[str, dict[str, list[Join]]] = defaultdict(lambda: defaultdict(list))
        for join in self.catalog.joins:
            parent = self.catalog.tables[join.parent]
            identity = key(parent)
            is_key = identity is not None and identity.name == join.parent_column
            if join.child != join.parent and is_key and parent.rows and not is_calendar(parent):
                joined[join.child][join.parent].append(join)
        # What there is more of is more likely meant by what both have: a customer's country, not an employee's.
        return {
            child: sorted(
                ((self.catalog.tables[name], min(joins, key=_role).column) for name, joins in by_parent.items()),
                key=lambda pair: -pair[0].rows,
            )
            for child, by_parent in joined.items()
        }

    def farther(self, table: Table) -> Iterator[tuple[Table, Callable[[str], str]]]:
        """Tables that it takes more than two references to get to, and how SQL over each is had over this one."""
        seen = {table.name}
        queue: list[tuple[Table, Callable[[str], str], int]] = [(table, lambda text: text, 0)]
        for current, told, steps in queue:
            if steps > MOST_JOINS:
                yield current, told
            for parent, column in self.foreign(current):
                identity = key(parent)
                if parent.name not in seen and identity is not None and steps < _FARTHEST:
                    seen.add(parent.name)
                    queue.append((parent, _by_way_of(told, column, parent, identity.name), steps + 1))

    @cached_property
    def lines(self) -> dict[str, list[tuple[Table, str]]]:
        """By table, the facts whose rows belong to its rows, each with the column that says to which one."""
        found: dict[str, list[tuple[Table, str]]] = defaultdict(list)
        for table in self.tables.values():
            for parent, column in self.foreign(table) if self.is_fact(table) else ():
                found[parent.name].append((table, column))
        return found

    def headers(self, table: Table) -> list[Column]:
        """Columns by which rows belong together though no table has a row for each: `invoice_id` of its lines."""
        links, identity = self.catalog.links, key(table)
        return [
            column
            for column in table.columns.values()
            if re.search(r"\w_(id|number|no|nr|key)$", column.name.lower())
            and column.place not in links
            and column != identity
            and _LEAST_OF_HEADERS * table.rows < column.distinct < _MOST_OF_HEADERS * table.rows
        ]

    def belongs(self, table: str, other: str) -> bool:
        """Whether a row of a table belongs to one of another: lines to their header."""
        return any(parent.name == other for parent, _ in self.foreign(self.tables[table]))

    def is_fact(self, table: Table) -> bool:
        """Whether a table says what happened: its rows belong to others, and have a day."""
        if table.name.rpartition(".")[2].startswith(("fct_", "fact_")):
            return True
        return bool(self.day(table)) and (bool(self.foreign(table)) or self._is_event(table))

    def _is_event(self, table: Table) -> bool:
        """Whether a row is something that happened though it belongs to nothing: only lines without a day, if any,
        belong to it. Things have none: their children have days, or numbers say nothing of them."""
        children = [self.catalog.tables[join.child] for join in self.catalog.joins if join.parent == table.name]
        has_number = any(c.kind == "number" and c.place not in self.catalog.links for c in table.columns.values())
        return has_number and not any(_has_day(child) for child in children)

    def day(self, table: Table) -> str | None:
        """The day that a fact is counted by, as SQL over it: its own, or that of what it belongs to."""
        own = [column for column in table.columns.values() if column.kind == "time"]
        about = {word for parent, _ in self.foreign(table) for word in table_words(parent.name)}
        if own:
            return sql_name(min(own, key=lambda c: _unlike_main_day(c, {*table_words(table.name), *about})).name)
        return next(self._days_elsewhere(table), None)

    def _days_elsewhere(self, table: Table) -> Iterator[str]:
        for join in self.catalog.joins:
            if join.child == table.name and is_calendar(parent := self.catalog.tables[join.parent]):
                days = [column.name for column in parent.columns.values() if column.kind == "time"]
                if days:
                    yield _looked_up(join.column, parent, join.parent_column, sql_name(days[0]))
        for parent, column in self.foreign(table):
            # A header: what has no others is a thing, and its day is not when something happened to it.
            if parent.rows < table.rows and self.foreign(parent) and (day := self.day(parent)) is not None:
                identity = key(parent)
                assert identity is not None
                yield _looked_up(column, parent, identity.name, day)


def _has_day(table: Table) -> bool:
    return any(column.kind == "time" for column in table.columns.values())


def is_calendar(table: Table) -> bool:
    """Whether a table only lists days."""
    words = set(table_words(table.name))
    identity = key(table)
    is_by_day = identity is not None and identity.kind == "time"
    return bool(words & _CALENDAR) and (words <= _CALENDAR or {"time", "spine"} <= words or is_by_day)


def sql_name(name: str) -> str:
    """A column as SQL, quoted only where it must be: people read it in sentences."""
    return name if name.isidentifier() and name.islower() else quote(name)


def _looked_up(column: str, parent: Table, parent_key: str, day: str) -> str:
    """A day of the parent, as SQL over the child; inner names differ from all of the child's."""
    place = ".".join(quote(part) for part in parent.name.split("."))
    inner = f"select {quote(parent_key)} as looked_up_key, {day} as looked_up_day from {place}"
    return f"(select looked_up_day from ({inner}) where looked_up_key = {sql_name(column)})"


def _by_way_of(told: Callable[[str], str], column: str, parent: Table, identity: str) -> Callable[[str], str]:
    return lambda text: told(_looked_up(column, parent, identity, text))


def _role(join: Join) -> tuple[float, int]:
    """Of several joins to one table the plainest comes first: `customer_id` before `referring_customer_id`."""
    return -join.confidence, len(words_of(join.column))


def _unlike_main_day(column: Column, about: set[str]) -> tuple[int, int]:
    words = set(words_of(column.name))
    return len(words & _OTHER_DAY), -len(words & about) - len(words & _MAIN_DAY)
