"""When two results are the same answer, and how sure the votes make it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from plugins.core.sql.guard import Result
from plugins.nl_models.language.voting import Votes, agree, confidence_of


def _result(rows: list[tuple[Any, ...]]) -> Result:
    width = len(rows[0]) if rows else 1
    return Result(tuple(f"c{n}" for n in range(width)), ("ANY",) * width, tuple(rows), False)


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ([(1, "a"), (2, "b")], [(2, "b"), (1, "a")], True),
        ([(1, "a"), (2, "b")], [("b", 2), ("a", 1)], True),
        ([(1, "a"), (2, "b")], [(1, "b"), (2, "a")], False),
        ([(1,), (1,), (2,)], [(1,), (2,), (2,)], False),
        ([(1, 2), (2, 1)], [(2, 1), (1, 2)], True),
        ([(1, 2), (2, 1), (3, 3)], [(1, 1), (2, 2), (3, 3)], False),
        ([(1, 2, 5), (2, 1, 6)], [(2, 5, 1), (1, 6, 2)], True),
        ([(1, 1)], [(1,)], False),
        ([(0.1 + 0.2,)], [(Decimal("0.3"),)], True),
        ([(2,)], [(2.0,)], True),
        ([(1,)], [(True,)], False),
        ([(None,)], [(0,)], False),
        ([(datetime(2024, 1, 1),)], [(date(2024, 1, 1),)], True),
        ([([1, {"a": 2}],)], [([1, {"a": 2}],)], True),
        ([], [], True),
        ([tuple(range(40))], [tuple(reversed(range(40)))], True),
        ([(1,) * 40, (2,) * 40], [(1,) * 40, (2,) * 40], True),
        ([(1, 2) * 20, (2, 1) * 20, (1, 1) * 20], [(1, 2) * 20, (2, 2) * 20, (1, 1) * 20], False),
    ],
)  # fmt: skip
def test_agreement(one: list[tuple[Any, ...]], two: list[tuple[Any, ...]], same: bool) -> None:
    assert agree(_result(one), _result(two)) is same
    assert agree(_result(two), _result(one)) is same


@pytest.mark.parametrize("asked", range(1, 10))
def test_only_another_planner_makes_it_nine_tenths_sure(asked: int) -> None:
    alone = [confidence_of(Votes(agreeing, asked), False) for agreeing in range(1, asked + 1)]
    assert alone == sorted(alone)
    assert max(alone) < 0.9
    assert all(alone[n - 1] < confidence_of(Votes(n, asked), True) < 1 for n in range(1, asked + 1))
