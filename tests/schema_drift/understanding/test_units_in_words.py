"""What a unit is called, and how its factor is written."""

from __future__ import annotations

import duckdb
import pytest

from plugins.schema_drift.factors import multiple, said
from plugins.schema_drift.understanding.recipes.units import currency_of, divided, known_unit


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("price_gbp", ("pounds", "pence")),
        ("amountEur", ("euros", "cents")),
        ("total_usd", ("dollars", "cents")),
        ("price", ("whole currency units", "minor units (such as cents)")),
        ("price_eur_usd", ("whole currency units", "minor units (such as cents)")),
        ("height", ("m", "cm")),
        ("saldo", ("units", "hundredths")),
    ],
)
def test_a_hundredfold_is_called_by_what_the_name_says(name: str, called: tuple[str, str]) -> None:
    unit, factor = known_unit(100.02, name)
    assert unit is not None
    assert ((unit.before, unit.after), factor) == (called, 100)
    back, _ = known_unit(0.01, name)
    assert back is not None
    assert (back.after, back.before) == called


def test_a_currency_is_told_by_one_that_is_spoken_of() -> None:
    assert currency_of("Balance in euros at the end of the day.") == ("euros", "cents")
    assert currency_of("List price in US cents, before tax") == ("dollars", "cents")
    assert currency_of("What was given to us, in cents") is None
    assert currency_of("Converted from dollars to euros.") is None
    assert currency_of("Balance.") is None


def test_a_factor_below_one_is_a_division() -> None:
    assert [said(one) for one in (100, 1 / 24, 0.041666667, 0.3048, -1.0)] == [
        "× 100", "divided by 24", "divided by 24", "× 0.3048", "× -1",
    ]  # fmt: skip
    assert multiple(1 / 24, "what it was") == "what it was divided by 24"
    assert divided(24, "double")(["x"]) == "cast(x / 24.0 as double)"
    assert divided(1 / 24, "double")(["x"]) == "cast(x * 24 as double)"
    assert duckdb.sql(f"select {divided(24, 'double')(['36'])}").fetchall() == [(1.5,)]
