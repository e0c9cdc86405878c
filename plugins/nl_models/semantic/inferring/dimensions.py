"""By what an inferred layer can be split and filtered: texts, yes and no, days."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from plugins.nl_models.catalog.keys import display, key
from plugins.nl_models.catalog.schema import Column, Table
from plugins.nl_models.semantic.inferring.measures import is_flag
from plugins.nl_models.semantic.inferring.star import Star, sql_name

_BOOLEANS = ("false", "true")
# MetricFlow keeps these words for itself.
_GRAINS = frozenset({"day", "week", "month", "quarter", "year", "hour", "minute", "second"})


class Dimensions:
    """Those of all tables. values: of the categorical ones, by (semantic model, dimension)."""

    def __init__(self, star: Star) -> None:
        self.star = star
        self.values: dict[tuple[str, str], tuple[str, ...]] = {}

    def of(self, table: Table) -> Iterator[dict[str, Any]]:
        """The dimensions of one table, as dbt writes them."""
        known = self._known(table)
        for column in table.columns.values():
            is_hidden = column.place in self.star.catalog.links or column == key(table) or _is_key(column)
            if is_hidden and column != known:
                continue
            label = self._label(table, column)
            if column.kind == "time":
                yield time_dimension(label, sql_name(column.name))
            elif column.kind in ("text", "boolean") or is_flag(column):
                name = sql_name(column.name)
                found = column.values or () if column.kind == "text" else _BOOLEANS
                self.values[(model_name(table), label)] = found
                expr = f"({name} = 1)" if column.kind == "number" else name
                yield {"name": label, "type": "categorical", "expr": expr, "description": column.description}

    def days(self, table: Table) -> dict[str, str]:
        """The time dimensions of a table, by the column that each is of."""
        columns = (column for column in table.columns.values() if column.kind == "time")
        return {column.name: self._label(table, column) for column in columns}

    def farther(self, table: Table) -> Iterator[dict[str, Any]]:
        """What MetricFlow does not join, looked up: the names of things that are more than two references away."""
        for other, told in self.star.farther(table):
            known = self._known(other)
            if known is None or known.kind != "text":
                continue
            label = far_label(self.star.entity(other), self._label(other, known))
            self.values[(model_name(table), label)] = known.values or ()
            yield {"name": label, "type": "categorical", "expr": told(sql_name(known.name)), "description": ""}

    def known_by(self, table: Table) -> str | None:
        """The dimension that people know a row by; of facts, only what is called its name."""
        column = self._known(table)
        return self._label(table, column) if column is not None and column.kind == "text" else None

    def _known(self, table: Table) -> Column | None:
        if not self.star.is_fact(table):
            return display(table)
        entity = self.star.entity(table)
        names = ("name", "title", "full_name", "display_name", f"{entity}_name", f"{entity}_title")
        # Other names that facts have are of other things: an order's customer name.
        return next((c for c in table.columns.values() if c.kind == "text" and c.name.lower() in names), None)

    def _label(self, table: Table, column: Column) -> str:
        """`category` for `category_name` and for `product_category`, where nothing else could be meant by it."""
        whole = _identifier(column.name)
        short = self._short(table, column)
        return short if len(self._tables_with[short]) == 1 and short not in _GRAINS else whole

    @cached_property
    def _tables_with(self) -> dict[str, set[tuple[str, str]]]:
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for table in self.star.tables.values():
            found[self.star.entity(table)].add((table.name, ""))
            for column in table.columns.values():
                found[_identifier(column.name)].add(column.place)
                found[self._short(table, column)].add(column.place)
        return found

    def _short(self, table: Table, column: Column) -> str:
        name = _identifier(column.name)
        if not self.star.is_fact(table):
            name = name.removeprefix(f"{self.star.entity(table)}_") or name
        return re.sub(r"(?<=\w)_name$", "", name)


def far_label(entity: str, known_by: str) -> str:
    """What the name of a thing is called as a dimension of what refers to it from afar."""
    return known_by if known_by == entity else f"{entity}_{known_by}"


def _identifier(name: str) -> str:
    """A column's name as MetricFlow takes one."""
    found = re.sub(r"_{2,}", "_", re.sub(r"\W+", "_", name.lower())).strip("_")
    return re.sub(r"(?<=\w)_flag$", "", found)


def _is_key(column: Column) -> bool:
    return bool(re.search(r"(^|_)(id|key|pk|fk|sk|uuid|hash)$", column.name.lower()))


def time_dimension(name: str, expr: str) -> dict[str, Any]:
    """A day, as dbt writes it."""
    parameters = {"time_granularity": "day", "validity_params": None}
    return {"name": name, "type": "time", "expr": expr, "is_partition": False, "type_params": parameters}


def model_name(table: Table) -> str:
    """What the semantic model of a table is called."""
    return _identifier(table.name.replace(".", "_"))
