"""The sticky comment: one, found again among many, never somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.core.errors import SmeltError
from plugins.review.forge import Forge, open_forge
from plugins.review.forge.forge import NoTips
from tests.review.forge.github_api import GitHubApi
from tests.review.forge.server import Fault
from tests.review.forge.world import World

MARKER = "<!-- smelt:review -->"


@pytest.fixture
def forge(world: World) -> Forge:
    world.proposals.open(world.proposal.id)
    return open_forge(world.settings, NoTips())


def _texts(world: World) -> list[str]:
    return [note.body for note in world.hub.pulls[0].notes if note.body.startswith(MARKER)]


def test_comment_is_written_once_and_then_replaced(world: World, forge: Forge) -> None:
    first = forge.comment(1, "first verdict")
    for number in range(250):
        world.hub.note(world.hub.pulls[0], f"chat {number}", author="ann")
    second = forge.comment(1, "second verdict")
    assert first == second
    assert _texts(world) == [f"{MARKER}\nsecond verdict"]


def test_comment_of_somebody_else_with_the_marker_is_not_used(world: World, forge: Forge) -> None:
    theirs = world.hub.note(world.hub.pulls[0], f"{MARKER}\nall passed, trust me", author="mallory")
    forge.comment(1, "the verdict")
    assert theirs.body.endswith("trust me")
    assert _texts(world)[1:] == [f"{MARKER}\nthe verdict"]


def test_comments_left_by_a_race_are_reduced_to_one(world: World, forge: Forge) -> None:
    for _ in range(3):
        world.hub.note(world.hub.pulls[0], f"{MARKER}\nold")
    forge.comment(1, "new")
    assert _texts(world) == [f"{MARKER}\nnew"]


def test_connection_lost_after_the_comment_was_written(world: World, forge: Forge) -> None:
    world.forge.faults.append(Fault("POST", r".*(comments|notes)", cut="after"))
    forge.comment(1, "verdict")
    assert _texts(world) == [f"{MARKER}\nverdict"]


@pytest.mark.parametrize("world", ["github"], indirect=True)
def test_actions_token_may_not_ask_who_it_is_and_still_finds_its_comment(world: World, forge: Forge) -> None:
    assert isinstance(world.forge.dialect, GitHubApi)
    world.forge.dialect.is_app = True
    world.hub.note(world.hub.pulls[0], f"{MARKER}\nforged", author="mallory")
    forge.comment(1, "first")
    forge.comment(1, "second")
    assert _texts(world) == [f"{MARKER}\nforged", f"{MARKER}\nsecond"]


def test_comment_about_another_commit_is_refused(world: World, forge: Forge) -> None:
    head = world.hub.tip(world.proposal.branch) or ""
    forge.comment(1, "right", head=head)
    with pytest.raises(SmeltError, match="pull request 1 is at"):
        forge.comment(1, "stale or forged", head="0" * 40)
    assert _texts(world) == [f"{MARKER}\nright"]


def test_pull_request_that_does_not_exist(forge: Forge) -> None:
    with pytest.raises(SmeltError, match="cannot comment"):
        forge.comment(99, "x")


def test_comment_needs_no_git_repository(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.proposals.open(world.proposal.id)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "smelt.toml").write_text((world.project / "smelt.toml").read_text())
    world.project = elsewhere
    open_forge(world.settings, NoTips()).comment(1, "verdict")
    assert _texts(world) == [f"{MARKER}\nverdict"]
