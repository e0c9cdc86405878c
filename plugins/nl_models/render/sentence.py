"""A plan as a sentence, for whoever has to see whether it is what was meant."""

from __future__ import annotations

from plugins.nl_models.catalog.names import table_words
from plugins.nl_models.plan import ColumnRef, Combined, Comparison, Condition, Literals, Plan, Term

_FUNCTIONS = {"sum": "total", "avg": "average", "min": "smallest", "max": "greatest"}
_OPERATORS = {
    "=": "is",
    "!=": "is not",
    ">": "over",
    ">=": "at least",
    "<": "under",
    "<=": "at most",
    "in": "among",
    "not in": "not among",
    "is null": "is missing",
    "is not null": "is not missing",
}
_SETS = {"union": "or", "intersect": "and also", "except": "but not"}


def to_sentence(plan: Plan) -> str:
    """What a plan asks for, in words: `Name of singer; where country of singer is "France"; the first 3`."""
    text = _phrases(plan)
    return text[:1].upper() + text[1:]


def _phrases(plan: Plan) -> str:
    what = ", ".join(map(_term, plan.select))
    parts = [f"different {what}" if plan.distinct else what]
    if plan.where is not None:
        parts.append(f"where {_condition(plan.where)}")
    groups = [column for column in plan.group_by if column not in plan.select]
    if groups:
        parts.append(f"for each {', '.join(map(_term, groups))}")
    if plan.having is not None:
        parts.append(f"with {_condition(plan.having)}")
    if plan.operator is not None and plan.other is not None:
        parts.append(f"{_SETS[plan.operator]} ({_phrases(plan.other)})")
    if plan.order_by:
        orders = [f"{_term(order.by)}{', greatest first' * order.descending}" for order in plan.order_by]
        parts.append(f"by {'; '.join(orders)}")
    if plan.limit is not None:
        parts.append("the first" if plan.limit == 1 else f"the first {plan.limit}")
    return "; ".join(parts)


def _term(term: Term) -> str:
    if isinstance(term, ColumnRef):
        return f"{_words(term.name)} of {_words(term.table)}"
    if term.column is None:
        return f"number of {_words(term.table)}" if term.table else "number of rows"
    if term.function == "count":
        return f"number of {'different ' * term.distinct}{_term(term.column)}"
    return f"{_FUNCTIONS[term.function]} {_term(term.column)}"


def _condition(condition: Condition) -> str:
    if isinstance(condition, Combined):
        word = " and " if condition.kind == "all" else " or "
        texts = [_condition(part) for part in condition.parts]
        pairs = zip(texts, condition.parts, strict=True)
        return word.join(f"({text})" if isinstance(part, Combined) else text for text, part in pairs)
    return f"{_term(condition.left)} {_compared(condition)}"


def _compared(condition: Comparison) -> str:
    right = condition.right
    operator = _OPERATORS.get(condition.operator, condition.operator)
    if isinstance(right, Literals):
        word = " and " if condition.operator == "between" else ", "
        return f"{operator} {word.join(_value(value) for value in right.values)}".rstrip()
    if isinstance(right, Plan):
        return f"{operator} the ({_phrases(right)})"
    return f"{operator} {_term(right)}"


def _value(value: str | int | float) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _words(name: str) -> str:
    return " ".join(table_words(name))
