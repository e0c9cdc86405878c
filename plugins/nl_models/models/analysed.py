"""An analysis as a query in house style: facts aggregated each for itself, then joined, then calculated with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import TIME, Analysis
from plugins.nl_models.models.after import add_steps, kept_dimensions, needs_steps, shown_columns
from plugins.nl_models.models.expressions import parse
from plugins.nl_models.models.facts import Fact, FactBuilder
from plugins.nl_models.models.ground import Ground
from plugins.nl_models.models.house import Column, Join, Query, Select
from plugins.nl_models.models.metrics import Calculation, Leaf, take_apart, time_column
from plugins.nl_models.models.naming import ADVERBS, Names, name_columns


@dataclass(frozen=True)
class Analysed:
    """query: not cast yet to the contract's types. keys: columns that identify a row. shown: the columns of the
    query that the semantic layer returns for `after.as_compared`, in its order. facts: what is aggregated."""

    query: Query
    keys: tuple[str, ...]
    shown: tuple[str, ...]
    facts: tuple[Fact, ...]
    names: Names
    time: str | None


@dataclass(frozen=True)
class AnalysisBuilder:
    """Builds the query of one analysis. known: columns that the project has. spine: its calendar's day column.

    types: of output columns that must be cast. is_incremental: whether it adds to what is there.
    """

    analysis: Analysis
    ground: Ground
    known: frozenset[str]
    spine: str | None

    def build(self, types: Mapping[str, str] | None = None, *, is_incremental: bool = False) -> Analysed:
        """The query. Raises SmeltError for what it cannot say."""
        facts, analysis = self.facts, self.analysis
        prepared = self._prepared(facts)
        steps = {fact.source: fact.step for fact in facts if fact.step is not None}
        if is_incremental:
            steps = {name: self._only_new(step, facts[0]) for name, step in steps.items()}
        if len(facts) > 1:
            steps |= {self._total_name(fact): self._total(fact) for fact in facts}
        if needs_steps(analysis):
            steps[self._metrics_name] = prepared
            nullable = frozenset().union(*(fact.nullable for fact in facts))
            steps |= add_steps(analysis, self.names, self._metrics_name, nullable)
        else:
            steps["final"] = prepared
        query = Query(self._imports(facts), _cast(steps, types or {}))
        return Analysed(query, self._keys, tuple(self._shown), facts, self.names, self._time)

    @cached_property
    def calculations(self) -> dict[str, Calculation]:
        """By metric."""
        assert self.ground.layer is not None
        return {name: take_apart(self.ground.layer, name) for name in self.analysis.metrics}

    @cached_property
    def names(self) -> Names:
        """What columns are called."""
        assert self.ground.layer is not None
        starts = {leaf.model: leaf.time for leaf in self._groups}
        return name_columns(self.analysis, self.ground.layer, starts, self.known, self.spine)

    @cached_property
    def _groups(self) -> dict[_Group, list[Leaf]]:
        layer = self.ground.layer
        assert layer is not None
        groups: dict[_Group, list[Leaf]] = {}
        for calculation in self.calculations.values():
            for leaf in calculation.leaves:
                group = _Group(layer.measures[leaf.measure].model, time_column(layer, leaf.measure) or "")
                groups.setdefault(group, [])
                if leaf not in groups[group]:
                    groups[group].append(leaf)
        return groups

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """One for each semantic model and the time column that is counted by."""
        return tuple(
            FactBuilder(
                self.ground,
                self.analysis,
                self.names,
                group.model,
                group.time or None,
                leaves,
                self._labels,
                self._comments,
            ).build()
            for group, leaves in self._groups.items()
        )

    @cached_property
    def _labels(self) -> dict[Leaf, str]:
        """What aggregates are called: as the metric that is nothing else, or by their part in another."""
        found: dict[Leaf, str] = {}

        def add(calculation: Calculation, longer: str) -> None:
            if calculation.leaf is not None and calculation.leaf not in found:
                found[calculation.leaf] = longer if calculation.metric in found.values() else calculation.metric
            for alias, part in calculation.parts.items():
                add(part, f"{calculation.metric}_{alias}")

        for metric, calculation in self.calculations.items():
            add(calculation, metric)
        return found

    @cached_property
    def _comments(self) -> dict[tuple[str, str], str]:
        """By metric and template of its filter, what the metric says of itself."""
        layer = self.ground.layer
        assert layer is not None
        found: dict[tuple[str, str], str] = {}
        for metric in layer.metrics.values():
            text = metric.description.strip().rstrip(".")
            for where in (metric.document.get("filter") or {}).get("where_filters", ()):
                said = f"{metric.name.replace('_', ' ')}: {text[:1].lower()}{text[1:]}"
                found[metric.name, where["where_sql_template"]] = said
        return found

    @property
    def _keys(self) -> tuple[str, ...]:
        return tuple(self.names.dimensions[d.query_name] for d in kept_dimensions(self.analysis))

    @property
    def _time(self) -> str | None:
        time = self.analysis.time
        return self.names.dimensions[time.query_name] if time is not None else None

    @property
    def _shown(self) -> Iterator[str]:
        for dimension in kept_dimensions(self.analysis):
            yield from self.names.of(dimension)
        yield from shown_columns(self.analysis, self.names)

    @cached_property
    def _metrics_name(self) -> str:
        time = self.analysis.time
        column = self.names.metrics[self.analysis.metrics[0]] if len(self.analysis.metrics) == 1 else "metrics"
        if time is not None and time.grain is not None:
            return f"{ADVERBS[time.grain]}_{column}"
        return f"{column}_by_{self._keys[0]}" if self._keys else f"total_{column}"

    def _imports(self, facts: Sequence[Fact]) -> dict[str, str]:
        models = dict.fromkeys(model for fact in facts for model in fact.models)
        inputs = [self.ground.of_model(model) for model in models]
        return {one.name: one.jinja for one in inputs}

    def _total_name(self, fact: Fact) -> str:
        name = self.ground.of_model(fact.model).name
        time = self.analysis.time
        if time is not None and time.grain is not None:
            return f"{ADVERBS[time.grain]}_{name}"
        return f"{name}_by_{self._keys[0]}" if self._keys else f"total_{name}"

    def _total(self, fact: Fact) -> Select:
        keys = tuple(fact.keys.values())
        columns = tuple(Column(sql, fact.labels[leaf]) for leaf, sql in fact.aggregates.items())
        return Select((*keys, *columns), fact.source, group_by=tuple(column.sql for column in keys))

    def _prepared(self, facts: Sequence[Fact]) -> Select:
        """The metrics by the dimensions, before anything is made of them."""
        if len(facts) == 1:
            fact = facts[0]
            values = {leaf: _filled(sql, leaf, leaf in fact.certain) for leaf, sql in fact.aggregates.items()}
            keys = tuple(fact.keys.values())
            columns = (*keys, *self._metric_columns(values))
            return Select(columns, fact.source, group_by=tuple(column.sql for column in keys))
        return self._joined(facts)

    def _joined(self, facts: Sequence[Fact]) -> Select:
        totals = [self._total_name(fact) for fact in facts]
        values = {
            leaf: _filled(f"{total}.{fact.labels[leaf]}", leaf, False)
            for fact, total in zip(facts, totals, strict=True)
            for leaf in fact.aggregates
        }
        names = set(self.names.shown.values())
        keys = [Column(_coalesced(name, totals), name, key.group) for name, key in facts[0].keys.items()]
        joins = []
        for number, total in enumerate(totals[1:], 1):
            on = [self._matching(key, totals[:number], total) for key in facts[0].keys if key not in names]
            joins.append(Join("full" if on else "cross", total, tuple(on)))
        return Select((*keys, *self._metric_columns(values)), totals[0], joins=tuple(joins))

    def _matching(self, key: str, before: Sequence[str], total: str) -> str:
        """Keys that are unknown on both sides are one group too."""
        dimension = next(d for d in self.analysis.dimensions if self.names.dimensions[d.query_name] == key)
        may_be_null = dimension.name != TIME
        sign = "is not distinct from" if may_be_null else "="
        return f"{_coalesced(key, before)} {sign} {total}.{key}"

    def _metric_columns(self, values: Mapping[Leaf, str]) -> Iterator[Column]:
        for metric, calculation in self.calculations.items():
            yield Column(_calculated(calculation, values), self.names.metrics[metric])

    def _only_new(self, step: Select, fact: Fact) -> Select:
        key = next(column for column in step.columns if column.output == self._time)
        condition = f"{key.sql} >= (select max({self._time}) from {{{{ this }}}})"
        comment = "the last bucket may have been incomplete: it is calculated again"
        return replace(step, only_new=condition, comments=(*step.comments, comment))


@dataclass(frozen=True)
class _Group:
    model: str
    time: str


def _coalesced(key: str, totals: Sequence[str]) -> str:
    names = [f"{total}.{key}" for total in totals]
    return names[0] if len(names) == 1 else f"coalesce({', '.join(names)})"


def _filled(sql: str, leaf: Leaf, is_certain: bool) -> str:
    return sql if leaf.fill is None or is_certain else f"coalesce({sql}, {leaf.fill})"


def _calculated(calculation: Calculation, values: Mapping[Leaf, str]) -> str:
    if calculation.leaf is not None:
        return values[calculation.leaf]
    parts = {name: _calculated(part, values) for name, part in calculation.parts.items()}
    if not calculation.expr:
        # What is filled with nothing would be null again.
        below = re.sub(r"^coalesce\((.*), 0\)$", r"\1", parts["denominator"])
        return f"cast({parts['numerator']} as double) / nullif({below}, 0)"
    return _substituted(calculation.expr, parts)


def _substituted(expr: str, parts: Mapping[str, str]) -> str:
    """An expression with its names replaced by what they stand for."""
    from sqlglot import exp

    text = expr.strip()
    columns = sorted(parse(text).find_all(exp.Column), key=lambda column: -column.this.meta["start"])
    for column in columns:
        if column.name not in parts:
            raise SmeltError(f"the derived metric uses {column.name}, which is none of its metrics", "correct it")
        part = parts[column.name]
        value = f"({part})" if " / " in part or " - " in part or " + " in part else part
        text = text[: column.this.meta["start"]] + value + text[column.this.meta["end"] + 1 :]
    return " ".join(text.split())


def _cast(steps: Mapping[str, Select], types: Mapping[str, str]) -> dict[str, Select]:
    """The columns of the last step with the types that they must have."""
    final = steps["final"]
    columns = tuple(
        replace(column, sql=f"cast({column.sql} as {types[column.output]})", name=column.output)
        if column.output in types
        else column
        for column in final.columns
    )
    return {**steps, "final": replace(final, columns=columns)}
