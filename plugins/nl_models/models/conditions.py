"""Filters as SQL over one fact and what it is joined to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import DimensionFilter
from plugins.nl_models.models.cases import conditions_of
from plugins.nl_models.models.expressions import is_name, literal, on_table
from plugins.nl_models.models.ground import Ground
from plugins.nl_models.models.reaching import Hop, Reached, reach

_REFERENCE = re.compile(r"\{\{\s*(\w+)\(\s*(['\"])([\w]+)\2(?:\s*,\s*(['\"])\w+\4)?\s*\)\s*\}\}")

_VERBS = {"in": "is", "not in": "is not", "is null": "is unknown", "is not null": "is known"}


@dataclass(frozen=True)
class Condition:
    """conjuncts: all hold. paths: of the joins that it needs a row of, since nothing is null there.

    name: of the dimension, in words. comment: why it is there, if the SQL does not say it.
    """

    conjuncts: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...] = ()
    comment: str = ""


@dataclass
class Tables:
    """What one fact is joined to. joins: by the entities on the way; (alias, table of the left side, hop)."""

    ground: Ground
    model: str
    is_joined: bool = True
    joins: dict[tuple[str, ...], tuple[str, str, Hop]] = field(default_factory=dict)

    @property
    def fact(self) -> str:
        """The name of the fact's import."""
        return self.ground.of_model(self.model).name

    def reach(self, name: str) -> tuple[Reached, str]:
        """A dimension, and its expression with the tables of its columns; joins what it takes."""
        assert self.ground.layer is not None
        reached = reach(self.ground.layer, self.model, name)
        table = self.fact
        for length, hop in enumerate(reached.hops, 1):
            path = tuple(hop.entity for hop in reached.hops[:length])
            if path not in self.joins:
                self.joins[path] = (self._alias(hop, path), table, hop)
            table = self.joins[path][0]
        return reached, self.on(reached.expr, table)

    def on(self, expr: str, table: str | None = None) -> str:
        """An expression over the fact, or over a table that it is joined to."""
        return on_table(expr, (table or self.fact) if self.is_joined else None)

    def may_be_null(self, reached: Reached) -> bool:
        """Whether the dimension is unknown for some rows: by itself, or because a join finds nothing."""
        model = self.model
        for hop in reached.hops:
            if self.ground.may_be_null(model, hop.left):
                return True
            model = hop.to
        return self.ground.may_be_null(reached.model, reached.expr)

    def _alias(self, hop: Hop, path: tuple[str, ...]) -> str:
        name = self.ground.of_model(hop.to).name
        taken = {alias for alias, _, _ in self.joins.values()} | {self.fact}
        return name if name not in taken else f"{'_'.join(path)}_{name}"


def of_filter(part: DimensionFilter, tables: Tables) -> Condition:
    """A filter on a dimension."""
    reached, sql = tables.reach(part.dimension)
    path = tuple(hop.entity for hop in reached.hops)
    keeps_null = part.operator in ("not in", "is null")
    paths = () if keeps_null or not path else (path,)
    return Condition(_conjuncts(part, reached, sql, tables), paths, _comment(part, reached))


def of_template(template: str, tables: Tables, comment: str) -> Condition:
    """A filter of a metric, as its YAML has it."""
    paths: list[tuple[str, ...]] = []

    def replace(match: re.Match[str]) -> str:
        kind, name = match.group(1), match.group(3)
        if kind not in ("Dimension", "Entity", "TimeDimension"):
            raise SmeltError(
                f"a metric is filtered by {kind}(…), which has no model here", "ask for another metric"
            )
        reached, sql = tables.reach(name)
        if reached.hops:
            paths.append(tuple(hop.entity for hop in reached.hops))
        return sql if is_name(sql.replace(".", "_")) else f"({sql})"

    sql = " ".join(_REFERENCE.sub(replace, template).split())
    if "{{" in sql:
        raise SmeltError(f"the metric filter {template!r} cannot be read", "ask for another metric")
    # Only a plain dimension is sure to be false where the join finds nothing.
    is_plain = _REFERENCE.fullmatch(template.strip()) is not None or "not null" in sql
    return Condition((sql,), tuple(paths) if is_plain else (), comment)


def of_days(start: date | None, end: date | None, sql: str, data_type: str) -> Condition:
    """A time range. end: the first day behind it."""
    kind = "date" if data_type.upper() == "DATE" else "timestamp"
    bounds = [(">=", start), ("<", end)]
    return Condition(tuple(f"{sql} {sign} cast('{day}' as {kind})" for sign, day in bounds if day is not None))


def _conjuncts(part: DimensionFilter, reached: Reached, sql: str, tables: Tables) -> tuple[str, ...]:
    values = part.values
    operator = part.operator
    if operator == "in" and len(values) == 1:
        if isinstance(values[0], bool):
            return (sql if values[0] else f"not {sql}",)
        said = None if is_name(reached.expr) else conditions_of(reached.expr, values[0])
        if said is not None:
            path = tuple(hop.entity for hop in reached.hops)
            table = tables.joins[path][0] if path else None
            return tuple(tables.on(one, table) for one in said)
        return (f"{sql} = {literal(values[0])}",)
    listed = ", ".join(map(literal, values))
    if operator == "in":
        return (f"{sql} in ({listed})",)
    if operator == "not in":
        return (_excluding(sql, values, listed, tables.may_be_null(reached)),)
    if operator in ("is null", "is not null"):
        return (f"{sql} {operator}",)
    if operator == "contains":
        return (f"{sql} ilike {literal(f'%{values[0]}%')}",)
    if reached.kind == "time":
        return (f"cast({sql} as date) {operator} cast({literal(values[0])} as date)",)
    return (f"{sql} {operator} {literal(values[0])}",)


def _excluding(sql: str, values: tuple[str | bool | float, ...], listed: str, may_be_null: bool) -> str:
    """What is not known is not one of the values, so it stays."""
    if len(values) == 1:
        return f"{sql} is distinct from {listed}" if may_be_null else f"{sql} <> {listed}"
    return f"({sql} is null or {sql} not in ({listed}))" if may_be_null else f"{sql} not in ({listed})"


def _comment(part: DimensionFilter, reached: Reached) -> str:
    """The dimension's own words, where its SQL alone would leave a reader guessing."""
    if is_name(reached.expr) or not reached.description:
        return ""
    values = ", ".join(str(value) for value in part.values)
    only = f"only {reached.label.replace('_', ' ')} {values}: " if part.operator == "in" else f"{reached.label}: "
    return f"{only}{reached.description.strip().rstrip('.')}"


def words_of_filters(filters: tuple[DimensionFilter, ...]) -> Mapping[str, str]:
    """By dimension, what is asked of it, in words."""
    said = {}
    for part in filters:
        label = part.dimension.rpartition("__")[2].replace("_", " ")
        values = " or ".join(str(value) for value in part.values)
        verb = _VERBS.get(part.operator, part.operator)
        said[part.dimension] = f"{label} {verb} {values}".strip()
    return said
