"""A source whose columns are called as SQL's own words is mapped, staged and built as any other."""

from __future__ import annotations

import duckdb
import pytest

from tests.source_mapping.retailer import Retailer, columns_of

_TICKETS = """
alter table crm.tickets add column "user" varchar;
alter table crm.tickets add column "order" varchar;
alter table crm.tickets add column "group" varchar;
alter table crm.tickets add column "end" varchar;
alter table crm.tickets add column "current_date" varchar;
update crm.tickets set "user" = 'ann ' || id, "order" = 'O-' || id, "group" = 'g' || id % 7,
    "end" = cast(date '2024-01-01' + cast(id as integer) as varchar),
    "current_date" = strftime(date '2024-01-01' + cast(id as integer), '%d.%m.%Y');
alter table crm.contacts add column "user" varchar;
update crm.contacts set "user" = 'u' || "CustNo";
"""


@pytest.fixture(scope="module")
def retailer(tmp_path_factory: pytest.TempPathFactory) -> Retailer:
    retailer = Retailer.at(tmp_path_factory.mktemp("reserved"))
    with duckdb.connect(str(retailer.folder / "retail.duckdb")) as con:
        con.execute(_TICKETS)
    return retailer


def test_columns_called_as_keywords_are_mapped_and_the_proposal_is_not_refused(retailer: Retailer):
    mapped = retailer.map("--to", "marts")
    assert mapped["failed"] is False
    assert mapped["url"], "the guard and the sandbox let it through"
    found = columns_of(mapped, "tickets", "tickets")
    assert {"ticket_user", "ticket_order", "ticket_group", "ticket_end", "ticket_current_date"} <= set(found)
    sql = retailer.proposed("models/staging/crm/stg_crm__tickets.sql")
    query = sql.replace("{{ source('crm', 'tickets') }}", "crm.tickets")
    with duckdb.connect(str(retailer.folder / "retail.duckdb"), read_only=True) as con:
        row = con.execute(
            f"select ticket_user, ticket_order, ticket_group, ticket_end, ticket_current_date from ({query}) "
            "where ticket_id = 3"
        ).fetchone()
    assert row is not None
    assert [str(value) for value in row] == ["ann 3", "O-3", "g3", "2024-01-04", "2024-01-04"]
    assert 'as "user"' in retailer.proposed("models/staging/crm/stg_crm__contacts.sql"), "its own name is kept"
