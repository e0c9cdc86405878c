"""What `smelt onboard` commits: its own lines; what the user was editing stays the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.onboard.conftest import Smelt, git

ONBOARD = ("onboard", "exports", "--name", "crm", "--yes")


def _committed(folder: Path) -> str:
    return git(folder, "show", "main:smelt.toml")


@pytest.mark.full
def test_edits_of_smelt_toml_that_are_not_committed_stay_so(bare: Path, smelt: Smelt) -> None:
    toml = bare / "smelt.toml"
    toml.write_text("# staged\n" + toml.read_text())
    git(bare, "add", "smelt.toml")
    toml.write_text("# mine\n" + toml.read_text())
    told = smelt(*ONBOARD)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "your other changes in it stay uncommitted" in told.stdout
    committed = _committed(bare)
    assert committed.startswith("# ours\n[lake]\n\n[connections.crm]\n")
    assert git(bare, "show", ":smelt.toml") == f"# staged\n{committed}", "what was staged is staged, and no more"
    assert toml.read_text() == f"# mine\n# staged\n{committed}"
    assert git(bare, "show", "--name-only", "--format=", "main").split() == [
        "smelt.toml",
        "sources/crm/source.yml",
    ]
    assert git(bare, "status", "--porcelain") == "MM smelt.toml\n"
    again = smelt(*ONBOARD)
    assert again.returncode == 0, again.stdout + again.stderr
    assert _committed(bare) == committed, "run again, it commits nothing"


@pytest.mark.full
def test_a_section_that_was_left_uncommitted_is_committed_by_the_next_run(bare: Path, smelt: Smelt) -> None:
    smelt(*ONBOARD, "--no-commit")
    assert _committed(bare) == "# ours\n[lake]\n"
    told = smelt(*ONBOARD)
    assert "note" not in told.stdout.partition("3 load")[0]
    assert "[connections.crm]" in _committed(bare)
    assert git(bare, "status", "--porcelain") == ""


def test_a_smelt_toml_that_no_commit_has_stays_the_users(bare: Path, smelt: Smelt) -> None:
    git(bare, "rm", "--cached", "-q", "smelt.toml")
    git(bare, "commit", "-qm", "Without it")
    told = smelt(*ONBOARD)
    assert "smelt.toml is in no commit yet" in told.stdout
    assert git(bare, "status", "--porcelain") == "?? smelt.toml\n"
