"""What a source's descriptions say of a unit, once the values come in another one."""

from __future__ import annotations

import pytest

from plugins.schema_drift.change import Kind
from plugins.schema_drift.table import History
from tests.schema_drift.patching.documents.conftest import MODEL, Built, after_of, change, table

TABLE = table({"id": "bigint", "fee": "double"})
TEXT = """sources:
  - name: shop
    tables:
      - name: order_lines
        columns:
          - name: id
            description: In euros.
          - name: fee
            description: {}
models:
  - name: stg_lines
    columns:
      - name: fee
        description: Fee in euros, and in hours.
"""
CENTS = {"factor": 100, "unit_before": "euros", "unit_after": "cents"}
EUROS = {"factor": 0.01, "unit_before": "cents", "unit_after": "euros"}
DOLLARS = {"factor": 0.01, "unit_before": "cents", "unit_after": "dollars"}
DAYS = {"factor": 1 / 24, "unit_before": "h", "unit_after": "days"}


@pytest.mark.parametrize(
    ("says", "detail", "now"),
    [
        ("Fee in euros per month.", CENTS, "Fee in cents per month."),
        ("Fee (Euros).", CENTS, "Fee (Cents)."),
        ("'Fee in whole euros'", CENTS, "'Fee in whole cents'"),
        ("Fee in EUR.", CENTS, "Fee in EUR cents."),
        ("Fee.", CENTS, "Fee. In cents."),
        ("Fee, up to 100 euros", CENTS, "Fee, up to 100 euros. In cents."),
        ("Fee in euros, rounded in euros.", CENTS, "Fee in euros, rounded in euros. In cents."),
        ("List price in US cents, before tax.", DOLLARS, "List price in US dollars, before tax."),
        ("Total (US cents, USD).", DOLLARS, "Total (US dollars, USD)."),
        ("Fee in EUR cents.", EUROS, "Fee in EUR."),
        ("Fee in euro cents.", EUROS, "Fee in euros."),
        ("Notice in hours.", DAYS, "Notice in days."),
        ("Notice in h.", DAYS, "Notice in days."),
        ("Notice.", {"factor": 1 / 24}, "Notice. Given as what it was before divided by 24."),
        (
            "Fee in euros.",
            {**CENTS, "since_column": "day", "since": "date '2024-05-01'"},
            "Fee in euros. In cents from `day` 2024-05-01 on.",
        ),
    ],
)
def test_the_new_unit_is_said_where_the_old_one_was(says: str, detail: dict[str, object], now: str) -> None:
    patch = Built({"models/s.yml": TEXT.format(says)}, (TABLE,), (TABLE,), {MODEL: ["id", "fee"]}).patch(
        change(Kind.UNIT_CHANGED, ["fee"], ["fee"], detail=detail)
    )
    assert after_of(patch, "models/s.yml") == TEXT.format(now)


def test_where_older_rows_are_kept_their_unit_stays_said() -> None:
    kept = table({"id": "bigint", "fee": "double"}, History(since="loaded_at >= '2024-11-20 14:24:00'"))
    patch = Built({"models/s.yml": TEXT.format("Fee in euros.")}, (TABLE,), (kept,), {MODEL: ["fee"]}).patch(
        change(Kind.UNIT_CHANGED, ["fee"], ["fee"], detail=CENTS)
    )
    assert "Fee in euros. In cents since 2024-11-20 14:24:00." in after_of(patch, "models/s.yml")
