"""Several answers to one question, and which of them to trust: the one whose rows most of the others have too.

Agreement in execution is self-consistency (Wang et al. 2022) as it is used for SQL: two plans are the same answer
if they return the same rows, whatever they are written like.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any

from plugins.core.sql.guard import Result
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.language.trial import Tried
from plugins.nl_models.plan import Plan

# Without the other planner's agreement confidence stays below this.
_CAP = 0.89
# Orders of columns that are tried before two results count as different.
_MOST_ORDERS = 1_000


@dataclass(frozen=True)
class Votes:
    """agreeing: answers that are the one that was taken. asked: all that were asked for, failed ones too."""

    agreeing: int
    asked: int


@dataclass(frozen=True)
class ModelPlanned:
    """plan: None if the question is declined; question_back then says what is missing.

    confidence: 0..1, a prior made of the votes and not calibrated on any answers; see `confidence_of`.
    """

    plan: Plan | Analysis | None
    confidence: float
    question_back: str | None
    votes: Votes
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declined:
    """The model asks back."""

    question_back: str


def decide(answers: Sequence[Tried | Declined], asked: int, other: Result | None) -> ModelPlanned:
    """The answer that most agree on, of as many the first. other: the rows of another planner's answer, if any."""
    groups: list[list[Tried | Declined]] = []
    for answer in answers:
        group = next((group for group in groups if _is_same(group[0], answer)), None)
        if group is None:
            groups.append([answer])
        else:
            group.append(answer)
    won = max(groups, key=len)
    votes = Votes(len(won), asked)
    if isinstance(won[0], Declined):
        return ModelPlanned(None, 0.0, won[0].question_back, votes, (_told(votes, "ask back"),))
    agrees = other is not None and agree(won[0].result, other)
    notes = [_told(votes, "give these rows"), *won[0].notes]
    if other is not None:
        notes.append(f"the planner without a model gives {'the same' if agrees else 'other'} rows")
    return ModelPlanned(won[0].plan, confidence_of(votes, agrees), None, votes, tuple(notes))


def confidence_of(votes: Votes, other_agrees: bool) -> float:
    """Laplace's rule of succession over the votes, half of the doubt gone if another kind of planner agrees.

    A prior, for want of answers known to be right: 0.80 for 3 of 3, 0.60 for 2 of 3, 0.67 for 1 of 1.
    """
    share = min((votes.agreeing + 1) / (votes.asked + 2), _CAP)
    return round(1 - (1 - share) / 2 if other_agrees else share, 2)


def agree(one: Result, two: Result) -> bool:
    """Whether two results have the same rows as often, in any order, with columns in any order by any name."""
    if len(one.columns) != len(two.columns) or len(one.rows) != len(two.rows):
        return False
    left = [[_plain(value) for value in row] for row in one.rows]
    right = [[_plain(value) for value in row] for row in two.rows]
    wanted = Counter(map(tuple, left))
    return any(
        Counter(tuple(row[n] for n in order) for row in right) == wanted
        for order in islice(_orders(left, right, len(one.columns)), _MOST_ORDERS)
    )


def _orders(left: list[list[Any]], right: list[list[Any]], width: int) -> Iterator[tuple[int, ...]]:
    """Orders of the right columns in which each has the values of the left one at its place."""
    mine, theirs = (
        [frozenset(Counter(row[n] for row in rows).items()) for n in range(width)] for rows in (left, right)
    )
    if Counter(mine) != Counter(theirs):
        return

    # As many columns of a kind on both sides: whatever is chosen first, all find their place.
    def complete(chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(chosen) == width:
            yield chosen
            return
        for column in range(width):
            if column not in chosen and theirs[column] == mine[len(chosen)]:
                yield from complete((*chosen, column))

    yield from complete(())


def _plain(value: Any) -> Any:
    """A value such that equal ones of different types are equal: 2.50 and 2.5, a day and its midnight."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        # What sums differ in by their order is far behind the ninth digit.
        return f"{float(value):.9g}"
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value) if value is not None else None


def _is_same(one: Tried | Declined, two: Tried | Declined) -> bool:
    if isinstance(one, Tried) and isinstance(two, Tried):
        return one.sql == two.sql or agree(one.result, two.result)
    return type(one) is type(two)


def _told(votes: Votes, what: str) -> str:
    return f"{votes.agreeing} of {votes.asked} answers of the model {what}"
