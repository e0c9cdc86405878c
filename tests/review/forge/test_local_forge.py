"""The local forge: a branch beside the user's work, and what became of it read from git alone."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings
from plugins.review import FileChange, Proposal
from plugins.review.forge import Decision
from plugins.review.proposals import Proposals
from tests.review.forge.world import AFTER, BODY, commit, git, make_project, proposal


@dataclass
class Local:
    """A user's repository and a proposal stored in it."""

    project: Path
    proposal: Proposal

    @property
    def top(self) -> Path:
        return self.project.parent

    @property
    def proposals(self) -> Proposals:
        return Proposals(load_settings(self.project))

    def decision(self) -> tuple[Decision, str]:
        state = self.proposals.status(self.proposal).state
        return state.decision, state.detail

    def tip(self) -> str:
        return git(self.top, "for-each-ref", "--format=%(objectname)", f"refs/heads/{self.proposal.branch}")


@pytest.fixture
def local(tmp_path: Path) -> Local:
    project = make_project(tmp_path / "checkout")
    made = Local(project, proposal(git(project, "rev-parse", "HEAD")))
    made.proposals.add(made.proposal, BODY)
    return made


def test_opening_makes_a_branch_of_small_commits_and_the_body_as_a_file(local: Local) -> None:
    opened = local.proposals.open(local.proposal.id)
    assert opened.number is None
    assert Path(opened.url.removeprefix("file://")).read_text() == BODY
    assert git(local.top, "log", "--format=%s", f"main..{opened.branch}").splitlines() == [
        "Carry the new column amount",
        "Add amount",
    ]
    assert git(local.top, "show", f"{opened.branch}:analytics/models/orders.sql") + "\n" == AFTER
    assert local.decision() == (Decision.OPEN, "")


def test_checkout_index_head_and_hooks_are_untouched(local: Local, tmp_path: Path) -> None:
    for name in ("pre-commit", "post-commit", "reference-transaction", "post-checkout"):
        hook = local.top / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
        hook.chmod(0o755)
    (local.project / "models" / "orders.sql").write_text("dirty")
    (local.project / "models" / "staged.sql").write_text("staged")
    git(local.top, "add", "analytics/models/staged.sql")
    (tmp_path / "hook-ran").unlink(missing_ok=True)
    index = (local.top / ".git" / "index").read_bytes()
    head = (local.top / ".git" / "HEAD").read_bytes()
    local.proposals.open(local.proposal.id)
    assert (local.top / ".git" / "index").read_bytes() == index
    assert (local.top / ".git" / "HEAD").read_bytes() == head
    assert (local.project / "models" / "orders.sql").read_text() == "dirty"
    assert not (tmp_path / "hook-ran").exists()
    assert git(local.top, "worktree", "list").count("\n") == 0


def test_opening_again_gives_the_same_commits(local: Local) -> None:
    first = local.proposals.open(local.proposal.id)
    git(local.top, "branch", "-D", first.branch)
    assert local.proposals.open(local.proposal.id).tip == first.tip


def test_a_version_that_says_the_same_keeps_the_commit(local: Local) -> None:
    first = local.proposals.open(local.proposal.id)
    later = local.proposal.model_copy(update={"created_at": local.proposal.created_at + timedelta(hours=1)})
    local.proposals.add(later, BODY)
    assert local.proposals.open(later.id).tip == local.tip() == first.tip
    local.proposals.add(later.model_copy(update={"title": "Another title"}), BODY)
    assert local.proposals.open(later.id).tip == local.tip() != first.tip


def test_the_text_of_a_closed_proposal_says_so_first(local: Local) -> None:
    local.proposals.open(local.proposal.id)
    local.proposals.close(local.proposal.id, "undone upstream")
    body = local.proposals.find(local.proposal.id).body
    assert body.splitlines()[:3] == [BODY.splitlines()[0], "", "> **Closed**: undone upstream"]
    assert "The source has a new column." in body


def test_newer_version_replaces_smelts_commits_but_not_a_persons(local: Local) -> None:
    local.proposals.open(local.proposal.id)
    newer = local.proposal.model_copy(update={"title": "Second"})
    local.proposals.add(newer, BODY)
    second = local.proposals.open(newer.id)
    assert (local.tip(), second.is_new) == (second.tip, False)
    git(local.top, "checkout", "-q", second.branch)
    theirs = commit(local.top, "analytics/models/orders.sql", "select 'mine'\n")
    git(local.top, "checkout", "-q", "main")
    local.proposals.add(newer.model_copy(update={"title": "Third"}), BODY)
    third = local.proposals.open(newer.id)
    assert "1 commit (" in third.note
    assert local.tip() == third.tip == theirs


def test_branch_that_is_checked_out_is_not_moved(local: Local) -> None:
    opened = local.proposals.open(local.proposal.id)
    git(local.top, "checkout", "-q", opened.branch)
    local.proposals.add(local.proposal.model_copy(update={"title": "Second"}), BODY)
    with pytest.raises(SmeltError, match="is checked out in"):
        local.proposals.open(local.proposal.id)
    with pytest.raises(SmeltError, match="is checked out in"):
        local.proposals.close(local.proposal.id)
    assert local.tip() == opened.tip
    assert git(local.top, "status", "--porcelain") == ""


def test_branch_called_smelt_in_the_way_is_named(local: Local) -> None:
    git(local.top, "branch", "smelt")
    with pytest.raises(SmeltError) as raised:
        local.proposals.open(local.proposal.id)
    assert "a branch called `smelt` is in the way" in (raised.value.hint or "")


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("how", [["merge", "-q", "--no-ff"], ["merge", "-q", "--ff-only"]])
def test_merged_as_it_was(local: Local, how: list[str], is_kept: bool) -> None:
    branch = local.proposals.open(local.proposal.id).branch
    git(local.top, *how, branch)
    if not is_kept:
        git(local.top, "branch", "-d", branch)
    commit(local.top, "analytics/models/orders.sql", "select 'later work'\n")
    assert local.decision() == (Decision.MERGED, "")


def test_squashed_as_it_was(local: Local) -> None:
    branch = local.proposals.open(local.proposal.id).branch
    git(local.top, "merge", "-q", "--squash", branch)
    git(local.top, "commit", "-qm", "A title of their own")
    git(local.top, "branch", "-D", branch)
    assert local.decision() == (Decision.MERGED, "main has the same content")


def test_cherry_picked_as_it_was_with_later_work_on_top(local: Local) -> None:
    branch = local.proposals.open(local.proposal.id).branch
    commit(local.top, "README.md", "elsewhere")
    git(local.top, "cherry-pick", f"main..{branch}")
    commit(local.top, "analytics/models/orders.sql", "select 'later work'\n")
    assert local.decision() == (Decision.MERGED, "")


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("path", ["analytics/models/orders.sql", "analytics/models/extra.sql"])
def test_merged_after_edits(local: Local, path: str, is_kept: bool) -> None:
    branch = local.proposals.open(local.proposal.id).branch
    git(local.top, "checkout", "-q", branch)
    commit(local.top, path, "select 'edited'\n")
    git(local.top, "checkout", "-q", "main")
    commit(local.top, "README.md", "elsewhere")
    git(local.top, "merge", "-q", "-m", "Merge", branch)
    if not is_kept:
        git(local.top, "branch", "-d", branch)
    assert local.decision() == (Decision.MERGED_EDITED, f"edited before the merge: {path}")


def test_deleted_branch_is_a_rejection(local: Local) -> None:
    git(local.top, "branch", "-D", local.proposals.open(local.proposal.id).branch)
    assert local.decision() == (Decision.CLOSED, "its branch was deleted")


def test_reviewing_on_the_branch_itself_is_no_merge(local: Local) -> None:
    git(local.top, "checkout", "-q", local.proposals.open(local.proposal.id).branch)
    assert local.decision() == (Decision.OPEN, "")


def test_closing_deletes_smelts_branch_and_keeps_one_with_a_persons_commits(local: Local) -> None:
    branch = local.proposals.open(local.proposal.id).branch
    closed = local.proposals.close(local.proposal.id, "not now")
    assert (closed.state.decision, closed.state.detail, local.tip()) == (Decision.CLOSED, "not now", "")

    other = proposal(local.proposal.base, title="Another")
    local.proposals.add(other, BODY)
    branch = local.proposals.open(other.id).branch
    git(local.top, "checkout", "-q", branch)
    theirs = commit(local.top, "analytics/models/orders.sql", "select 'mine'\n")
    git(local.top, "checkout", "-q", "main")
    local.proposals.close(other.id)
    assert git(local.top, "rev-parse", branch) == theirs


def test_stopped_before_the_branch_was_made_is_not_a_rejection(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.review.forge.local import LocalForge

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LocalForge, "_move", stop)
        with pytest.raises(KeyboardInterrupt):
            local.proposals.open(local.proposal.id)
    assert local.decision()[0] is Decision.UNOPENED
    local.proposals.open(local.proposal.id)
    assert local.decision()[0] is Decision.OPEN


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([FileChange(path="models/orders.sql", before="select 5", after="x")], "is not what the proposal"),
        ([FileChange(path="models/orders.sql", before=None, after="x")], "is not what the proposal"),
        ([FileChange(path="models/gone.sql", before="x", after=None)], "is not what the proposal"),
        ([FileChange(path="models/old.sql", before="select 0\n", after="select 0\n")], "changes nothing"),
        ([FileChange(path="link.sql", before="models/old.sql", after="x")], "is not a plain file"),
    ],
)
def test_proposal_that_does_not_fit_its_base_is_refused(
    local: Local, changes: list[FileChange], said: str
) -> None:
    (local.project / "link.sql").symlink_to("models/old.sql")
    git(local.top, "add", "-A")
    git(local.top, "commit", "-qm", "A link")
    wrong = proposal(git(local.top, "rev-parse", "HEAD"), changes=changes, commits=())
    local.proposals.add(wrong, BODY)
    with pytest.raises(SmeltError, match=said):
        local.proposals.open(wrong.id)
    assert git(local.top, "branch", "--list", wrong.branch) == ""


def test_commit_that_names_an_unchanged_file_is_refused(local: Local) -> None:
    wrong = proposal(local.proposal.base, commits=[("x", ["models/other.sql"])])
    local.proposals.add(wrong, BODY)
    with pytest.raises(SmeltError, match="which is not among its changes"):
        local.proposals.open(wrong.id)


def test_odd_text_and_modes_arrive_as_they_are(local: Local) -> None:
    script = local.project / "run me.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    git(local.top, "add", "-A")
    git(local.top, "commit", "-qm", "A script")
    git(local.top, "config", "core.autocrlf", "true")
    text = "select 'ünï\u2028codé'\r\n  \n\n"
    changes = [
        FileChange(path="run me.sh", before="#!/bin/sh\n", after="#!/bin/sh\necho\n"),
        FileChange(path="models/ünï\tcodé.sql", before=None, after=text),
    ]
    odd = proposal(git(local.top, "rev-parse", "HEAD"), changes=changes, commits=(), title="\x1b[31mRed\x00\n")
    local.proposals.add(odd, BODY)
    branch = local.proposals.open(odd.id).branch
    listed = git(local.top, "ls-tree", "-z", branch, "analytics/run me.sh", "analytics/models/ünï\tcodé.sql")
    assert [entry.split()[0] for entry in listed.split("\0") if entry] == ["100644", "100755"]
    blob = git(local.top, "rev-parse", f"{branch}:analytics/models/ünï\tcodé.sql")
    shown = subprocess.run(["git", "cat-file", "blob", blob], cwd=local.top, check=True, capture_output=True)
    assert shown.stdout.decode() == text
    assert git(local.top, "log", "-1", "--format=%s", branch) == "[31mRed"
