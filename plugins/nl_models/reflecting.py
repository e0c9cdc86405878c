"""Whether a plan over tables does something with all that a question says.

A plan may read well and still leave out what turns the question around: a "never", an average, a month. How sure a
planner is does not tell, since it does not know what it did not understand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plugins.nl_models.catalog.names import lemma
from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.linking import Chunk
from plugins.nl_models.plan import ColumnRef, Combined, Comparison, Condition, Literals, Measure, Plan
from plugins.nl_models.semantic.request import Request
from plugins.nl_models.semantic.vocabulary import split

# Chunks that name something; what they name must be in the plan. Others are cues, which are looked at one by one.
_NAMING = frozenset({"word", "table", "column", "value"})
_NEGATIVE = frozenset({"!=", "not in", "is null"})


def reflects(plan: Plan, said: str, chunks: Sequence[Chunk], request: Request) -> bool:
    """Whether nothing of the question is left out.

    said: the plan in words. request: what metrics made of it, whose doubts are words that mean nothing to them.
    """
    kinds = {chunk.kind for chunk in chunks}
    words = {lemma(word) for word in split(said)}
    if any(_is_left_out(doubt, chunks, words) for text in request.doubts for doubt in split(text)):
        return False
    if "NOT" in kinds and not _is_negative(plan):
        return False
    if "AVG" in kinds and "avg" not in _functions(plan):
        return False
    is_extreme = any(chunk.kind == "adjective" and chunk.text.lower().endswith("est") for chunk in chunks)
    if (is_extreme or kinds & {"MOST", "LEAST"}) and not _is_ranked(plan):
        return False
    if any(part.limit is not None and not part.order_by for part in _plans(plan)):
        # Some of them, in no order: nobody asks for that.
        return False
    if plan.group_by and sum(isinstance(term, ColumnRef) for term in plan.select) < len(request.groups):
        return False
    if (
        (request.groups or request.missing or request.order_metric)
        and request.metrics
        and not plan.group_by
        and not _is_told_by(plan, request)
    ):
        # Figures by something are no list of it.
        return False
    if any(group.is_time for group in request.groups) and not plan.group_by:
        return False
    return all(_has_number(plan, chunk.number) for chunk in chunks if chunk.kind == "number" and chunk.number)


def counts_each_once(plan: Plan, catalog: Catalog) -> bool:
    """Whether things are ranked by how many rows each of them is: one, whatever was meant to be counted."""
    ranked = {order.by.table for order in plan.order_by if isinstance(order.by, Measure) and not order.by.column}
    return any(
        column.table in ranked and catalog.column(column.table, column.name).is_unique for column in plan.group_by
    )


def _is_told_by(plan: Plan, request: Request) -> bool:
    """Whether what is ranked is all that the request is split by: one row of it is the answer."""
    return request.is_ranked and _is_ranked(plan) and not _functions(plan)


def _is_left_out(doubt: str, chunks: Sequence[Chunk], words: set[str]) -> bool:
    about = [chunk for chunk in chunks if doubt in split(chunk.text)]
    names = not about or any(chunk.kind in _NAMING for chunk in about)
    return names and lemma(doubt) not in words


def _plans(plan: Plan) -> Iterator[Plan]:
    """The plan, and all that are in it."""
    yield plan
    if plan.other is not None:
        yield from _plans(plan.other)
    for comparison in (*_comparisons(plan.where), *_comparisons(plan.having)):
        if isinstance(comparison.right, Plan):
            yield from _plans(comparison.right)


def _comparisons(condition: Condition | None) -> Iterator[Comparison]:
    if isinstance(condition, Combined):
        for part in condition.parts:
            yield from _comparisons(part)
    elif condition is not None:
        yield condition


def _every_comparison(plan: Plan) -> Iterator[Comparison]:
    for part in _plans(plan):
        yield from _comparisons(part.where)
        yield from _comparisons(part.having)


def _is_negative(plan: Plan) -> bool:
    if any(part.operator == "except" for part in _plans(plan)):
        return True
    # "no more than 3" is a comparison, "not in" a negation.
    return any(
        comparison.operator in _NEGATIVE or comparison.operator in ("<=", "<", ">=")
        for comparison in _every_comparison(plan)
    )


def _functions(plan: Plan) -> set[str]:
    terms = [term for part in _plans(plan) for term in (*part.select, *(order.by for order in part.order_by))] + [
        comparison.left for comparison in _every_comparison(plan)
    ]
    return {term.function for term in terms if isinstance(term, Measure)}


def _is_ranked(plan: Plan) -> bool:
    has_limit = any(part.limit is not None and part.order_by for part in _plans(plan))
    return has_limit or bool(_functions(plan) & {"max", "min"})


def _has_number(plan: Plan, number: float) -> bool:
    """Whether a number is compared with, or is how many rows are kept; a year may be a part of a day."""
    if any(part.limit == number for part in _plans(plan)):
        return True
    values = [
        value
        for comparison in _every_comparison(plan)
        if isinstance(comparison.right, Literals)
        for value in comparison.right.values
    ]
    return any(value == number or str(int(number)) in str(value) for value in values)
