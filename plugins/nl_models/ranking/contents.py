"""What a plan names, its subqueries included: columns, tables, values, and the constructs that it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from plugins.nl_models.plan import ColumnRef, Comparison, Condition, Literals, Measure, Plan, Term


@dataclass
class Contents:
    """columns, tables, values: all that are named. constructs: how often each kind of turn occurs."""

    columns: set[tuple[str, str]] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    values: set[str | float] = field(default_factory=set)
    constructs: dict[str, int] = field(default_factory=dict)

    def count(self, construct: str, times: int = 1) -> None:
        """One more of a construct."""
        self.constructs[construct] = self.constructs.get(construct, 0) + times


def contents(plan: Plan) -> Contents:
    """Everything that a plan names."""
    found = Contents()
    _add(plan, found)
    return found


def _add(plan: Plan, found: Contents) -> None:
    found.tables.update(plan.tables)
    terms: list[Term] = [*plan.select, *plan.group_by, *(order.by for order in plan.order_by)]
    for term in terms:
        _term(term, found)
    for condition in (plan.where, plan.having):
        for comparison in comparisons(condition):
            _comparison(comparison, found)
    found.count("aggregates", sum(isinstance(term, Measure) for term in plan.select))
    found.count("groups", bool(plan.group_by))
    found.count("having", plan.having is not None)
    found.count("extremes", bool(plan.order_by and plan.limit))
    found.count("orders", bool(plan.order_by and not plan.limit))
    found.count("distinct", plan.distinct)
    found.count("alternatives", _has_any(plan.where))
    if plan.limit is not None:
        found.values.add(float(plan.limit))
    if plan.operator is not None and plan.other is not None:
        found.count("sets")
        _add(plan.other, found)


def _comparison(comparison: Comparison, found: Contents) -> None:
    _term(comparison.left, found)
    right = comparison.right
    found.count("conditions")
    found.count("comparisons", comparison.operator in (">", ">=", "<", "<=", "between"))
    found.count("negations", comparison.operator in ("!=", "not in", "is null"))
    if isinstance(right, Plan):
        found.count("subqueries")
        _add(right, found)
    elif isinstance(right, Literals):
        for value in right.values:
            found.values.add(value.lower() if isinstance(value, str) else float(value))
    else:
        _term(right, found)


def _term(term: Term, found: Contents) -> None:
    column = term if isinstance(term, ColumnRef) else term.column
    found.count("distinct", isinstance(term, Measure) and term.distinct)
    if column is not None:
        found.columns.add((column.table, column.name))
        found.tables.add(column.table)
    elif isinstance(term, Measure) and term.table is not None:
        found.tables.add(term.table)


def comparisons(condition: Condition | None) -> Iterator[Comparison]:
    """All comparisons of a condition."""
    if isinstance(condition, Comparison):
        yield condition
    elif condition is not None:
        for part in condition.parts:
            yield from comparisons(part)


def _has_any(condition: Condition | None) -> bool:
    if condition is None or isinstance(condition, Comparison):
        return False
    return condition.kind == "any" or any(_has_any(part) for part in condition.parts)
