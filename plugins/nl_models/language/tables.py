"""Queries of a form as a `Plan` over the catalog: every name and part that rendering relies on checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plugins.nl_models.catalog.schema import Catalog, Column, Table
from plugins.nl_models.language import form
from plugins.nl_models.language.bounds import Bounds
from plugins.nl_models.language.literals import Value, as_stored, is_missing, unmasked
from plugins.nl_models.language.naming import PlanError, Problems, resolve, shown
from plugins.nl_models.plan import (
    ColumnRef,
    Combined,
    Comparison,
    Condition,
    Literals,
    Measure,
    Ordering,
    Plan,
    Term,
)

_COMPARING = frozenset({"=", "!=", ">", ">=", "<", "<="})
_LIKE = frozenset({"contains", "starts with", "ends with"})
_NOWHERE = ColumnRef(table="", name="")


def to_plan(
    queries: tuple[form.Query, ...], catalog: Catalog, question: str, bounds: Bounds
) -> tuple[Plan, tuple[str, ...]]:
    """The plan of the first query, and what is to be noted. Raises PlanError that says all that is wrong."""
    reader = _Reader(catalog, question, bounds, {query.name: query for query in queries})
    if len(reader.queries) < len(queries):
        raise PlanError("two queries have one name", "give each a name of its own")
    plan = reader.query(queries[0], ())
    reader.problems.check()
    return plan, tuple(reader.notes)


@dataclass
class _Reader:
    catalog: Catalog
    question: str
    bounds: Bounds
    queries: Mapping[str, form.Query]
    problems: Problems = field(default_factory=Problems)
    notes: dict[str, None] = field(default_factory=dict)
    used: int = 0

    def query(self, query: form.Query, within: tuple[str, ...]) -> Plan:
        """One query with those that it refers to. within: names of those that it is a part of."""
        self._count(query.name, within)
        within = (*within, query.name)
        self._check_parts(query)
        other = self._other(query, within)
        return Plan(
            select=tuple(self.term(term) for term in query.select),
            distinct=query.distinct,
            tables=tuple(name for table in query.tables if (name := self._table_name(table))),
            where=self.all_of(query.where, within),
            group_by=tuple(self._column(column.table, column.column) for column in query.group_by),
            having=self.all_of(query.having, within),
            order_by=tuple(Ordering(by=self.term(o.term), descending=o.descending) for o in query.order_by),
            limit=query.limit or None,
            operator=query.combine if query.combine != "none" and other else None,
            other=other,
        )

    def _count(self, name: str, within: tuple[str, ...]) -> None:
        """Stops a query that is a part of itself, and few queries that unfold into many: at once, or never."""
        self.used += 1
        if name in within:
            raise PlanError(f"the query {shown(name)!r} is a part of itself", "refer to another query")
        if self.used > self.bounds.subqueries:
            raise PlanError(f"more than {self.bounds.subqueries} queries in one", "ask for less at once")

    def _check_parts(self, query: form.Query) -> None:
        if not query.select:
            self.problems.add("a query selects nothing")
        if not 0 <= query.limit <= self.bounds.limit:
            self.problems.add(f"a limit is between 1 and {self.bounds.limit:,}, or 0 for none")
        if query.combine != "none" and (query.order_by or query.limit):
            self.problems.add("a query that is combined with another has no order and no limit")

    def _other(self, query: form.Query, within: tuple[str, ...]) -> Plan | None:
        if query.combine == "none":
            return None
        other = self._named(query.combine_with, within)
        if other is not None and len(other.select) != len(query.select):
            self.problems.add("queries that are combined select as many columns each")
        return other

    def _named(self, name: str, within: tuple[str, ...]) -> Plan | None:
        if (query := self.queries.get(name)) is None:
            self.problems.unknown("query", name, self.queries)
            return None
        return self.query(query, within)

    def term(self, term: form.Term) -> Term:
        """A column, or an aggregate."""
        if term.function == "none":
            if term.distinct:
                self.problems.add("distinct is of an aggregate, or of a whole query")
            return self._column(term.table, term.column)
        if term.column:
            column = self._column(term.table, term.column)
            return Measure(function=term.function, column=column, distinct=term.distinct)
        if term.function != "count" or term.distinct:
            self.problems.add(f"{term.function} needs a column; only a plain count does without")
        return Measure(function="count", table=self._table_name(term.table) or None)

    def all_of(self, groups: form.AllOf, within: tuple[str, ...]) -> Condition | None:
        """Conditions in conjunctive form as a tree without branches of one part."""
        parts = [self._any_of(group, within) for group in groups if group]
        if len(parts) < 2:
            return parts[0] if parts else None
        return Combined(kind="all", parts=tuple(parts))

    def _any_of(self, group: form.AnyOf, within: tuple[str, ...]) -> Condition:
        parts = tuple(self._comparison(comparison, within) for comparison in group)
        return parts[0] if len(parts) == 1 else Combined(kind="any", parts=parts)

    def _comparison(self, comparison: form.Comparison, within: tuple[str, ...]) -> Comparison:
        left, operator = self.term(comparison.left), comparison.operator
        given = [bool(comparison.values), bool(comparison.right_column), bool(comparison.right_query)]
        if sum(given) != 1:
            self.problems.add(f"right of {operator!r} are values, or a column, or a query: one of them")
        right: Literals | ColumnRef | Plan
        if comparison.right_query:
            right = self._subquery(operator, comparison.right_query, within)
        elif comparison.right_column:
            right = self._column(comparison.right_table, comparison.right_column)
            if operator not in _COMPARING:
                self.problems.add(f"{operator!r} does not compare with a column")
        else:
            right = Literals(values=self._values(left, comparison))
        return Comparison(left=left, operator=operator, right=right)

    def _subquery(self, operator: str, name: str, within: tuple[str, ...]) -> Plan:
        plan = self._named(name, within) or Plan()
        if operator not in (*_COMPARING, "in", "not in"):
            self.problems.add(f"{operator!r} does not compare with a query")
        if len(plan.select) > 1:
            self.problems.add("a query on the right of a comparison selects one column")
        return plan

    def _values(self, left: Term, comparison: form.Comparison) -> tuple[str | int | float, ...]:
        operator, count = comparison.operator, len(comparison.values)
        if operator == "between" and count != 2:
            self.problems.add("'between' takes two values")
        elif operator not in ("between", "in", "not in") and count > 1:
            self.problems.add(f"{operator!r} takes one value")
        if operator in _LIKE and not all(isinstance(value, str) for value in comparison.values):
            self.problems.add(f"{operator!r} takes text")
        column = self._known(left) if isinstance(left, ColumnRef) else None
        stored = column.values if column is not None else None
        plain = [unmasked(value, self.question) for value in comparison.values]
        if operator not in ("=", "!=", "in", "not in"):
            return tuple(map(_written, plain))
        values = [as_stored(value, stored) for value in plain]
        if column is not None and operator in ("=", "in") and is_missing(values, stored):
            self.notes.setdefault(f"no row of {column.table} has any of the asked values in {column.name}")
        return tuple(map(_written, values))

    def _known(self, ref: ColumnRef) -> Column | None:
        table = self.catalog.tables.get(ref.table)
        return table.columns.get(ref.name) if table is not None else None

    def _table(self, name: str) -> Table | None:
        if (table := resolve(name, self.catalog.tables)) is None:
            self.problems.unknown("table", name, self.catalog.tables)
        return table

    def _table_name(self, name: str) -> str:
        table = self._table(name)
        return table.name if table is not None else ""

    def _column(self, table_name: str, name: str) -> ColumnRef:
        if (table := self._table(table_name)) is None:
            return _NOWHERE
        if (column := resolve(name, table.columns)) is None:
            self.problems.unknown(f"column of {table.name} called", name, table.columns)
            return _NOWHERE
        return ColumnRef(table=table.name, name=column.name)


def _written(value: Value) -> str | int | float:
    """Truth values as DuckDB casts them from text."""
    return str(value).lower() if isinstance(value, bool) else value
