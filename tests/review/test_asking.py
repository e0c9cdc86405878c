"""A proposal that changes no file and only asks: proven, opened, answered, closed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.review import Outcome, Proposal
from plugins.review.forge import Decision
from plugins.review.proposals import Proposals
from plugins.review.proving import Proven, prove
from tests.review.forge.world import AFTER, commit, git, make_project, proposal

QUESTION = "`orders.amount` means something else now: what?"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "checkout")


def _asked(project: Path) -> Proven:
    asked = proposal(git(project, "rev-parse", "HEAD"), changes=(), commits=(), questions=(QUESTION,))
    return prove(Project(project), load_settings(project), asked)


def _opened(project: Path) -> Proposal:
    proven = _asked(project)
    Proposals(load_settings(project)).add(proven.proposal, proven.body)
    Proposals(load_settings(project)).open(proven.proposal.id)
    return proven.proposal


def _decision(project: Path, asked: Proposal) -> Decision:
    return Proposals(load_settings(project)).status(asked).state.decision


def test_it_says_what_it_waits_for_and_that_nothing_was_checked(project: Path) -> None:
    proven = _asked(project)
    assert not proven.has_failed
    assert proven.review is None
    assert [finding.outcome for finding in proven.proposal.evidence] == [Outcome.NOT_CHECKED]
    assert "**No file is changed: it waits for your answers.**" in proven.body
    assert f"1. {QUESTION}" in proven.body
    assert "What this changes" not in proven.body
    assert "Refused" not in proven.body


def test_one_that_neither_changes_nor_asks_is_none(project: Path) -> None:
    with pytest.raises(ValidationError, match="changes a file or asks a question"):
        proposal(git(project, "rev-parse", "HEAD"), changes=(), commits=())


def test_its_branch_is_one_commit_without_a_file_and_is_the_same_when_opened_again(project: Path) -> None:
    asked = _opened(project)
    tip = git(project, "rev-parse", asked.branch)
    assert git(project, "log", "--format=%s", f"main..{asked.branch}") == asked.title
    assert git(project, "diff", "--stat", "main", asked.branch) == ""
    again = Proposals(load_settings(project)).open(asked.id)
    assert (again.tip, again.is_new) == (tip, False)
    assert _decision(project, asked) is Decision.OPEN


def test_it_stays_open_while_people_work_on_the_base(project: Path) -> None:
    asked = _opened(project)
    commit(project.parent, "analytics/models/orders.sql", AFTER)
    assert _decision(project, asked) is Decision.OPEN


def test_closed_it_is_closed_and_its_branch_is_gone(project: Path) -> None:
    asked = _opened(project)
    Proposals(load_settings(project)).close(asked.id, "undone upstream")
    assert git(project, "branch", "--list", asked.branch) == ""
    assert _decision(project, asked) is Decision.CLOSED


def test_answered_with_a_commit_and_merged_it_is_merged_as_edited(project: Path) -> None:
    asked = _opened(project)
    git(project.parent, "switch", "-q", asked.branch)
    commit(project.parent, "analytics/models/orders.sql", AFTER, "it is in pence")
    git(project.parent, "switch", "-q", "main")
    git(project.parent, "merge", "-q", "--no-ff", "-m", "merge", asked.branch)
    assert _decision(project, asked) is Decision.MERGED_EDITED


def test_merged_as_it_is_it_is_merged(project: Path) -> None:
    asked = _opened(project)
    git(project.parent, "merge", "-q", "--no-ff", "-m", "merge", asked.branch)
    assert _decision(project, asked) is Decision.MERGED


def test_squashed_into_an_empty_commit_it_is_merged(project: Path) -> None:
    asked = _opened(project)
    message = git(project, "log", "-1", "--format=%B", asked.branch)
    git(project.parent, "commit", "-q", "--allow-empty", "-m", message)
    assert _decision(project, asked) is Decision.MERGED


def test_once_it_has_an_answer_as_files_the_same_branch_carries_them(project: Path) -> None:
    asked = _opened(project)
    changed = proposal(asked.base, id=asked.id, questions=(QUESTION,))
    proposals = Proposals(load_settings(project))
    proposals.add(changed, "new body")
    assert not proposals.open(changed.id).is_new
    assert git(project, "show", f"{asked.branch}:analytics/models/orders.sql") + "\n" == AFTER
