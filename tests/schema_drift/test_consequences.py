"""How severe a change is for the project: by tests far from the source, and by whether models still build."""

from __future__ import annotations

import pytest

from tests.schema_drift.small_bank import FILES, Bank, facts

MARTS = "models/marts/_marts.yml"


def test_a_new_value_breaks_the_test_of_a_mart_that_it_reaches(bank: Bank) -> None:
    bank.sql("update core.accounts set kind = 'platinum' where account_id % 9 = 0")
    change = bank.change()
    assert (change["kind"], change["severity"]) == ("values_added", "breaking")
    refusing, _, doubtful = facts(change, "tests").partition("not accept them")
    assert f"`accepted_values_fct_accounts_kind_of_account__gold__silver__basic` ({MARTS})" in refusing
    assert "loud" not in refusing
    assert "fct_accounts_loud" in doubtful
    assert "fct_accounts_mixed" in doubtful
    assert "told" not in facts(change, "tests")

    after, questions = bank.proposed(MARTS)
    assert after == FILES[MARTS].replace("[gold, silver, basic]", "[gold, silver, basic, platinum]").strip()
    assert [one for one in questions if f"{MARTS}:8`" in one]
    assert [one for one in questions if f"{MARTS}:11`" in one and f"{MARTS}:14`" in one]
    assert not [one for one in questions if f"{MARTS}:17`" in one]


def test_a_value_that_only_transformed_columns_list_breaks_nothing(bank: Bank) -> None:
    text = FILES[MARTS].replace("[gold, silver, basic]", "[gold, silver, basic, platinum]")
    (bank.folder / MARTS).write_text(text)
    bank.sql("update core.accounts set kind = 'platinum' where account_id % 9 = 0")
    change = bank.change()
    assert change["severity"] == "informative"
    assert "may not accept them" in facts(change, "tests")


def test_one_row_breaks_a_test_that_lists_the_values_of_a_mart(bank: Bank) -> None:
    bank.sql("update core.accounts set region = 'region 77' where account_id = 4")
    assert not bank.json("drift", "check")["changes"]
    bank.sql("update core.accounts set kind = 'platinum' where account_id in (5, 9)")
    change = bank.change()
    assert (change["kind"], change["severity"]) == ("values_added", "breaking")
    assert (change["before"], change["detail"]) == (["kind"], {"added_values": ["platinum"]})
    assert facts(change, "values") == "2 of 2,000 rows hold values that none had before: `platinum`"
    assert f"`accepted_values_fct_accounts_kind_of_account__gold__silver__basic` ({MARTS})" in facts(
        change, "tests"
    )


def test_a_value_that_no_test_surely_gets_is_no_drift_in_one_row(bank: Bank) -> None:
    text = FILES[MARTS].replace("[gold, silver, basic]", "[gold, silver, basic, platinum]")
    (bank.folder / MARTS).write_text(text)
    bank.sql("update core.accounts set kind = 'platinum' where account_id = 5")
    assert not bank.json("drift", "check")["changes"]


def test_a_date_that_became_text_breaks_what_takes_dates_only(bank: Bank) -> None:
    bank.sql("alter table core.accounts alter opened_on type varchar using strftime(opened_on, '%Y-%m-%d')")
    change = bank.change()
    assert change["severity"] == "breaking"
    assert "`int_accounts__joined` (models/int_accounts__joined.sql) does not build" in facts(change, "build")
    assert "date_trunc" in facts(change, "build")


def test_a_date_that_became_text_is_dangerous_where_everything_builds(bank: Bank) -> None:
    bank.sql("alter table core.accounts alter closed_on type varchar using strftime(closed_on, '%Y-%m-%d')")
    change = bank.change()
    assert change["severity"] == "dangerous"
    assert not facts(change, "build")


@pytest.mark.full
def test_a_unit_is_called_by_the_project_and_said_where_it_is_described(bank: Bank) -> None:
    bank.sql(
        "update core.accounts set balance = balance * 100",
        "alter table core.accounts alter notice type double using notice / 24.0",
    )
    shown = " ".join(bank.smelt("drift", "check").stdout.split())
    assert "unit changed: balance (euros → cents), × 100" in shown
    assert "unit changed: notice (h → days), divided by 24" in shown
    assert "0.041" not in shown
    (proposal,) = bank.json("drift", "propose")["proposals"]
    diff = bank.git("diff", "-U0", "main", proposal["branch"])
    assert "+            description: Balance in cents at the end of the day." in diff
    assert "+            description: Notice to be given, in days." in diff
    assert "balance / 100.0" in diff
    assert "models/staging/_core__models.yml" not in proposal["files"]


@pytest.mark.full
def test_a_split_column_is_described_where_it_is_made_again(bank: Bank) -> None:
    bank.sql(
        "alter table core.accounts add column first_name varchar",
        "alter table core.accounts add column last_name varchar",
        "update core.accounts set first_name = split_part(holder, ' ', 1), last_name = split_part(holder, ' ', 2)",
        "alter table core.accounts drop column holder",
    )
    (proposal,) = bank.json("drift", "propose")["proposals"]
    diff = bank.git("diff", "-U0", "main", proposal["branch"])
    assert "pii" not in diff
    assert "First name, a part of what was `holder` (Full name, as on the card)." in diff
    assert "+      - name: holder\n+        description: Full name, as on the card." in diff
