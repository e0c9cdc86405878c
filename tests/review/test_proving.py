"""A proposal from a machine's files to a branch with evidence."""

from __future__ import annotations

import pytest
from dbt_shop import Shop

from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.review import Outcome
from plugins.review.proposals import Proposals
from plugins.review.proving import prove

STAGING = "models/staging/stg_customers.sql"


def test_evidence_body_and_branch(shop: Shop) -> None:
    before = shop.git("status", "--short"), shop.git("rev-parse", "HEAD")
    after = (shop.folder / STAGING).read_text().replace("country from", "country, left(name, 1) as initial from")
    proposal = shop.propose(STAGING, after, questions=("Is one letter enough?",))
    proven = prove(Project(shop.folder), load_settings(shop.folder), proposal)

    assert not proven.has_failed
    schema = [f for f in proven.proposal.evidence if f.kind == "schema"]
    assert [(f.subject, f.facts["added"]) for f in schema] == [("stg_customers", ["initial"])]
    assert [f.outcome for f in proven.proposal.evidence if f.kind == "guard"] == [Outcome.PASSED]
    assert "**Nothing failed" in proven.body
    assert f"- `{STAGING}` +1 −1" in proven.body
    assert "1. Is one letter enough?" in proven.body
    assert "confidence 0.90" in proven.body

    proposals = Proposals(load_settings(shop.folder))
    proposals.add(proven.proposal, proven.body)
    opened = proposals.open(proposal.id)
    assert opened.branch == proposal.branch
    assert "initial" in shop.git("show", f"{proposal.branch}:{STAGING}")
    assert (shop.git("status", "--short"), shop.git("rev-parse", "HEAD")) == before


def test_what_a_machine_may_not_write_is_never_compiled(shop: Shop) -> None:
    proposal = shop.propose("models/marts/evil.sql", "{{ run_query('drop table orders') }} select 1 as x")
    proven = prove(Project(shop.folder), load_settings(shop.folder), proposal)
    assert proven.has_failed
    assert proven.review is None
    assert "Refused before it was built" in proven.body
    assert "models/marts/evil.sql:1" in proven.body


@pytest.mark.full
def test_sql_that_reads_a_file_fails(shop: Shop) -> None:
    proposal = shop.propose("models/marts/passwords.sql", "select * from read_text('/etc/passwd')")
    proven = prove(Project(shop.folder), load_settings(shop.folder), proposal)
    assert proven.has_failed
    assert {"guard", "compile"} <= {f.kind for f in proven.proposal.evidence if f.outcome is Outcome.FAILED}
    assert "root:" not in proven.body
