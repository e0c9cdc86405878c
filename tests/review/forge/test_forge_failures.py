"""Rate limits, lost connections, missing rights, and processes killed half-way: never two pull requests."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from plugins.core.errors import SmeltError
from plugins.review.forge import Decision
from plugins.review.forge.push import Remote
from plugins.review.proposals.events import LedgerTips
from tests.review.forge.server import Fault
from tests.review.forge.world import BODY, World, commit, git

_OPEN = """
import sys
from pathlib import Path
from plugins.core.settings import load_settings
from plugins.review.proposals import Proposals
Proposals(load_settings(Path(sys.argv[1]))).open(sys.argv[2])
"""
# Dies where it would wait before a second attempt.
_KILLED = (
    """
import os, signal
from plugins.review.forge import attempts
attempts._wait = lambda state: os.kill(os.getpid(), signal.SIGKILL)
"""
    + _OPEN
)
PULLS = {"github": "/repos/acme/shop/pulls", "gitlab": "/projects/acme%2Fshop/merge_requests"}


def _fault(world: World, method: str, path: str = "", **values: object) -> None:
    world.forge.faults.append(Fault(method, PULLS[world.kind] + path, **values))  # pyright: ignore


@pytest.mark.parametrize("is_strict", [True, False])
def test_connection_lost_after_the_pull_request_was_created(world: World, is_strict: bool) -> None:
    world.hub.is_strict = is_strict
    _fault(world, "POST", cut="after")
    opened = world.proposals.open(world.proposal.id)
    assert [pull.number for pull in world.hub.pulls] == [opened.number]


def test_connection_lost_before_the_pull_request_was_created(world: World) -> None:
    _fault(world, "POST", cut="before", times=2)
    world.proposals.open(world.proposal.id)
    assert len(world.hub.pulls) == 1
    assert world.forge.count("POST", PULLS[world.kind]) == 3


def test_connection_lost_after_the_branch_was_pushed(world: World) -> None:
    world.push_over_http()
    world.forge.faults.append(Fault("POST", "/acme/shop.git/git-receive-pack", cut="after"))
    opened = world.proposals.open(world.proposal.id)
    assert world.hub.tip(opened.branch) == opened.tip
    assert len(world.hub.pulls) == 1


def test_stopped_right_after_the_push_a_newer_version_still_replaces_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = Remote.push

    def push_and_stop(*arguments: Any, **named: Any) -> None:
        push(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Remote, "push", push_and_stop)
        with pytest.raises(KeyboardInterrupt):
            world.proposals.open(world.proposal.id)
    assert world.hub.tip(world.proposal.branch) is not None
    world.proposals.add(world.proposal.model_copy(update={"title": "Newer"}), BODY)
    opened = world.proposals.open(world.proposal.id)
    assert world.hub.tip(opened.branch) == opened.tip


@pytest.mark.parametrize("status", [500, 503])
def test_server_errors_are_retried(world: World, status: int) -> None:
    _fault(world, "GET", status=status)
    _fault(world, "POST", status=status)
    world.proposals.open(world.proposal.id)
    assert len(world.hub.pulls) == 1


@pytest.mark.parametrize(
    ("world", "status", "headers"),
    [
        ("github", 429, {"Retry-After": "1"}),
        ("github", 403, {"Retry-After": "1"}),
        ("github", 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}),
        ("gitlab", 429, {"Retry-After": "1"}),
        ("gitlab", 429, {"RateLimit-Reset": "soon"}),
    ],
    indirect=["world"],
)
def test_rate_limits_are_waited_out(world: World, status: int, headers: dict[str, str]) -> None:
    soon = str(int(time.time()) + 1)
    scripted = {key: soon if text == "soon" else text for key, text in headers.items()}
    _fault(world, "POST", status=status, headers=scripted)
    started = time.monotonic()
    world.proposals.open(world.proposal.id)
    assert time.monotonic() - started >= 0.9
    assert len(world.hub.pulls) == 1


def test_rate_limit_beyond_the_budget_is_told_at_once(world: World) -> None:
    _fault(world, "POST", status=429, headers={"Retry-After": "3600"})
    started = time.monotonic()
    with pytest.raises(SmeltError, match=r"for another 3600 s: its rate limit is reached"):
        world.proposals.open(world.proposal.id)
    assert time.monotonic() - started < 10
    world.proposals.open(world.proposal.id)
    assert len(world.hub.pulls) == 1


def test_forge_that_never_answers_ends_within_the_budget(world: World) -> None:
    world.configure(wait_seconds=1)
    _fault(world, "GET", cut="before", times=1000)
    started = time.monotonic()
    with pytest.raises(SmeltError, match="does not answer"):
        world.proposals.open(world.proposal.id)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(("status", "said"), [(403, "no right to open a pull request"), (404, "no such thing")])
def test_missing_rights_name_the_permission(world: World, status: int, said: str) -> None:
    _fault(world, "POST", status=status, message="Resource not accessible")
    with pytest.raises(SmeltError) as raised:
        world.proposals.open(world.proposal.id)
    assert said.replace("pull", "merge" if world.kind == "gitlab" else "pull") in raised.value.message
    needed = {"github": "'Pull requests: write'", "gitlab": "`api`"}[world.kind]
    assert needed in (raised.value.hint or "")
    assert world.forge.count("POST", PULLS[world.kind]) == 1


def test_token_that_is_not_accepted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "some-other-token")
    with pytest.raises(SmeltError, match="does not accept the token env:FORGE_TOKEN") as raised:
        world.proposals.open(world.proposal.id)
    assert "some-other-token" not in str(raised.value)
    assert world.hub.tip(world.proposal.branch) is None


def test_token_that_is_not_set(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORGE_TOKEN")
    with pytest.raises(SmeltError, match="FORGE_TOKEN, which is not set"):
        world.proposals.open(world.proposal.id)


def test_repository_without_remote(world: World) -> None:
    git(world.checkout, "remote", "remove", "origin")
    with pytest.raises(SmeltError, match="has no remote 'origin'") as raised:
        world.proposals.open(world.proposal.id)
    assert "git remote add origin" in (raised.value.hint or "")


def test_remote_that_is_gone(world: World) -> None:
    git(world.checkout, "remote", "set-url", "origin", str(world.checkout / "nowhere"))
    with pytest.raises(SmeltError, match="no git repository at"):
        world.proposals.open(world.proposal.id)


def test_remote_that_refuses_the_branch(world: World) -> None:
    hook = world.hub.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'branches need a ticket' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(SmeltError, match="branches need a ticket") as raised:
        world.proposals.open(world.proposal.id)
    assert "smelt/" in (raised.value.hint or "")
    assert world.hub.pulls == []


def test_person_who_pushes_between_looking_and_pushing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.proposals.open(world.proposal.id)
    pushed: list[str] = []
    # Smelt records its commit after it has looked at the branch and before it pushes.
    monkeypatch.setattr(LedgerTips, "remember", lambda *_: pushed.append(world.person_pushes()))
    world.proposals.add(world.proposal.model_copy(update={"title": "Newer"}), BODY)
    with pytest.raises(SmeltError, match="has commits that Smelt did not make"):
        world.proposals.open(world.proposal.id)
    assert [world.hub.tip(world.proposal.branch)] == pushed


def test_shallow_clone_can_propose_on_its_newest_commit(world: World) -> None:
    shallow = world.checkout.parent / "shallow"
    git(world.checkout.parent, "clone", "-q", "--depth", "1", f"file://{world.hub.bare}", str(shallow))
    world.project = shallow / "analytics"
    world.configure()
    world.proposals.add(world.proposal, BODY)
    world.proposals.open(world.proposal.id)
    assert len(world.hub.pulls) == 1


def test_base_that_a_shallow_clone_lacks_says_unshallow(world: World) -> None:
    commit(world.checkout, "README.md", "more")
    git(world.checkout, "push", "-q", "origin", "main")
    shallow = world.checkout.parent / "shallow"
    git(world.checkout.parent, "clone", "-q", "--depth", "1", f"file://{world.hub.bare}", str(shallow))
    world.project = shallow / "analytics"
    world.configure()
    world.proposals.add(world.proposal, BODY)
    with pytest.raises(SmeltError) as raised:
        world.proposals.open(world.proposal.id)
    assert "git fetch --unshallow" in (raised.value.hint or "")


def test_unmerged_index_is_no_obstacle_and_stays_as_it_is(world: World) -> None:
    git(world.checkout, "checkout", "-q", "-b", "side")
    commit(world.checkout, "analytics/models/orders.sql", "side")
    git(world.checkout, "checkout", "-q", "main")
    commit(world.checkout, "analytics/models/orders.sql", "main")
    subprocess.run(["git", "merge", "side"], cwd=world.checkout, check=False, capture_output=True)
    before = git(world.checkout, "status", "--porcelain")
    assert "UU" in before
    world.proposals.open(world.proposal.id)
    assert git(world.checkout, "status", "--porcelain") == before


@pytest.mark.parametrize("cut", ["before", "after"])
def test_killed_between_push_and_pull_request_then_run_again(world: World, cut: str) -> None:
    # The process is killed while its request to create the pull request is under way.
    world.forge.faults.append(Fault("POST", PULLS[world.kind], cut=cut))
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(world.project), world.proposal.id],
        check=False,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert world.hub.tip(world.proposal.branch) is not None
    assert len(world.hub.pulls) == (cut == "after")
    (listed,), _ = world.proposals.listed()
    assert listed.state.decision is (Decision.OPEN if cut == "after" else Decision.UNOPENED)
    opened = world.proposals.open(world.proposal.id)
    assert [pull.number for pull in world.hub.pulls] == [opened.number]


def test_two_processes_open_the_same_proposal_at_once(world: World) -> None:
    world.hub.is_strict = False
    command = [sys.executable, "-c", _OPEN, str(world.project), world.proposal.id]
    started = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in started] == [0, 0]
    assert len(world.hub.pulls) == 1


def test_list_says_that_the_forge_cannot_be_asked_and_shows_what_was_known(world: World) -> None:
    world.proposals.open(world.proposal.id)
    _fault(world, "GET", cut="before", times=1000)
    (listed,), unreadable = world.proposals.listed()
    assert listed.state.decision is Decision.OPEN
    assert "does not answer" in (listed.problem or "")
    assert unreadable == []
