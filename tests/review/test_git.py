"""What the wrapper reads from real repositories, and what it says when git cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from plugins.core.errors import SmeltError
from plugins.review.git import ChangedFile, Repository, run_git


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "work tree"
    (folder / "models").mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    (folder / "models" / "a.sql").write_text("select 1 as a\n" * 10)
    (folder / "models" / "naïve file.sql").write_text("select 2 as b\n" * 10)
    _git(folder, "add", "-A")
    _git(folder, "commit", "-qm", "first")
    return Repository(folder)


def _commit(repository: Repository, message: str = "next") -> str:
    _git(repository.root, "add", "-A")
    _git(repository.root, "commit", "-qm", message)
    return _git(repository.root, "rev-parse", "HEAD")


def test_repository_is_found_from_any_folder_inside(repository: Repository) -> None:
    found = Repository.find(repository.root / "models")
    assert found.root == repository.root
    assert str(found.prefix(repository.root / "models")) == "models"
    assert str(found.prefix(repository.root)) == "."


def test_folder_outside_any_repository_says_git_init(tmp_path: Path) -> None:
    with pytest.raises(SmeltError, match="not in a git repository") as raised:
        Repository.find(tmp_path)
    assert "git init" in (raised.value.hint or "")


def test_environment_of_a_calling_hook_does_not_lead_elsewhere(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other-index"))
    assert Repository.find(repository.root).root == repository.root


def test_changed_files_with_renames_and_odd_names(repository: Repository) -> None:
    base = repository.resolve("HEAD")
    (repository.root / "models" / "a.sql").write_text("select 3 as a\n")
    (repository.root / "models" / "naïve file.sql").rename(repository.root / "models" / "ré\tnamed.sql")
    (repository.root / "new.sql").write_text("select 4\n")
    head = _commit(repository)
    assert set(repository.changed_files(base, head)) == {
        ChangedFile("M", "models/a.sql"),
        ChangedFile("R", "models/ré\tnamed.sql", "models/naïve file.sql"),
        ChangedFile("A", "new.sql"),
    }


def test_show_and_blobs_read_any_commit_and_skip_what_is_not_there(repository: Repository) -> None:
    first = repository.resolve("HEAD")
    (repository.root / "models" / "a.sql").write_bytes(b"changed\r\n\xff\n")
    _commit(repository)
    assert repository.show(first, "models/a.sql") == b"select 1 as a\n" * 10
    assert repository.show("HEAD", "models/a.sql") == b"changed\r\n\xff\n"
    assert repository.show("HEAD", "models/missing file.sql") is None
    read = repository.blobs("HEAD", ["models", "models/naïve file.sql", "gone", "models/a.sql"])
    assert read == {"models/naïve file.sql": b"select 2 as b\n" * 10, "models/a.sql": b"changed\r\n\xff\n"}


def test_merge_base_is_where_the_branch_began(repository: Repository) -> None:
    began = repository.resolve("main")
    _git(repository.root, "checkout", "-qb", "side")
    (repository.root / "side.sql").write_text("select 1")
    _commit(repository)
    _git(repository.root, "checkout", "-q", "main")
    (repository.root / "main.sql").write_text("select 1")
    _commit(repository)
    assert repository.merge_base("main", "side") == began
    assert repository.is_ancestor(began, "side")
    assert not repository.is_ancestor("side", "main")


def test_branches_without_common_history_are_told(repository: Repository) -> None:
    _git(repository.root, "checkout", "-q", "--orphan", "other")
    _commit(repository)
    with pytest.raises(SmeltError, match="no common commit"):
        repository.merge_base("main", "other")


@pytest.mark.parametrize("ref", ["mian", "--exec=touch x", "-1", "", "main..", "a b", "HEAD:models/a.sql"])
def test_unknown_refs_are_refused_and_never_read_as_options(repository: Repository, ref: str) -> None:
    with pytest.raises(SmeltError, match="no branch, tag or commit"):
        repository.resolve(ref)


def test_unknown_ref_lists_near_names(repository: Repository) -> None:
    with pytest.raises(SmeltError) as raised:
        repository.resolve("mian")
    assert "did you mean main" in (raised.value.hint or "")


def test_branch_that_only_origin_has_is_found(repository: Repository, tmp_path: Path) -> None:
    _git(repository.root, "branch", "feature")
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "-q", str(repository.root), str(clone))
    assert Repository(clone).resolve("feature") == repository.resolve("feature")
    assert Repository(clone).remotes == {"origin": str(repository.root)}


def test_shallow_clone_says_how_to_get_the_history(repository: Repository, tmp_path: Path) -> None:
    old = repository.resolve("HEAD")
    for number in range(3):
        (repository.root / "a.sql").write_text(f"select {number}")
        _commit(repository)
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository.root}", str(clone))
    shallow = Repository(clone)
    assert shallow.is_shallow
    assert not repository.is_shallow
    with pytest.raises(SmeltError) as raised:
        shallow.resolve(old)
    assert "git fetch --unshallow" in (raised.value.hint or "")


def test_unmerged_paths_are_listed(repository: Repository) -> None:
    path = repository.root / "models" / "a.sql"
    _git(repository.root, "checkout", "-qb", "side")
    path.write_text("side")
    _commit(repository)
    _git(repository.root, "checkout", "-q", "main")
    path.write_text("main")
    _commit(repository)
    assert repository.unmerged_paths == ()
    subprocess.run(["git", "merge", "-q", "side"], cwd=repository.root, check=False, capture_output=True)
    assert repository.unmerged_paths == ("models/a.sql",)


def test_worktree_comes_and_goes_without_touching_the_checkout(repository: Repository, tmp_path: Path) -> None:
    hook = repository.root / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
    hook.chmod(0o755)
    (repository.root / "models" / "a.sql").write_text("dirty")
    before = _git(repository.root, "status", "--porcelain", "--branch")
    folder = tmp_path / "deep" / "worktree"
    repository.add_worktree(folder, "main")
    assert (folder / "models" / "a.sql").read_text().startswith("select 1")
    (folder / "left over").write_text("x")
    repository.remove_worktree(folder)
    repository.remove_worktree(folder)
    assert not folder.exists()
    assert len(_git(repository.root, "worktree", "list").splitlines()) == 1
    assert _git(repository.root, "status", "--porcelain", "--branch") == before
    assert not (tmp_path / "hook-ran").exists()


def test_configuration_for_one_command_leaves_no_trace(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "From CI")
    config = {"http.https://forge.example/.extraHeader": "Authorization: Basic c2VjcmV0"}
    assert "c2VjcmV0" in repository.git("config", "--get-regexp", "extraheader", config=config)
    assert repository.git("config", "user.name", config=config) == "From CI"
    assert "c2VjcmV0" not in (repository.root / ".git" / "config").read_text()
    assert "GIT_CONFIG_KEY_1" not in os.environ


def test_missing_git_and_missing_folder_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SmeltError, match="there is no folder"):
        run_git(tmp_path / "nowhere", "status")
    (tmp_path / "file").write_text("")
    with pytest.raises(SmeltError, match="there is no folder"):
        Repository.find(tmp_path / "file")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SmeltError, match="git is not installed"):
        run_git(tmp_path, "status")


def test_command_that_hangs_is_ended(repository: Repository) -> None:
    with pytest.raises(SmeltError, match=r"did not end within 0\.5 s"):
        repository.git("-c", "alias.wait=!sleep 5", "wait", timeout=0.5)


def test_half_made_worktree_is_forgotten(repository: Repository, tmp_path: Path) -> None:
    repository.add_worktree(tmp_path / "unfinished", "HEAD")
    (repository.common_dir / "worktrees" / "unfinished" / "locked").write_text("initializing")
    shutil.rmtree(tmp_path / "unfinished")
    repository.prune_worktrees()
    assert "unfinished" not in repository.git("worktree", "list")
