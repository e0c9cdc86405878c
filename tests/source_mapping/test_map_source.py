"""`smelt map SOURCE` in a dbt project of somebody's: what is mapped, what is asked, and what people decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from ruamel.yaml import YAML
from sqlalchemy import create_engine, text

from tests.source_mapping.retailer import Retailer, columns_of


@pytest.fixture(scope="module")
def retailer(tmp_path_factory: pytest.TempPathFactory) -> Retailer:
    return Retailer.at(tmp_path_factory.mktemp("retailer"))


@pytest.fixture(scope="module")
def mapped(retailer: Retailer) -> dict[str, Any]:
    return retailer.map("--to", "marts")


def test_each_target_column_has_its_source_column(mapped: dict[str, Any]):
    found = {target: one["columns"] for target, one in columns_of(mapped, "contacts", "customers").items()}
    assert found == {
        "customer_id": ["CustNo"],
        "full_name": ["FirstName", "LastName"],
        "gender": ["Gndr"],
        "email": ["E-Mail"],
        "credit_limit": ["CreditLimitCents"],
        "signed_up_on": ["SignupDt"],
        "is_subscribed": ["Subscribed"],
    } | {"tier": found["tier"]}
    assert columns_of(mapped, "contacts", "customers")["tier"]["status"] == "question"


def test_values_become_what_the_entity_promises(retailer: Retailer, mapped: dict[str, Any]):
    sql = retailer.proposed("models/staging/crm/stg_crm__contacts.sql")
    query = sql.replace("{{ source('crm', 'contacts') }}", "crm.contacts")
    with duckdb.connect(str(retailer.folder / "retail.duckdb"), read_only=True) as con:
        row = con.execute(f"select * from ({query}) where customer_id = 5004").fetchone()
        names = [column[0] for column in con.description or ()]
    assert row is not None
    found = dict(zip(names, row, strict=True))
    assert (found["full_name"], found["gender"], found["email"]) == ("Bob Fox4", "male", "c4@example.com")
    assert str(found["credit_limit"]) == "1.48"
    assert (str(found["signed_up_on"]), found["is_subscribed"]) == ("2021-01-05", True)
    assert found["remarks"] == "note 4", "what the entity has no column for is staged under its own name"


def test_a_pull_request_shows_what_was_executed_and_asks_who_owns_the_entity(mapped: dict[str, Any]):
    assert mapped["failed"] is False
    assert mapped["url"].startswith("file://")
    body = Path(mapped["url"].removeprefix("file://")).read_text()
    assert "compiles and builds | ✅ passed" in body
    assert any("made of web.users already" in question for question in mapped["questions"])


def test_what_is_no_entity_yet_is_staged_and_what_its_names_say_is_never_run(
    retailer: Retailer, mapped: dict[str, Any]
):
    (tickets,) = [one for one in mapped["streams"] if one["stream"] == "tickets"]
    (entity,) = tickets["entities"]
    assert (entity["entity"], entity["is_new"]) == ("tickets", True)
    sql = retailer.proposed("models/staging/crm/stg_crm__tickets.sql")
    assert "id as ticket_id" in sql
    assert '"select"' in sql
    assert "env_var" not in sql


def test_a_status_of_which_enough_rows_were_seen_is_tested_and_stops_no_build(
    retailer: Retailer, mapped: dict[str, Any]
):
    tests = yaml_tests(retailer.proposed("models/staging/crm/stg_crm__tickets.yml"))
    accepted = {"arguments": {"values": ["closed", "open", "waiting"]}, "config": {"severity": "warn"}}
    assert tests["state"] == [{"accepted_values": accepted}]
    contacts = yaml_tests(retailer.proposed("models/staging/crm/stg_crm__contacts.yml"))
    assert "loyalty_class" not in contacts, "of what an entity has no column for nothing is promised"


def test_long_expressions_are_laid_out_over_short_lines(retailer: Retailer, mapped: dict[str, Any]):
    sql = retailer.proposed("models/staging/crm/stg_crm__contacts.sql")
    assert max(map(len, sql.splitlines())) <= 100
    assert "\n        case\n            when lower(trim" in sql


def yaml_tests(text: str) -> dict[str, Any]:
    """Tests of columns in a model's YAML."""
    (model,) = YAML(typ="safe").load(text)["models"]
    return {one["name"]: one["data_tests"] for one in model["columns"] if "data_tests" in one}


def test_what_people_decide_is_kept_and_recorded(retailer: Retailer, mapped: dict[str, Any]):
    path = retailer.folder / "sources/crm/mapping.yml"
    path.parent.mkdir(parents=True)
    text_of = retailer.proposed("sources/crm/mapping.yml")
    lines = text_of.splitlines()
    at = next(place for place, line in enumerate(lines) if line.strip() == "- target: email")
    lines[at + 2] = lines[at + 2].replace("E-Mail", "Remarks")
    path.write_text("\n".join(lines) + "\n")
    again = retailer.map("--to", "marts")
    email = columns_of(again, "contacts", "customers")["email"]
    assert (email["columns"], email["status"]) == (["Remarks"], "approved")
    assert again["proposal"] == mapped["proposal"], "the open proposal is brought up to date"
    with create_engine(f"sqlite:///{retailer.folder}/.smelt/ledger.db").connect() as connection:
        rows = connection.execute(text("select target, is_agreed from mapping_decisions")).fetchall()
    assert rows == [("email", 0)]


def test_a_source_that_is_not_there_is_named_with_those_that_are(retailer: Retailer):
    done = retailer.smelt("map", "crn")
    assert done.returncode == 1
    assert "no source 'crn'" in done.stderr
    assert "crm" in done.stderr
    assert "Traceback" not in done.stderr
