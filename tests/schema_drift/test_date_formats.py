"""A second format of dates in rows that came later: those rows would be null, and are told."""

from __future__ import annotations

import pytest

from tests.schema_drift.small_bank import Bank, facts

DAY = "date '2024-01-01' + cast(i % 300 as integer)"
NEW = "insert into core.accounts select 2000 + i, 'Ann Lake', 5.5, 30, 'gold', 'region 1', null, null, {} from {}"


def _come(bank: Bank, seen: str, rows: int = 200) -> None:
    bank.sql(NEW.format(seen, f"range({rows}) as t(i)"))


def _written(*formats: str) -> str:
    """Days in these formats, one after the other."""
    branches = " ".join(
        f"when i % {len(formats)} = {n} then strftime({DAY}, '{one}')" for n, one in enumerate(formats)
    )
    return f"case {branches} end"


@pytest.mark.parametrize(("rows", "strange"), [(200, 100), (12, 6)])
def test_new_rows_in_a_second_format_are_told_with_examples(bank: Bank, rows: int, strange: int) -> None:
    _come(bank, _written("%Y-%m-%d", "%d/%m/%Y"), rows)
    change = bank.change()
    assert (change["kind"], change["severity"], change["before"]) == ("format_changed", "dangerous", ["seen"])
    assert (change["detail"]["format_before"], change["detail"]["format_after"]) == ("%d/%m/%Y", "%Y-%m-%d")
    said = facts(change, "format")
    assert f"{strange} of {rows} new or changed rows (`account_id` 2000 to {1998 + rows})" in said
    assert "`2024-01-01`" in said
    assert "2,000 of 2,000 values before" in said
    assert [one["column"] for one in change["restores"]] == ["seen"]


def test_days_that_may_be_months_are_asked_about_and_not_converted(bank: Bank) -> None:
    _come(bank, _written("%m/%d/%Y"))
    change = bank.change()
    assert (change["kind"], change["detail"]["format_after"]) == ("format_changed", "%m/%d/%Y")
    assert change["restores"] == []
    assert "`01/13/2024`" in change["question"]


def test_words_among_dates_are_told(bank: Bank) -> None:
    _come(bank, f"case when i % 10 = 0 then 'unknown' else strftime({DAY}, '%d/%m/%Y') end")
    change = bank.change()
    assert change["restores"] == []
    assert "20 of 200 new or changed rows" in facts(change, "format")
    assert "`unknown`" in facts(change, "format")


@pytest.mark.parametrize("seen", [_written("%d/%m/%Y"), "null", "''"])
def test_dates_in_the_format_of_before_and_none_at_all_are_no_drift(bank: Bank, seen: str) -> None:
    _come(bank, seen)
    assert bank.json("drift", "check")["changes"] == []


def test_two_rows_are_no_format(bank: Bank) -> None:
    _come(bank, f"case when i < 2 then 'soon' else strftime({DAY}, '%d/%m/%Y') end")
    assert bank.json("drift", "check")["changes"] == []


@pytest.mark.full
def test_the_patch_reads_both_formats(bank: Bank) -> None:
    _come(bank, _written("%Y-%m-%d", "%d/%m/%Y"))
    model, questions = bank.proposed("models/staging/stg_core__accounts.sql")
    assert "coalesce(strftime(try_strptime(seen, '%Y-%m-%d'), '%d/%m/%Y'), seen)" in model
    assert "100 of 200 new or changed rows" in " ".join(questions)
