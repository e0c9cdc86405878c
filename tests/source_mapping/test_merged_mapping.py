"""A mapping that was merged: what its staging models make of the source stays, whatever mapping.yml lacks."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from typing import Any

import duckdb
import pytest
from ruamel.yaml import YAML

from tests.source_mapping.retailer import Retailer, columns_of

TICKETS = "models/staging/crm/stg_crm__tickets.sql"
CONTACTS = "models/staging/crm/stg_crm__contacts.sql"
MAPPING = "sources/crm/mapping.yml"


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Retailer:
    """Mapped and merged; then the source begins to hold finer and longer values than it did."""
    retailer = Retailer.at(tmp_path_factory.mktemp("merged"))
    _run(retailer, "alter table crm.tickets add column fee varchar", "update crm.tickets set fee = id || '.50'")
    retailer.map("--to", "marts")
    (branch,) = retailer.git("branch", "--list", "smelt/mapping/*").split()
    retailer.git("merge", "-q", branch)
    retailer.git("branch", "-d", branch)
    _run(retailer, "update crm.tickets set fee = id || '.12345'", "update crm.contacts set \"Remarks\" = '7'")
    return retailer


def _run(retailer: Retailer, *statements: str) -> None:
    with duckdb.connect(str(retailer.folder / "retail.duckdb")) as con:
        for sql in statements:
            con.execute(sql)


def _again(
    retailer: Retailer, change: Callable[[dict[str, dict[str, Any]]], None] | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """What `smelt map` says once the entries of tickets are changed, or all of mapping.yml is gone; and the
    staging models that it proposes then.
    """
    path = retailer.folder / MAPPING
    document = YAML(typ="safe").load(path.read_text())
    path.unlink()
    if change is not None:
        (entity,) = document["streams"][1]["entities"]
        entries = {one["target"]: one for one in entity["columns"]}
        change(entries)
        entity["columns"] = list(entries.values())
        written = StringIO()
        YAML().dump(document, written)
        path.write_text(written.getvalue())
    found = retailer.map("--to", "marts")
    texts = {
        name: retailer.proposed(name) if name in found["files"] else (retailer.folder / name).read_text()
        for name in (TICKETS, CONTACTS)
    }
    retailer.git("checkout", "-q", "--", MAPPING)
    return found, texts


def test_without_mapping_yml_the_merged_models_stand(merged: Retailer):
    before = {name: (merged.folder / name).read_text() for name in (TICKETS, CONTACTS)}
    assert "decimal(" in before[TICKETS]
    found, after = _again(merged, None)
    assert after == before
    email = columns_of(found, "contacts", "customers")["email"]
    assert email["evidence"].startswith("as in stg_crm__contacts, which is merged")
    assert columns_of(found, "contacts", "customers")["tier"]["status"] == "question", "that was open, and is"


def test_an_entry_that_was_taken_out_is_not_drafted_from_the_sample(merged: Retailer):
    before = (merged.folder / TICKETS).read_text()
    assert _again(merged, lambda entries: entries.pop("fee"))[1][TICKETS] == before


def test_what_a_person_decides_is_done_all_the_same(merged: Retailer):
    found, after = _again(merged, lambda entries: entries["fee"].pop("expression"))
    fee = columns_of(found, "tickets", "tickets")["fee"]
    assert (fee.get("expression", ""), fee["status"]) == ("", "approved")
    assert re.search(r"^ +fee,?$", after[TICKETS], re.MULTILINE), "the column as it is"
    text = after[TICKETS].partition("---------- text")[2].partition("----------")[0]
    assert "fee" in text, "and of the type that it is of"
