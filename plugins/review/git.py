"""Git through its command line: non-interactive, without hooks, and every failure one SmeltError.

Nothing here touches the user's checkout, index or HEAD: refs, objects and linked worktrees only.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from plugins.core.errors import SmeltError
from plugins.core.settings import mask

_LOCAL_SECONDS = 120
# What a calling hook or debugging session may have set; each would make git act elsewhere, ask, or talk.
_DROPPED = {
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_EXTERNAL_DIFF",
    "GIT_CURL_VERBOSE",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
}
_FIXED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_EDITOR": "true",
    "LC_ALL": "C",
}
_URL_USER = re.compile(r"(\w+://)[^@/\s]+@")
_ALWAYS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.askPass=")


@dataclass(frozen=True)
class ChangedFile:
    """One path that differs. status: A, M, D, R (renamed, from `old_path`) or T (another type), as git has it."""

    status: str
    path: str
    old_path: str | None = None


class GitError(SmeltError):
    """A git command failed; `stderr` is what it said, with secrets masked."""

    def __init__(self, message: str, hint: str | None, stderr: str) -> None:
        super().__init__(message, hint)
        self.stderr = stderr


def run_git(
    folder: Path,
    *arguments: str,
    stdin: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    config: Mapping[str, str] | None = None,
    timeout: float = _LOCAL_SECONDS,
) -> bytes:
    """Stdout of `git ARGUMENTS` in `folder`; raises GitError with what git said and how to fix it.

    config: git configuration for this command only, passed through the environment, so that
    what is secret in it is neither on a command line nor stored.
    """
    command = ["git", *_ALWAYS, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            input=stdin if stdin is not None else b"",
            capture_output=True,
            env=_environment(environment or {}, config or {}),
            timeout=timeout,
            check=False,
            start_new_session=True,  # without a terminal, ssh cannot ask for a passphrase either
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        if not folder.is_dir():
            raise SmeltError(f"there is no folder {folder}", "give the folder of a dbt project") from error
        raise SmeltError("git is not installed or not on PATH", "install git 2.31 or newer") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(
            f"git {arguments[0]} did not end within {timeout:g} s", "check the network and the disk", ""
        ) from error
    if done.returncode:
        stderr = mask(hide_user(done.stderr.decode(errors="replace").strip()))
        raise GitError(*_explain(arguments[0], folder, stderr), stderr)
    return done.stdout


def hide_user(text: str) -> str:
    """`text` with user names and passwords in URLs replaced: some hosts take a token as the user name."""
    return _URL_USER.sub(r"\1****@", text)


def _environment(extra: Mapping[str, str], config: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _DROPPED and not name.startswith("GIT_TRACE")
    }
    environment = {**kept, **_FIXED, **extra}
    count = int(environment.get("GIT_CONFIG_COUNT") or 0)
    for number, (key, value) in enumerate(config.items(), start=count):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    if config:
        environment["GIT_CONFIG_COUNT"] = str(count + len(config))
    return environment


def _explain(command: str, folder: Path, stderr: str) -> tuple[str, str]:
    if "not a git repository" in stderr:
        return f"{folder} is not in a git repository", "run `git init` there and commit the project"
    if "dubious ownership" in stderr:
        return (
            f"git refuses {folder}: it belongs to another user",
            f"git config --global --add safe.directory {folder}",
        )
    if "No space left" in stderr:
        return f"git {command} failed: the disk is full", "free disk space and run again"
    if ".lock" in stderr and "exists" in stderr:
        return f"git {command} failed: {stderr}", "wait for the other git process, or delete its lock file"
    return f"git {command} failed in {folder}: {stderr or 'without a message'}", "see git's message above"


@dataclass(frozen=True)
class Repository:
    """A git repository with a work tree; `root` is the work tree's top, absolute."""

    root: Path

    @classmethod
    def find(cls, folder: Path) -> Repository:
        """The repository around `folder`; raises SmeltError if there is none."""
        top = run_git(folder.resolve(), "rev-parse", "--show-toplevel").decode().rstrip("\n")
        return cls(Path(top))

    def git(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        timeout: float = _LOCAL_SECONDS,
    ) -> str:
        """Stdout of a git command as text, without the last line break."""
        output = run_git(
            self.root, *arguments, stdin=stdin, environment=environment, config=config, timeout=timeout
        )
        return output.decode(errors="surrogateescape").rstrip("\n")

    @cached_property
    def common_dir(self) -> Path:
        """The `.git` folder that all worktrees share."""
        return (self.root / self.git("rev-parse", "--git-common-dir")).resolve()

    def prefix(self, folder: Path) -> PurePosixPath:
        """`folder` relative to the repository's top; raises SmeltError if it is outside."""
        try:
            return PurePosixPath(folder.resolve().relative_to(self.root.resolve()).as_posix())
        except ValueError as error:
            raise SmeltError(f"{folder} is not inside the repository {self.root}") from error

    @property
    def is_shallow(self) -> bool:
        """Whether history was cut off when this was cloned."""
        return self.git("rev-parse", "--is-shallow-repository") == "true"

    @property
    def unmerged_paths(self) -> tuple[str, ...]:
        """Paths with merge conflicts in the user's index."""
        entries = self.git("ls-files", "--unmerged", "-z").split("\0")
        return tuple(dict.fromkeys(entry.partition("\t")[2] for entry in entries if entry))

    @property
    def remotes(self) -> dict[str, str]:
        """Names and URLs of the remotes."""
        names = self.git("remote").split()
        return {name: self.git("remote", "get-url", name) for name in names}

    def uncommitted(self, folder: Path) -> list[str]:
        """Files below `folder` that git knows and that differ from what is committed."""
        lines = self.git("status", "--porcelain", "--untracked-files=no", "--", str(folder)).splitlines()
        return [line[3:] for line in lines]

    @property
    def current_branch(self) -> str | None:
        """The branch that is checked out; None: none is (detached HEAD)."""
        return self.git("branch", "--show-current") or None

    def find_commit(self, ref: str) -> str | None:
        """The commit that `ref` names, in full; a branch that only `origin` has is found too. None: nothing."""
        for name in (ref, f"refs/remotes/origin/{ref}"):
            try:
                return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            except GitError:
                continue
        return None

    def resolve(self, ref: str) -> str:
        """The commit that `ref` names, in full; raises SmeltError that lists near names."""
        if found := self.find_commit(ref):
            return found
        if ref == "HEAD":
            raise SmeltError(f"there is no commit yet in {self.root}", "commit the project first: `git commit`")
        known = self.git("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags")
        near = difflib.get_close_matches(ref, known.split(), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"git fetch origin {ref}, or name another one"
        if self.is_shallow:
            hint = f"this clone is shallow: git fetch --unshallow; or {hint}"
        raise SmeltError(f"there is no branch, tag or commit {ref!r} in {self.root}", hint)

    def merge_base(self, one: str, other: str) -> str:
        """The newest commit that both have; raises SmeltError if there is none."""
        try:
            return self.git("merge-base", "--end-of-options", self.resolve(one), self.resolve(other))
        except GitError as error:
            if self.is_shallow:
                raise SmeltError(
                    f"{one} and {other} have no common commit in this shallow clone", "git fetch --unshallow"
                ) from error
            raise SmeltError(
                f"{one} and {other} have no common commit", "name a base that the branch came from"
            ) from error

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether `commit` is `of` or in its history."""
        try:
            self.git("merge-base", "--is-ancestor", self.resolve(commit), self.resolve(of))
        except GitError:
            return False
        return True

    def changed_files(self, base: str, head: str) -> tuple[ChangedFile, ...]:
        """Paths, relative to the repository's top, that differ between two commits; renames are followed."""
        output = self.git(
            "diff",
            "--name-status",
            "-z",
            "--find-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules",
            self.resolve(base),
            self.resolve(head),
            "--",
        )
        fields = iter(output.split("\0"))
        changed: list[ChangedFile] = []
        for status in fields:
            if not status:
                break
            old = next(fields) if status[0] in "RC" else None
            changed.append(ChangedFile(status[0], next(fields), old))
        return tuple(changed)

    def show(self, ref: str, path: str) -> bytes | None:
        """The content of `path` (from the repository's top) at `ref`; None: no such file there."""
        return self.blobs(ref, [path]).get(path)

    def blobs(self, ref: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The contents of those of `paths` that are files at `ref`, in one git process."""
        commit = self.resolve(ref)
        asked = [path for path in paths if "\n" not in path]
        if not asked:
            return {}
        names = "".join(f"{commit}:{path}\n" for path in asked)
        output = run_git(self.root, "cat-file", "--batch", stdin=names.encode(errors="surrogateescape"))
        found: dict[str, bytes] = {}
        at = 0
        for path in asked:
            end = output.index(b"\n", at)
            header = output[at:end].split(b" ")
            at = end + 1
            if header[-1] == b"missing" or header[-1] == b"ambiguous":
                continue
            size = int(header[-1])
            if header[-2] == b"blob":
                found[path] = output[at : at + size]
            at += size + 1
        return found

    def add_worktree(self, folder: Path, ref: str) -> None:
        """Check `ref` out, detached, into the new folder `folder`."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.git("worktree", "add", "--quiet", "--detach", str(folder), self.resolve(ref))

    def remove_worktree(self, folder: Path) -> None:
        """Delete a worktree with whatever is in it; one that is gone or half-made is no error."""
        shutil.rmtree(folder, ignore_errors=True)
        self.prune_worktrees()

    def prune_worktrees(self) -> None:
        """Forget worktrees whose folder is gone, also those that git was making when it was killed."""
        # Until a worktree is whole, git keeps it locked for this reason, and would never prune it.
        for entry in self.git("worktree", "list", "--porcelain").split("\n\n"):
            lines = entry.splitlines()
            folder = lines[0].removeprefix("worktree ") if lines else ""
            if "locked initializing" in lines and not Path(folder).exists():
                self.git("worktree", "unlock", folder)
        self.git("worktree", "prune", "--expire", "now")
