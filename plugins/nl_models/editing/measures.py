"""A metric becomes a column: its aggregate stands where the model adds up, and is handed on like others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlglot import exp

from plugins.core.errors import SmeltError
from plugins.nl_models.catalog.names import words_of
from plugins.nl_models.editing.layout import Item, Query, Select, Source
from plugins.nl_models.editing.putting import Draft, Putter, is_qualified
from plugins.nl_models.editing.tracing import Input, Target
from plugins.nl_models.editing.wanted import Wanted
from plugins.nl_models.models.expressions import columns_of, on_table
from plugins.nl_models.models.metrics import Calculation, take_apart
from plugins.nl_models.models.naming import metric_column, singular
from plugins.nl_models.semantic.layer import SemanticLayer

_PREFIXES = {"sum": "total", "avg": "average", "min": "lowest", "max": "highest"}
_UNITS = ("gbp", "eur", "usd", "chf", "jpy")


@dataclass
class MetricAdder:
    """Adds metrics to a draft. known: columns that the project has. types: of contracts, by new column."""

    draft: Draft
    layer: SemanticLayer
    known: frozenset[str]
    types: dict[str, str]

    def add(self, metric: str) -> str:
        """Add a metric; the name of its column. Raises SmeltError if the model can't give it."""
        tracer = self.draft.tracer
        name = metric_column(self.layer.metrics[metric], self.known)
        if name in tracer.outputs(tracer.top()):
            raise SmeltError(f"the model has {name} already", "ask for what it lacks")
        like = self._same_in_other_unit(name)
        if like is not None:
            return self._copy(like, name)
        calculation = take_apart(self.layer, metric)
        query, select = self._adding_up(calculation)
        sql = self._sql(calculation, select)
        return self._put(query, select, sql, name)

    def add_sibling(self, like: str, unit: str) -> str:
        """A column in another unit, as one that is there. Raises SmeltError if its inputs aren't kept in that."""
        return self._copy(like, _in_unit(like, unit))

    def add_aggregate(self, function: str, label: str) -> str:
        """A column that adds up another, or counts things. Raises SmeltError if no select does that."""
        tracer = self.draft.tracer
        found = [(query, select) for query, select in _with_queries(tracer.query) if select.is_aggregated]
        if len(found) != 1:
            raise SmeltError(
                "the model does not add up rows" if not found else "the model adds up rows in several places",
                "change it by hand",
            )
        query, select = found[0]
        source, column = self._counted(select, label) if function == "count" else self._summed(select, label)
        sql = f"{source.name}.{column}" if is_qualified(select) and column != "*" else column
        thing = singular(label.strip().replace(" ", "_"))
        name = f"{thing}_count" if function == "count" else f"{_PREFIXES[function]}_{column}"
        if name in tracer.outputs(tracer.top()):
            raise SmeltError(f"the model has {name} already", "ask for what it lacks")
        distinct = "distinct " if function == "count" and column != "*" else ""
        return self._put(query, select, f"{function}({distinct}{sql})", name)

    def _counted(self, select: Select, label: str) -> tuple[Source, str]:
        """What things are counted by: the rows of their table, or their key in another."""
        tracer = self.draft.tracer
        thing = words_of(label)
        for source in select.sources:
            names = [one.name for one in tracer.reads(tracer.target(source))]
            if (
                len(select.sources) == 1
                and any(words_of(n)[-len(thing) :] == thing for n in names)
                and len(names) == 1
            ):
                return source, "*"
        for source in select.sources:
            for name in tracer.outputs(tracer.target(source)):
                if words_of(name) == (*thing, "id"):
                    return source, name
        raise SmeltError(
            f"nothing that the model adds up is called {label}", "name a table or a column that it reads"
        )

    def _of_table(self, source: Source) -> list[str]:
        """Columns of the one table that a source passes on rows of."""
        target = self.draft.tracer.target(source)
        return [n.lower() for n in self.draft.tracer.reads(target)[0].types] if self._passes_on(target) else []

    def _summed(self, select: Select, label: str) -> tuple[Source, str]:
        tracer = self.draft.tracer
        found = [
            (source, name)
            for source in select.sources
            for name in dict.fromkeys([*tracer.outputs(tracer.target(source)), *self._of_table(source)])
            if words_of(name) == words_of(label)
        ]
        if len(found) != 1:
            raise SmeltError(
                f"which column {label} is, is not clear"
                if found
                else f"nothing that the model adds up is called {label}",
                "name a column that it reads",
            )
        source, column = found[0]
        if column not in tracer.outputs(tracer.target(source)):
            column = self._require(source, [column])[column]
        return source, column

    def _adding_up(self, calculation: Calculation) -> tuple[Query, Select]:
        """The one select that adds up rows of the metric's tables."""
        tracer = self.draft.tracer
        models = {self.layer.measures[leaf.measure].model for leaf in calculation.leaves}
        found = [
            (query, select)
            for query, select in _with_queries(tracer.query)
            if select.is_aggregated
            and all(
                self._source(select, model) is not None or self._has_parts(calculation, select) for model in models
            )
        ]
        if len(found) == 1:
            return found[0]
        name = calculation.metric.replace("_", " ")
        if not found:
            tables = " and ".join(sorted(self.layer.models[m].relation.rpartition(".")[2] for m in models))
            raise SmeltError(
                f"{name} is added up from {tables}, and no select of the model adds up rows of that",
                "ask for it in a model of its own, or join it by hand",
            )
        places = " and ".join(tracer.name(query) for query, _ in found)
        raise SmeltError(f"{name} could be added up in {places}", "say which one is meant")

    def _source(self, select: Select, model: str) -> Source | None:
        """The source of a select that hands on whole rows of a semantic model's table."""
        tracer = self.draft.tracer
        for source in select.sources:
            target = tracer.target(source)
            if isinstance(target, Input) or tracer.is_import(target) or self._passes_on(target):
                table = tracer.reads(target)[0]
                if table.semantic is not None and table.semantic.name == model:
                    return source
        return None

    def _passes_on(self, target: Target) -> bool:
        """Whether each row of a query is one of a single table."""
        tracer = self.draft.tracer
        if not isinstance(target, Query) or tracer.has_aggregate(target) or len(target.branches) != 1:
            return False
        sources = target.branches[0].sources
        inner = tracer.target(sources[0]) if len(sources) == 1 else None
        return isinstance(inner, Input) or tracer.is_import(inner) or self._passes_on(inner)

    def _require(self, source: Source, columns: Iterable[str]) -> dict[str, str]:
        """Have a query before hand on columns of its table; by column, what they are called there."""
        tracer = self.draft.tracer
        target = tracer.target(source)
        table = tracer.reads(target)[0]
        names = {}
        for column in columns:
            names[column] = column
            if isinstance(target, Query) and not tracer.is_import(target):
                names[column] = Putter(
                    self.draft, Wanted(table, column, column, (column,), (), table.name)
                ).put_into(target)
        return names

    def _has_parts(self, calculation: Calculation, select: Select) -> bool:
        """Whether a select has columns already for all that a metric is calculated from."""
        parts = calculation.parts.values()
        return bool(calculation.parts) and all(
            self._existing(part, select) is not None or self._leaf_sql(part, select) is not None for part in parts
        )

    def _existing(self, part: Calculation, select: Select) -> str | None:
        name = metric_column(self.layer.metrics[part.metric], self.known)
        item = next((i for i in select.items if not i.is_star and i.name == name), None)
        return _without_alias(item) if item is not None else None

    def _leaf_sql(self, part: Calculation, select: Select, *, is_written: bool = False) -> str | None:
        """The aggregate of a part; None if the select can't give it. is_written: whether it will be."""
        if part.leaf is None or part.leaf.filters:
            return None
        measure = self.layer.measures[part.leaf.measure]
        source = self._source(select, measure.model)
        if source is None:
            return None
        if measure.expr.strip() == "1" and measure.agg in ("sum", "count"):
            return "count(*)"
        table = self.draft.tracer.reads(self.draft.tracer.target(source))[0]
        columns = [column.lower() for column in columns_of(measure.expr)]
        if not {name.lower() for name in table.types}.issuperset(columns):
            return None
        is_rows = measure.agg == "count_distinct" and self._is_key(source, measure.expr)
        if is_rows:
            return "count(*)"
        names = self._require(source, columns) if is_written else {}
        expr = re.sub(r"\b\w+\b", lambda word: names.get(word.group().lower(), word.group()), measure.expr)
        sql = on_table(expr, source.name if is_qualified(select) else None)
        if measure.agg == "count_distinct":
            return f"count(distinct {sql})"
        if measure.agg == "sum_boolean":
            return f"sum(case when {sql} then 1 else 0 end)"
        return f"{ {'average': 'avg'}.get(measure.agg, measure.agg) }({sql})"

    def _is_key(self, source: Source, column: str) -> bool:
        """Whether a column identifies the rows of a source's table, so that counting it is counting them."""
        table = self.draft.tracer.reads(self.draft.tracer.target(source))[0]
        entities = table.semantic.entities if table.semantic is not None else {}
        return any(kind == "primary" and expr == column for kind, expr in entities.values())

    def _sql(self, calculation: Calculation, select: Select) -> str:
        if calculation.leaf is not None:
            sql = self._leaf_sql(calculation, select, is_written=True)
            if sql is None:
                raise SmeltError(
                    f"{calculation.metric.replace('_', ' ')} counts only some rows, or columns that are not read",
                    "ask for it in a model of its own",
                )
            return sql
        parts = {
            alias: self._existing(part, select) or self._sql(part, select)
            for alias, part in calculation.parts.items()
        }
        if not calculation.expr:
            return f"{parts['numerator']} / nullif({parts['denominator']}, 0)"
        return re.sub(
            r"\b\w+\b", lambda word: parts.get(word.group(), word.group()), " ".join(calculation.expr.split())
        )

    def _put(self, query: Query, select: Select, sql: str, name: str) -> str:
        pen = self.draft.pen
        same = [i.name for i in select.items if not i.is_star and _plain(_without_alias(i)) == _plain(sql)]
        if same:
            raise SmeltError(f"the model has it already: {same[0]}", "ask for what it lacks")
        index = max(
            (n for n, i in enumerate(select.items) if not i.is_star and i.is_aggregate),
            default=len(select.items) - 1,
        )
        neighbour = select.items[index].name
        is_top = self.draft.tracer.top().start == query.start
        sql = self._in_style(sql)
        text = self._typed(sql, name) if is_top else sql
        self.draft.edits += pen.insert_after(select.items, index, f"{text} {pen.cased('as')} {name}")
        if not is_top:
            self._hand_on(query, neighbour, name, is_ratio="/" in sql or sql.startswith("avg("))
        return name

    def _in_style(self, sql: str) -> str:
        """Functions in capitals where the file has them so."""
        if re.search(r"\b(?:SUM|COUNT|AVG|MIN|MAX)\(", self.draft.script.masked) is None:
            return sql
        return re.sub(r"\b(?:sum|count|avg|min|max|nullif|distinct)\b(?=\(| )", lambda m: m.group().upper(), sql)

    def _typed(self, sql: str, name: str) -> str:
        kind = self.types.get(name)
        if kind is None:
            return sql
        return f"{self.draft.pen.cased('cast')}({sql} {self.draft.pen.cased('as')} {kind})"

    def _hand_on(self, query: Query, neighbour: str, name: str, *, is_ratio: bool) -> None:
        """In every query that reads this one, beside the neighbour and as it is written there."""
        tracer, top = self.draft.tracer, self.draft.tracer.top()
        for reader, select in _with_queries(tracer.query):
            source = next((s for s in select.sources if tracer.target(s) is query), None)
            if source is None or all(item.is_star for item in select.items):
                if source is not None and reader.start != top.start:
                    self._hand_on(reader, neighbour, name, is_ratio=is_ratio)
                continue
            index = _handing_on(select, neighbour)
            if index is None:
                continue
            item = select.items[index]
            text = self._like(item, neighbour, name, is_last=reader.start == top.start, is_ratio=is_ratio)
            self.draft.edits += self.draft.pen.insert_after(select.items, index, text)
            if reader.start != top.start:
                self._hand_on(reader, item.name, name, is_ratio=is_ratio)

    def _like(self, item: Item, neighbour: str, name: str, *, is_last: bool, is_ratio: bool) -> str:
        """A neighbour's expression with another column in it."""
        text = self.draft.script.unmasked(_without_alias(item))
        is_plain = isinstance(item.tree.this if isinstance(item.tree, exp.Alias) else item.tree, exp.Column)
        column = next(c for c in item.tree.find_all(exp.Column) if c.name.lower() == neighbour)
        new = f"{column.table}.{name}" if column.table else name
        if is_plain or is_ratio:
            # A ratio of nothing is not zero.
            text = new
        else:
            text = re.sub(
                rf"(?:\b{re.escape(column.table)}\.)?\b{re.escape(column.name)}\b"
                if column.table
                else rf"\b{re.escape(column.name)}\b",
                new,
                text,
            )
        kind = self.types.get(name) if is_last else None
        cast = re.fullmatch(r"(?is)cast\((.*) as [^()]*(\([^()]*\))?\)", text)
        if cast:
            text = self._typed(cast[1], name) if kind else cast[1] if is_last else text
        elif kind:
            text = self._typed(text, name)
        return text if text.rpartition(".")[2] == name else f"{text} {self.draft.pen.cased('as')} {name}"

    def _same_in_other_unit(self, name: str) -> str | None:
        """A column of the model that is the same in another unit."""
        unit = name.rpartition("_")[2]
        if unit not in _UNITS:
            return None
        outputs = self.draft.tracer.outputs(self.draft.tracer.top())
        return next((o for u in _UNITS for o in outputs if o == _in_unit(name, u) and u != unit), None)

    def _copy(self, like: str, name: str) -> str:
        """The chain of a column once more, with every name in the other unit."""
        old, new = like.rpartition("_")[2], name.rpartition("_")[2]
        tracer = self.draft.tracer
        pending, seen = [(tracer.top(), like)], set()
        while pending:
            query, column = pending.pop()
            if (query.start, column) in seen:
                continue
            seen.add((query.start, column))
            for select in query.branches:
                pending += self._copy_item(select, column, old, new)
        return name

    def _copy_item(self, select: Select, column: str, old: str, new: str) -> list[tuple[Query, str]]:
        tracer = self.draft.tracer
        index = next((n for n, i in enumerate(select.items) if not i.is_star and i.name == column), None)
        further: list[tuple[Query, str]] = []
        inner = list(select.items[index].tree.find_all(exp.Column)) if index is not None else [exp.column(column)]
        for one in inner:
            if not one.name.lower().endswith(f"_{old}"):
                continue
            source = tracer.source_of(select, one)
            target = tracer.target(source) if source is not None else None
            other = _in_unit(one.name.lower(), new)
            if other in tracer.outputs(target):
                continue
            if not isinstance(target, Query):
                raise SmeltError(
                    f"there is no {other} beside {one.name}", f"ask for a unit that {one.name} is kept in"
                )
            further.append((target, one.name.lower()))
        if index is not None:
            item = select.items[index]
            text = re.sub(rf"_{old}\b", f"_{new}", self.draft.script.unmasked(item.sql))
            if text == self.draft.script.unmasked(item.sql):
                raise SmeltError(f"{column} is not made from anything in {old.upper()}", "change it by hand")
            self.draft.edits += self.draft.pen.insert_after(select.items, index, text)
        return further


def _plain(sql: str) -> str:
    return "".join(sql.lower().split())


def _in_unit(name: str, unit: str) -> str:
    return f"{name.rpartition('_')[0]}_{unit.lower()}"


def _without_alias(item: Item) -> str:
    tree = item.tree
    if not isinstance(tree, exp.Alias):
        return item.sql
    return re.sub(rf"(?is)\s+(as\s+)?\"?{re.escape(tree.alias)}\"?\s*$", "", item.sql)


def _handing_on(select: Select, column: str) -> int | None:
    for index, item in enumerate(select.items):
        if not item.is_star and any(c.name.lower() == column for c in item.tree.find_all(exp.Column)):
            return index
    return None


def _with_queries(query: Query) -> list[tuple[Query, Select]]:
    found: list[tuple[Query, Select]] = []
    for inner in query.ctes.values():
        found += _with_queries(inner)
    for branch in query.branches:
        for source in branch.sources:
            if source.query is not None:
                found += _with_queries(source.query)
        found.append((query, branch))
    return found
