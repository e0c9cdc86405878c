"""One fact of an analysis: filtered and joined to what its rows are grouped by, and what is summed over them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import TIME, Analysis, Dimension, DimensionFilter
from plugins.nl_models.models.conditions import Condition, Tables, of_days, of_filter, of_template
from plugins.nl_models.models.expressions import is_name
from plugins.nl_models.models.ground import Ground
from plugins.nl_models.models.house import Column, Group, Join, Select
from plugins.nl_models.models.metrics import Leaf
from plugins.nl_models.models.naming import Names
from plugins.nl_models.render.periods import earlier

_WORD = re.compile(r"[a-z][a-z ]{1,20}")


@dataclass(frozen=True)
class Fact:
    """models: semantic models that are read. source: what is aggregated, the step's name or the import's.

    step: filtered and joined; None where the import will do. keys: expressions over the source by output name.
    aggregates: SQL over the source. labels: names for them. certain: those that no group lacks. time: the
    dimension that buckets come from. nullable: keys that some row may lack.
    """

    model: str
    models: tuple[str, ...]
    source: str
    step: Select | None
    keys: Mapping[str, Column]
    aggregates: Mapping[Leaf, str]
    labels: Mapping[Leaf, str]
    certain: frozenset[Leaf]
    time: str
    nullable: frozenset[str]


@dataclass
class FactBuilder:
    """Builds the fact of some aggregates that are counted by the same time column of one semantic model."""

    ground: Ground
    analysis: Analysis
    names: Names
    model: str
    time: str | None
    leaves: Sequence[Leaf]
    labels: Mapping[Leaf, str]
    comments: Mapping[tuple[str, str], str]

    def build(self) -> Fact:
        """The fact. Raises SmeltError if it can't be filtered or grouped as asked."""
        # Whether columns need a table before them is known once it is known what is joined.
        tables = Tables(self.ground, self.model)
        self._parts(tables)
        tables = Tables(self.ground, self.model, is_joined=bool(tables.joins))
        keys, conditions, values = self._parts(tables)
        where = [conjunct for condition in conditions for conjunct in condition.conjuncts]
        models = (self.model, *dict.fromkeys(hop.to for _, _, hop in tables.joins.values()))
        computed = [key for key in keys.values() if not is_name(key.sql.rpartition(".")[2])]
        if not (tables.joins or where or computed):
            aggregates = {leaf: self._aggregate(leaf, sql) for leaf, sql in values.items()}
            return self._fact(models, tables.fact, None, keys, aggregates)
        inputs = self._inputs(values)
        pairs = [(sql, name) for sql, name in inputs.values() if sql]
        named = [Column(sql, "" if sql.rpartition(".")[2] == name else name) for sql, name in pairs]
        columns = list({column.output: column for column in named}.values())
        step = Select(
            columns=(*keys.values(), *columns) or (Column("1", "row_number"),),
            source=tables.fact,
            joins=tuple(self._joins(tables, conditions)),
            where=tuple(where),
            comments=tuple(dict.fromkeys(c.comment for c in conditions if c.comment)),
        )
        behind = {name: Column(name, "", key.group) for name, key in keys.items()}
        aggregates = {leaf: self._aggregate(leaf, inputs[leaf][1]) for leaf in values}
        return self._fact(models, self._step_name(tables, conditions), step, behind, aggregates)

    def _fact(
        self,
        models: tuple[str, ...],
        source: str,
        step: Select | None,
        keys: Mapping[str, Column],
        aggregates: Mapping[Leaf, str],
    ) -> Fact:
        certain = frozenset(leaf for leaf in aggregates if self._is_certain(leaf))
        time, nullable = self.time or "", frozenset(self._nullable())
        return Fact(self.model, models, source, step, keys, aggregates, self.labels, certain, time, nullable)

    def _nullable(self) -> Iterator[str]:
        known = {part.dimension for part in self.analysis.filters if part.operator in ("in", "is not null")}
        tables = Tables(self.ground, self.model)
        for dimension in self.analysis.dimensions:
            if dimension.name not in {TIME, *known} and tables.may_be_null(tables.reach(dimension.name)[0]):
                yield self.names.dimensions[dimension.query_name]

    def _parts(self, tables: Tables) -> tuple[dict[str, Column], list[Condition], dict[Leaf, str]]:
        keys = self._keys(tables)
        conditions = [of_filter(part, tables) for part in self.analysis.filters]
        conditions += self._days(tables)
        shared = [t for t in self.leaves[0].filters if all(t in leaf.filters for leaf in self.leaves)]
        conditions += [of_template(one, tables, self._said(self.leaves[0], one)) for one in shared]
        values, rests = {}, []
        for leaf in self.leaves:
            own = [template for template in leaf.filters if template not in shared]
            rest = [of_template(template, tables, "") for template in own]
            conditions += [Condition((), (), self._said(leaf, template)) for template in own]
            rests.append(" and ".join(conjunct for condition in rest for conjunct in condition.conjuncts))
            values[leaf] = self._value(leaf, tables, rests[-1])
        if all(rests) and rests:
            either = " or ".join(f"({rest})" if " and " in rest else rest for rest in dict.fromkeys(rests))
            conditions.append(Condition((f"({either})" if " or " in either else either,)))
        return keys, conditions, values

    def _said(self, leaf: Leaf, template: str) -> str:
        return self.comments.get((self.labels[leaf], template), "")

    def _keys(self, tables: Tables) -> dict[str, Column]:
        """What rows are grouped by. The name of a thing stands beside its key, which alone tells things apart."""
        found = {}
        for dimension in self.analysis.dimensions:
            found[self.names.dimensions[dimension.query_name]] = self._key(dimension, tables)
            if dimension.shown_by:
                name = self.names.shown[dimension.query_name]
                _, sql = tables.reach(dimension.shown_by)
                found[name] = Column(sql, "" if sql.rpartition(".")[2] == name else name, "text")
        return found

    def _key(self, dimension: Dimension, tables: Tables) -> Column:
        output = self.names.dimensions[dimension.query_name]
        group: Group = "keys"
        if dimension.name == TIME:
            sql = self._bucket(self._time_sql(tables), self._time_type(), dimension.grain)
        else:
            reached, sql = tables.reach(dimension.name)
            if reached.kind == "time":
                kind = self.ground.of_model(reached.model).type_of(reached.expr)
                sql = self._bucket(sql, kind, dimension.grain)
        return Column(sql, "" if sql.rpartition(".")[2] == output else output, group)

    def _time_expr(self) -> str:
        if self.time is None or self.ground.layer is None:
            raise SmeltError(f"{self.model} has no time dimension", "ask without a period")
        dimensions = self.ground.layer.models[self.model].dimensions
        found = next((expr for name, _, expr, _ in dimensions if name == self.time), None)
        if found is None:
            raise SmeltError(f"{self.time} is no time dimension of {self.model}", "ask without a period")
        return found

    def _time_sql(self, tables: Tables) -> str:
        return tables.on(self._time_expr())

    def _time_type(self) -> str:
        return self.ground.of_model(self.model).type_of(self._time_expr())

    def _bucket(self, sql: str, data_type: str, grain: str | None) -> str:
        if grain in (None, "day"):
            return sql if data_type.upper() == "DATE" else f"cast({sql} as date)"
        quoted = sql.replace("'", "\\'")
        return f"cast({{{{ dbt.date_trunc('{grain}', '{quoted}') }}}} as date)"

    def _days(self, tables: Tables) -> list[Condition]:
        days, compared = self.analysis.time_range, self.analysis.comparison
        if days is None or (days.start is None and days.end is None):
            return []
        # What is compared with must be read too.
        start = earlier(days.start, compared) if days.start and compared else days.start
        return [of_days(start, days.end, self._time_sql(tables), self._time_type())]

    def _value(self, leaf: Leaf, tables: Tables, rest: str) -> str:
        """What is aggregated, under the leaf's own filter; "" counts rows."""
        assert self.ground.layer is not None
        measure = self.ground.layer.measures[leaf.measure]
        if measure.expr.strip() == "1" and measure.agg in ("sum", "count"):
            return f"case when {rest} then 1 end" if rest else ""
        sql = tables.on(measure.expr)
        if measure.agg == "sum_boolean":
            sql = f"case when {sql} then 1 else 0 end"
        return f"case when {rest} then {sql} end" if rest else sql

    def _inputs(self, values: Mapping[Leaf, str]) -> dict[Leaf, tuple[str, str]]:
        """By leaf, what the step selects for it and under which name."""
        named = {}
        for leaf, sql in values.items():
            column = sql.rpartition(".")[2]
            name = column if is_name(sql.replace(".", "_")) else self.labels[leaf]
            named[leaf] = (sql, name if sql else "")
        return named

    def _aggregate(self, leaf: Leaf, sql: str) -> str:
        assert self.ground.layer is not None
        agg = self.ground.layer.measures[leaf.measure].agg
        if not sql:
            return "count(*)"
        if agg == "count_distinct":
            return f"count(distinct {sql})"
        return f"{ {'average': 'avg', 'sum_boolean': 'sum'}.get(agg, agg) }({sql})"

    def _is_certain(self, leaf: Leaf) -> bool:
        """Whether every group of the fact has a value of it, so that nothing needs filling."""
        assert self.ground.layer is not None
        measure = self.ground.layer.measures[leaf.measure]
        counts = measure.agg in ("count", "count_distinct") or measure.expr.strip() == "1"
        shared = all(template in other.filters for other in self.leaves for template in leaf.filters)
        always = " else " in measure.expr or not self.ground.may_be_null(self.model, measure.expr)
        # Without groups there is one row, also of no rows at all.
        always = always and bool(self.analysis.dimensions)
        return measure.agg == "count_distinct" or (shared and (counts or always))

    def _joins(self, tables: Tables, conditions: Sequence[Condition]) -> list[Join]:
        needed = {path[:n] for c in conditions for path in c.paths for n in range(1, len(path) + 1)}
        joins = []
        for path, (alias, left, hop) in tables.joins.items():
            table = self.ground.of_model(hop.to).name
            on = f"{tables.on(hop.left, left)} = {tables.on(hop.right, alias)}"
            kind = "inner" if path in needed else "left"
            joins.append(Join(kind, table, (on,), alias if alias != table else ""))
        return joins

    def _step_name(self, tables: Tables, conditions: Sequence[Condition]) -> str:
        for part in self.analysis.filters:
            if word := _adjective(part):
                return f"{word}_{tables.fact}"
        if any(condition.conjuncts for condition in conditions):
            return f"selected_{tables.fact}"
        return f"joined_{tables.fact}" if tables.joins else f"dated_{tables.fact}"


def _adjective(part: DimensionFilter) -> str:
    """What a filter makes of the rows, in a word: `returning`; "" if no word says it."""
    if part.operator != "in" or len(part.values) != 1:
        return ""
    value = part.values[0]
    label = part.dimension.rpartition("__")[2]
    if value is True and label.startswith("is_"):
        return label.removeprefix("is_")
    return value.replace(" ", "_") if isinstance(value, str) and _WORD.fullmatch(value) else ""
