"""The review on pull requests: untrusted code runs without rights, and its results reach no script as text."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ACTION, COMMENT = ROOT / "action.yml", ROOT / ".github/actions/comment/action.yml"
REVIEW, REVIEW_COMMENT = (ROOT / ".github/workflows" / name for name in ("review.yml", "review-comment.yml"))
FILES = [ACTION, COMMENT, REVIEW, REVIEW_COMMENT]


def _load(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def _steps(path: Path) -> list[dict[str, Any]]:
    loaded = _load(path)
    if "runs" in loaded:
        return loaded["runs"]["steps"]
    return [step for job in loaded["jobs"].values() for step in job["steps"]]


def _script(path: Path, name: str) -> str:
    return next(step["run"] for step in _steps(path) if step.get("name") == name)


def test_workflow_that_runs_the_pull_requests_code_has_no_secrets_and_may_only_read() -> None:
    text = REVIEW.read_text()
    assert "secrets." not in text
    assert "token" not in text
    loaded = _load(REVIEW)
    assert list(loaded["on"]) == ["pull_request"]
    assert loaded["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in loaded["jobs"].values())
    (checkout,) = [step for step in _steps(REVIEW) if step["uses"].startswith("actions/checkout")]
    assert checkout["with"]["persist-credentials"] is False
    assert checkout["with"]["fetch-depth"] == 0


def test_workflow_with_rights_runs_the_default_branchs_code_only() -> None:
    loaded = _load(REVIEW_COMMENT)
    assert list(loaded["on"]) == ["workflow_run"]
    assert loaded["on"]["workflow_run"]["workflows"] == [_load(REVIEW)["name"]]
    assert loaded["permissions"] == {"contents": "read", "actions": "read", "pull-requests": "write"}
    (checkout,) = [step for step in _steps(REVIEW_COMMENT) if step["uses"].startswith("actions/checkout")]
    assert "ref" not in checkout["with"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_puts_outside_text_into_a_script_or_uses_pull_request_target(path: Path) -> None:
    assert "pull_request_target" not in path.read_text()
    for step in _steps(path):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("path", [ACTION, COMMENT], ids=["review", "comment"])
def test_composite_actions_are_complete(path: Path) -> None:
    loaded = _load(path)
    assert loaded["runs"]["using"] == "composite"
    for step in _steps(path):
        assert ("uses" in step) != ("run" in step)
        assert "run" not in step or step["shell"] == "bash"
    used = set(re.findall(r"inputs\.([\w-]+)", path.read_text()))
    assert used == set(loaded["inputs"])
    assert all("default" in spec or spec.get("required") for spec in loaded["inputs"].values())


def test_review_uploads_what_the_comment_downloads() -> None:
    (upload,) = [s for s in _steps(ACTION) if s.get("uses", "").startswith("actions/upload-artifact")]
    (download,) = [s for s in _steps(REVIEW_COMMENT) if s["uses"].startswith("actions/download-artifact")]
    assert upload["with"]["name"] == download["with"]["name"]


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """The environment of a step, with a `uv` that plays Smelt: writes a review and ends with $SMELT_CODE."""
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "uv").write_text(
        '#!/bin/bash\nprintf "%s\\n" "$@" > "$CALLS"\n'
        "while [ $# -gt 0 ]; do\n"
        '  [ "$1" = --output ] && [ -z "$SMELT_SILENT" ] && echo verdict > "$2"\n'
        "  shift\n"
        "done\n"
        'exit "$SMELT_CODE"\n'
    )
    (fake / "python").write_text("#!/bin/bash\n")
    for name in ("uv", "python"):
        (fake / name).chmod(0o755)
    return {
        "PATH": f"{fake}:{os.environ['PATH']}",
        "CALLS": str(tmp_path / "calls"),
        "SMELT_CODE": "0",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "FOLDER": str(tmp_path / "review"),
        "ACTION": "/action",
        "PROJECT_DIR": "a project",
        "PROFILES_DIR": "",
        "TARGET": "",
        "BASE": "$(touch owned)",
        "FAIL_ON": "failed",
        "NUMBER": "12",
    }


def _run(script: str, environment: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    # As GitHub's runner calls bash.
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", ["0", "1", "3"])
def test_review_step_keeps_the_review_and_passes_the_verdict_on(
    runner: dict[str, str], tmp_path: Path, code: str
) -> None:
    done = _run(_script(ACTION, "Review"), {**runner, "SMELT_CODE": code}, tmp_path)
    assert done.returncode == 0, done.stderr
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    assert Path(outputs["markdown"]).read_text() == "verdict\n"
    assert (tmp_path / "review" / "number").read_text() == "12\n"
    assert (tmp_path / "summary").read_text() == "verdict\n"
    verdict = _run(_script(ACTION, "Verdict"), {**runner, "CODE": outputs["exit-code"]}, tmp_path)
    assert str(verdict.returncode) == code


def test_review_step_passes_inputs_as_arguments_and_leaves_empty_ones_out(
    runner: dict[str, str], tmp_path: Path
) -> None:
    _run(_script(ACTION, "Review"), {**runner, "TARGET": "ci; touch owned"}, tmp_path)
    arguments = (tmp_path / "calls").read_text().splitlines()
    assert arguments[arguments.index("--base") + 1] == "$(touch owned)"
    assert arguments[arguments.index("--project-dir") + 1] == "a project"
    assert arguments[arguments.index("--target") + 1] == "ci; touch owned"
    assert "--profiles-dir" not in arguments
    assert not (tmp_path / "owned").exists()


def test_review_that_could_not_be_made_says_so(runner: dict[str, str], tmp_path: Path) -> None:
    _run(_script(ACTION, "Review"), {**runner, "SMELT_CODE": "1", "SMELT_SILENT": "1"}, tmp_path)
    assert "could not be made" in (tmp_path / "review" / "review.md").read_text()


@pytest.mark.parametrize("number", ["", "12; id", "$(id)", "-1", "0", "1e3", "12\n13", "99999999999999", "../1"])
def test_comment_step_refuses_what_is_no_number(runner: dict[str, str], tmp_path: Path, number: str) -> None:
    (tmp_path / "number").write_text(number)
    environment = {**runner, "ARTIFACT": str(tmp_path), "SMELT": "/smelt", "HEAD": "abc"}
    assert _run(_script(COMMENT, "Comment"), environment, tmp_path).returncode == 1
    assert not (tmp_path / "calls").exists()


def test_comment_step_posts_for_the_reviewed_commit_only(runner: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "number").write_text("12\n")
    environment = {**runner, "ARTIFACT": str(tmp_path), "SMELT": "/smelt", "HEAD": "abc"}
    assert _run(_script(COMMENT, "Comment"), environment, tmp_path).returncode == 0
    arguments = (tmp_path / "calls").read_text().splitlines()
    assert arguments[arguments.index("--pull-request") + 1] == "12"
    assert arguments[arguments.index("--head") + 1] == "abc"
