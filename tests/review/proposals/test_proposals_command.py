"""`smelt proposals`: what a user sees, and what the ledger keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from plugins.core.errors import SmeltError
from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import load_settings
from plugins.review import Proposal
from plugins.review.proposals import Proposals, command
from tests.review.forge.world import BODY, commit, git, make_project, proposal

app = typer.Typer()
command.register(app)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "checkout")


@pytest.fixture
def stored(project: Path) -> Proposal:
    made = proposal(git(project, "rev-parse", "HEAD"))
    Proposals(load_settings(project)).add(made, BODY)
    return made


def _smelt(project: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(app, [*arguments, "--project-dir", str(project)])
    if isinstance(result.exception, SmeltError):
        raise result.exception
    assert result.exception is None, result.output
    return result


def _json(project: Path, *arguments: str) -> dict | list:
    return json.loads(_smelt(project, *arguments, "--json").stdout)


def _events(project: Path) -> list[dict]:
    table = TABLES["proposal_events"]
    return Ledger(load_settings(project)).read(select(table).order_by(table.c.event_id))


def test_list_of_nothing(project: Path) -> None:
    assert "no proposal yet" in _smelt(project, "proposals", "list").stdout
    assert _json(project, "proposals", "list") == []


def test_life_of_a_proposal_is_in_the_ledger(project: Path, stored: Proposal) -> None:
    _smelt(project, "proposals", "open", stored.id)
    _smelt(project, "proposals", "open", stored.id)
    git(project, "merge", "-q", "--no-ff", stored.branch)
    for _ in range(2):
        (listed,) = _json(project, "proposals", "list")
    assert listed["state"] == "merged"
    with pytest.raises(SmeltError, match="is merged"):
        _smelt(project, "proposals", "open", stored.id)
    events = _events(project)
    assert [event["event"] for event in events] == ["created", "pushing", "opened", "updated", "outcome"]
    assert {event["proposal_id"] for event in events} == {stored.id}
    assert events[2]["tip"] == git(project, "rev-parse", stored.branch)
    assert events[2]["url"].endswith("body.md")
    assert (events[4]["forge"], events[4]["outcome"]) == ("local", "merged")
    assert events[4]["detail"] == {"kind": "drift", "confidence": 0.8, "reason": ""}


def test_show_prints_the_body_and_what_happened(project: Path, stored: Proposal) -> None:
    _smelt(project, "proposals", "open", stored.id)
    shown = _smelt(project, "proposals", "show", stored.id).stdout
    assert shown.startswith(BODY.rstrip())
    assert f"{stored.id}: open" in shown
    as_json = _json(project, "proposals", "show", stored.id)
    assert isinstance(as_json, dict)
    assert Proposal.model_validate(as_json["proposal"]) == stored
    assert [event["event"] for event in as_json["history"]] == ["created", "pushing", "opened"]


def test_show_does_not_let_a_body_steer_the_terminal(project: Path, stored: Proposal) -> None:
    Proposals(load_settings(project)).add(stored, "before \x1b]0;owned\x07\x1b[2J after\n")
    shown = _smelt(project, "proposals", "show", stored.id).stdout
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_close_records_the_reason(project: Path, stored: Proposal) -> None:
    _smelt(project, "proposals", "open", stored.id)
    assert "closed" in _smelt(project, "proposals", "close", stored.id, "--reason", "not needed").stdout
    (listed,) = _json(project, "proposals", "list")
    assert (listed["state"], listed["detail"]) == ("closed", "not needed")
    assert _events(project)[-1]["detail"]["reason"] == "not needed"


def test_proposal_that_was_never_opened_can_be_rejected(project: Path, stored: Proposal) -> None:
    _smelt(project, "proposals", "close", stored.id, "--reason", "wrong")
    assert _json(project, "proposals", "list")[0]["state"] == "closed"


def test_closed_proposal_can_be_opened_again_and_merged(project: Path, stored: Proposal) -> None:
    _smelt(project, "proposals", "open", stored.id)
    _smelt(project, "proposals", "close", stored.id)
    _smelt(project, "proposals", "open", stored.id)
    assert _json(project, "proposals", "list")[0]["state"] == "open"
    git(project, "merge", "-q", stored.branch)
    assert _json(project, "proposals", "list")[0]["state"] == "merged"
    assert [event["outcome"] for event in _events(project) if event["outcome"]] == ["closed", "merged"]


def test_prefix_of_the_id_is_enough_in_any_case(project: Path, stored: Proposal) -> None:
    assert _json(project, "proposals", "show", stored.id[:12].lower())["id"] == stored.id


def test_ambiguous_prefix_lists_the_candidates(project: Path, stored: Proposal) -> None:
    other = proposal(stored.base, id=stored.id[:-1] + ("0" if stored.id[-1] != "0" else "1"))
    Proposals(load_settings(project)).add(other, BODY)
    with pytest.raises(SmeltError, match="2 proposals begin with") as raised:
        _smelt(project, "proposals", "show", stored.id[:20])
    assert other.id in (raised.value.hint or "")


@pytest.mark.parametrize("given", ["nonsense", "../../etc", ""])
def test_unknown_id_lists_what_there_is(project: Path, stored: Proposal, given: str) -> None:
    for verb in ("show", "open", "close"):
        with pytest.raises(SmeltError, match="there is no proposal") as raised:
            _smelt(project, "proposals", verb, given)
        assert stored.id in (raised.value.hint or "")


def test_mistyped_id_suggests_the_near_one(project: Path, stored: Proposal) -> None:
    mistyped = stored.id[:-4] + "ZZZZ"
    with pytest.raises(SmeltError) as raised:
        _smelt(project, "proposals", "show", mistyped)
    assert f"did you mean {stored.id}" in (raised.value.hint or "")


def test_unreadable_proposal_does_not_hide_the_others(project: Path, stored: Proposal) -> None:
    folder = project / "lake" / "proposals" / "01BROKEN"
    folder.mkdir()
    (folder / "proposal.json").write_text('{"id": 1')
    (folder / "body.md").write_text("x")
    result = _smelt(project, "proposals", "list")
    assert stored.id in result.stdout
    assert "01BROKEN cannot be read" in result.stderr


def test_project_that_is_no_repository_says_so(tmp_path: Path) -> None:
    (tmp_path / "smelt.toml").write_text("")
    made = proposal("main")
    Proposals(load_settings(tmp_path)).add(made, BODY)
    with pytest.raises(SmeltError, match="not in a git repository"):
        _smelt(tmp_path, "proposals", "open", made.id)


def test_base_that_is_gone_is_a_warning_in_the_list(project: Path, stored: Proposal) -> None:
    _smelt(project, "proposals", "open", stored.id)
    git(project, "branch", "-m", "main", "trunk")
    commit(project, "README.md", "more")
    git(project, "checkout", "-q", "--detach")
    result = _smelt(project, "proposals", "list")
    assert stored.id in result.stdout
    assert "no branch that proposals are merged into" in result.stderr


def test_foreign_dbt_project_gets_no_folder_that_git_sees(project: Path) -> None:
    (project / "smelt.toml").unlink()
    git(project, "commit", "-qam", "Without Smelt")
    made = proposal(git(project, "rev-parse", "HEAD"))
    Proposals(load_settings(project)).add(made, BODY)
    _smelt(project, "proposals", "open", made.id)
    assert git(project, "status", "--porcelain", "--ignored") == "!! analytics/.smelt/"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--body", "dbt_project.yml"], "the local forge has no pull request 1"),
        (["--body", "missing.md"], "missing.md cannot be read"),
        (["--body", "link.md"], "link.md is not a plain file"),
        (["--body", "models"], "models is not a plain file"),
        (["--body", "dbt_project.yml", "--forge", "sourcehut"], "there is no forge 'sourcehut'"),
    ],
)
def test_comment_that_cannot_be_written_is_one_message(
    project: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(project)
    (project / "link.md").symlink_to("/proc/self/environ")
    with pytest.raises(SmeltError, match=said):
        _smelt(project, "review-comment", "--pull-request", "1", *arguments)
