"""Proposals as pull requests on GitHub and GitLab: opened once, kept up to date, never over a person's work."""

from __future__ import annotations

import pytest

from plugins.core.errors import SmeltError
from plugins.review import READY
from plugins.review.forge import Decision
from tests.review.forge.world import AFTER, BODY, World, commit, git


def _decision(world: World) -> tuple[Decision, str]:
    state = world.proposals.status(world.proposal).state
    return state.decision, state.detail


def test_opening_pushes_small_commits_and_makes_one_pull_request(world: World) -> None:
    opened = world.proposals.open(world.proposal.id)
    (pull,) = world.hub.pulls
    assert (pull.branch, pull.base, pull.title, pull.body) == (
        world.proposal.branch,
        "main",
        world.proposal.title,
        BODY,
    )
    assert opened.number == pull.number
    assert opened.tip == world.hub.tip(world.proposal.branch)
    assert world.hub.git("log", "--format=%an|%s", f"main..{opened.branch}").splitlines() == [
        "Smelt|Carry the new column amount",
        "Smelt|Add amount",
    ]
    assert world.hub.git("show", f"{opened.branch}:analytics/models/orders.sql") + "\n" == AFTER
    assert world.hub.git("ls-tree", "--name-only", opened.branch, "analytics/models/").splitlines() == [
        "analytics/models/orders.sql",
        "analytics/models/orders.yml",
    ]
    assert _decision(world) == (Decision.OPEN, "")


def test_opening_again_changes_nothing_and_a_newer_version_replaces_smelts_own_commits(world: World) -> None:
    first = world.proposals.open(world.proposal.id)
    again = world.proposals.open(world.proposal.id)
    assert (again.number, again.tip, again.is_new) == (first.number, first.tip, False)
    newer = world.proposal.model_copy(update={"title": "Carry amount, as a decimal"})
    world.proposals.add(newer, "new body")
    updated = world.proposals.open(newer.id)
    assert updated.number == first.number
    assert updated.tip != first.tip
    assert world.hub.tip(newer.branch) == updated.tip
    (pull,) = world.hub.pulls
    assert (pull.title, pull.body) == ("Carry amount, as a decimal", "new body")


READY_BODY = f"# What changed\n\n**The source has a new column. {READY}**\n"


def _newer(world: World, **files: str) -> None:
    """Store a newer version of the proposal, with other texts of these models."""
    changes = tuple(
        one.model_copy(update={"after": files.get(one.path.split("/")[-1].partition(".")[0], one.after)})
        if one.path.endswith(".sql") and one.after is not None
        else one
        for one in world.proposal.changes
    )
    world.proposals.add(
        world.proposal.model_copy(update={"changes": changes, "title": "Another title"}), READY_BODY
    )


def test_commits_of_a_person_stay_where_nothing_is_to_be_added(world: World) -> None:
    world.proposals.open(world.proposal.id)
    theirs = world.person_pushes()
    _newer(world)
    opened = world.proposals.open(world.proposal.id)
    assert world.hub.tip(opened.branch) == theirs
    assert "there is nothing to add" in opened.note
    (pull,) = world.hub.pulls
    assert "**Somebody has committed to this branch**: 1 commit" in pull.body
    assert "Ann: by a person" in pull.body
    command = f"smelt review --base {world.proposal.base[:10]} --head {opened.branch}"
    assert f"What follows was proven without it: review it, or run `{command}`" in pull.body
    assert "Ready to merge" not in pull.body
    assert _decision(world) == (Decision.OPEN, "somebody has added commits")


def test_what_is_new_is_merged_into_the_commits_of_a_person_again_and_again(world: World) -> None:
    world.proposals.open(world.proposal.id)
    theirs = world.person_pushes("analytics/models/answer.sql", "select 9 as mine\n")
    for amount in ("2 as total", "3 as total"):
        _newer(world, orders=f"select 1 as order_id, {amount}\n")
        opened = world.proposals.open(world.proposal.id)
        assert "what is new was added beside it" in opened.note
        assert world.hub.tip(opened.branch) == opened.tip
        assert world.hub.git("merge-base", theirs, opened.tip) == theirs
        assert amount in world.hub.git("show", f"{opened.branch}:analytics/models/orders.sql")
        assert "mine" in world.hub.git("show", f"{opened.branch}:analytics/models/answer.sql")
        assert world.hub.pulls[0].body.count("Somebody has committed to this branch") == 1
        assert "Ready to merge" not in world.hub.pulls[0].body
    world.hub.decide(world.hub.pulls[0], "merged")
    state = world.proposals.status(world.proposals.find(world.proposal.id).proposal).state
    assert (state.decision, state.detail) == (
        Decision.MERGED_EDITED,
        "edited before the merge: analytics/models/answer.sql",
    )


def test_where_both_change_the_same_lines_the_text_shows_what_would_be_added(world: World) -> None:
    world.proposals.open(world.proposal.id)
    theirs = world.person_pushes()
    _newer(world, orders="select 1 as order_id, 2 as total\n")
    opened = world.proposals.open(world.proposal.id)
    assert (opened.tip, world.hub.tip(opened.branch)) == (theirs, theirs)
    assert "Nothing was added" in opened.note
    (pull,) = world.hub.pulls
    assert "analytics/models/orders.sql" in pull.body.splitlines()[2]
    assert "+select 1 as order_id, 2 as total" in pull.body
    assert "this branch holds something else: it is not ready to merge" in pull.body
    assert READY not in pull.body
    again = world.proposals.open(world.proposal.id)
    assert again.tip == theirs
    assert world.hub.pulls[0].body.count("What would be added") == 1


def test_branch_of_that_name_that_smelt_never_made_is_left_alone(world: World) -> None:
    git(world.checkout, "branch", world.proposal.branch)
    git(world.checkout, "push", "-q", "origin", world.proposal.branch)
    with pytest.raises(SmeltError, match="has commits that Smelt did not make"):
        world.proposals.open(world.proposal.id)
    assert world.hub.tip(world.proposal.branch) == world.hub.tip("main")
    assert world.hub.pulls == []


def test_pull_request_that_is_there_already_is_adopted(world: World) -> None:
    tip = world.proposals.open(world.proposal.id).tip
    (world.project / "lake" / "ledger.db").unlink()  # as on another machine, without this ledger
    again = world.proposals.open(world.proposal.id)
    assert (again.tip, again.is_new, len(world.hub.pulls)) == (tip, False, 1)


@pytest.mark.parametrize("state", ["closed", "merged"])
def test_decided_pull_request_is_not_opened_a_second_time(world: World, state: str) -> None:
    world.proposals.open(world.proposal.id)
    world.hub.decide(world.hub.pulls[0], state)
    newer = world.proposal.model_copy(update={"title": "Another title"})
    world.proposals.add(newer, BODY)
    tip = world.hub.tip(newer.branch)
    with pytest.raises(SmeltError, match=f"is {state}"):
        world.proposals.open(newer.id)
    assert world.hub.tip(newer.branch) == tip
    assert len(world.hub.pulls) == 1


def test_merged_as_it_was(world: World) -> None:
    world.proposals.open(world.proposal.id)
    world.hub.decide(world.hub.pulls[0], "merged")
    assert _decision(world) == (Decision.MERGED, "")


def test_merged_after_the_base_came_into_the_branch_is_still_as_it_was(world: World) -> None:
    world.proposals.open(world.proposal.id)
    commit(world.checkout, "README.md", "elsewhere")
    git(world.checkout, "push", "-q", "origin", "main")
    git(world.checkout, "fetch", "-q")
    git(world.checkout, "checkout", "-q", "-b", "review", f"origin/{world.proposal.branch}")
    git(world.checkout, "merge", "-q", "-m", "Merge main", "main")
    git(world.checkout, "push", "-q", "origin", f"HEAD:{world.proposal.branch}")
    world.hub.decide(world.hub.pulls[0], "merged")
    assert _decision(world) == (Decision.MERGED, "")


@pytest.mark.parametrize("path", ["analytics/models/orders.sql", "analytics/models/extra.sql"])
def test_merged_after_a_person_edited_it(world: World, path: str) -> None:
    world.proposals.open(world.proposal.id)
    world.person_pushes(path)
    world.hub.decide(world.hub.pulls[0], "merged")
    assert _decision(world) == (Decision.MERGED_EDITED, f"edited before the merge: {path}")


def test_closed_by_a_person_with_a_reason(world: World) -> None:
    world.proposals.open(world.proposal.id)
    world.hub.note(world.hub.pulls[0], "We drop this source next week.", author="ann")
    world.hub.decide(world.hub.pulls[0], "closed")
    assert _decision(world) == (Decision.CLOSED, "We drop this source next week.")


def test_closing_says_why_once_and_does_not_merge(world: World) -> None:
    world.proposals.open(world.proposal.id)
    closed = world.proposals.close(world.proposal.id, "not needed")
    assert (closed.state.decision, closed.state.detail) == (Decision.CLOSED, "not needed")
    (pull,) = world.hub.pulls
    assert pull.state == "closed"
    assert ["not needed" in note.body for note in pull.notes] == [True]
    world.proposals.close(world.proposal.id, "again")
    assert len(pull.notes) == 1


def test_closing_one_that_was_merged_meanwhile_records_the_merge(world: World) -> None:
    world.proposals.open(world.proposal.id)
    world.hub.decide(world.hub.pulls[0], "merged")
    assert world.proposals.close(world.proposal.id, "no").state.decision is Decision.MERGED
    assert world.hub.pulls[0].state == "merged"


def test_body_too_long_for_the_forge_is_cut_at_a_line_and_says_so(world: World) -> None:
    limit = {"github": 65_536, "gitlab": 1_048_576}[world.kind]
    world.proposals.add(world.proposal, "<details>\n\n```sql\n" + "select 1\n" * (limit // 8))
    world.proposals.open(world.proposal.id)
    body = world.hub.pulls[0].body
    assert limit * 0.9 < len(body) <= limit
    assert body.count("```") == 2
    assert "</details>" in body
    assert "Cut here" in body


def test_lines_that_a_forge_takes_for_commands_are_defused(world: World) -> None:
    world.proposals.add(world.proposal, "/merge\n  /approve\n> /lgtm\nsee models/a.sql\n/ alone\n")
    world.proposals.open(world.proposal.id)
    assert world.hub.pulls[0].body == "\\/merge\n  \\/approve\n> \\/lgtm\nsee models/a.sql\n/ alone\n"


def test_dirty_checkout_index_and_head_are_untouched(world: World) -> None:
    (world.project / "models" / "orders.sql").write_text("dirty")
    (world.project / "models" / "staged.sql").write_text("staged")
    git(world.checkout, "add", "analytics/models/staged.sql")
    index = (world.checkout / ".git" / "index").read_bytes()
    before = git(world.checkout, "status", "--porcelain", "--branch")
    world.proposals.open(world.proposal.id)
    assert (world.checkout / ".git" / "index").read_bytes() == index
    assert git(world.checkout, "status", "--porcelain", "--branch") == before


def test_default_branch_is_asked_for_and_the_setting_wins(world: World) -> None:
    git(world.checkout, "push", "-q", "origin", "main:develop")
    world.configure(extra='base_branch = "develop"\n')
    world.proposals.open(world.proposal.id)
    assert world.hub.pulls[0].base == "develop"


def _asking(world: World) -> World:
    """The stored proposal as one that changes no file."""
    world.proposal = world.proposal.model_copy(update={"changes": (), "commits": (), "questions": ("Why?",)})
    world.proposals.add(world.proposal, "**Questions for you**\n1. Why?\n")
    return world


def test_one_that_only_asks_is_a_pull_request_of_an_empty_commit(world: World) -> None:
    opened = _asking(world).proposals.open(world.proposal.id)
    (pull,) = world.hub.pulls
    assert (pull.title, pull.branch) == (world.proposal.title, world.proposal.branch)
    assert world.hub.git("log", "--format=%s", f"main..{opened.branch}") == world.proposal.title
    assert world.hub.git("diff", "--name-only", "main", opened.branch) == ""
    assert _decision(world) == (Decision.OPEN, "")
    again = world.proposals.open(world.proposal.id)
    assert (again.number, again.tip, again.is_new) == (opened.number, opened.tip, False)


def test_one_that_only_asks_and_was_answered_by_a_commit_is_merged_as_edited(world: World) -> None:
    path = "analytics/models/orders.sql"
    _asking(world).proposals.open(world.proposal.id)
    world.person_pushes(path)
    world.hub.decide(world.hub.pulls[0], "merged")
    assert _decision(world) == (Decision.MERGED_EDITED, f"edited before the merge: {path}")


def test_one_that_only_asks_is_closed_with_the_answer_as_its_reason(world: World) -> None:
    _asking(world).proposals.open(world.proposal.id)
    world.hub.note(world.hub.pulls[0], "It is in pence now; we change the model ourselves.", author="ann")
    world.hub.decide(world.hub.pulls[0], "closed")
    assert _decision(world) == (Decision.CLOSED, "It is in pence now; we change the model ourselves.")
