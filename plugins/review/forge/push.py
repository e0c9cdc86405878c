"""Pushing a proposal's branch: never over what a person did, and with the token in memory only."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from plugins.core.errors import SmeltError
from plugins.review.forge.attempts import Attempts, ForgeFailure
from plugins.review.git import GitError, Repository, hide_user

_SECONDS = 300
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
# What git says when no answer came, or half of one.
_LOST = (
    "could not resolve host",
    "couldn't connect",
    "failed to connect",
    "connection refused",
    "connection reset",
    "connection timed out",
    "operation timed out",
    "early eof",
    "remote end hung up",
    "rpc failed",
    "empty reply",
    "did not end within",
    "error: 500",
    "error: 502",
    "error: 503",
    "error: 504",
    "error: 429",
)
_MOVED = ("stale info", "fetch first", "cannot lock ref", "reference already exists")
# Whatever the user's git is configured to do besides.
_PUSH_ONLY_THIS = ("--quiet", "--no-follow-tags", "--recurse-submodules=no", "--no-signed", "--no-verify")
_NO_RIGHTS = (
    "authentication failed",
    "could not read username",
    "could not read password",
    "permission denied",
    "permission to",
    "error: 403",
    "error: 401",
    "invalid credentials",
)


def remote_url(repository: Repository, remote: str) -> str:
    """The URL of a remote given by name, URL or path; raises SmeltError if the repository has none such."""
    remotes = repository.remotes
    if remote in remotes:
        return remotes[remote]
    if "://" in remote or "/" in remote or "@" in remote:
        return remote
    known = ", ".join(remotes) or "none"
    raise SmeltError(
        f"{repository.root} has no remote {remote!r} (known: {known})",
        f"git remote add {remote} URL, or set forge.remote, or use the local forge: forge.kind = 'local'",
    )


def split_remote(url: str) -> tuple[str, str]:
    """Host (with its port) and repository path of a remote's URL; both empty if it is a path on this machine."""
    if "://" not in url:
        host, colon, path = url.rpartition("@")[2].partition(":")
        if not colon or "/" in host:
            return "", ""
        return host, path.strip("/").removesuffix(".git")
    parts = urlsplit(url)
    if parts.scheme == "file":
        return "", ""
    host = parts.netloc.rpartition("@")[2]
    return host, parts.path.strip("/").removesuffix(".git")


@dataclass(frozen=True)
class Token:
    """A token and the reference it came from. Its text is in no representation."""

    value: str = field(repr=False)
    reference: str
    user: str

    def for_git(self, url: str, forge_host: str) -> dict[str, str]:
        """Git configuration that sends the token to `url`; empty where it must not go or isn't used.

        It goes to the forge's own host only, and never in the clear over a network.
        """
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        if parts.scheme not in ("http", "https") or host != forge_host:
            return {}
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise SmeltError(
                f"the token would be sent unencrypted to {host}",
                f"use an https:// or ssh URL for {hide_user(url)}",
            )
        pair = base64.b64encode(f"{self.user}:{self.value}".encode()).decode()
        return {
            f"http.{parts.scheme}://{host}/.extraHeader": f"Authorization: Basic {pair}",
            "credential.helper": "",
        }


@dataclass(frozen=True)
class Remote:
    """A remote repository, and how to talk to it.

    remote: its name, or its URL if it has none. configuration: git's, for the commands that talk to it.
    needs: how to get the rights for a push.
    """

    repository: Repository
    remote: str
    url: str
    attempts: Attempts
    needs: str
    configuration: Mapping[str, str]

    def tip(self, branch: str) -> str | None:
        """The newest commit of `branch` on the remote; None: there is no such branch."""
        listed = self._git("ls-remote", "--heads", "--", self.remote, f"refs/heads/{branch}")
        return next((line.split("\t")[0] for line in listed.splitlines()), None)

    def fetch(self, branch: str) -> None:
        """Have the commits of `branch` here, without a ref of their own."""
        # Named by its URL, so that no remote-tracking branch of the user's moves.
        quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no")
        self._git("fetch", *quiet, "--", self.url, f"refs/heads/{branch}")

    def push(self, branch: str, commit: str, expected: str | None) -> None:
        """Make `branch` point to `commit`, provided that it still points to `expected` (None: doesn't exist).

        Raises SmeltError if it moved meanwhile. Safe to repeat.
        """
        ref = f"refs/heads/{branch}"

        def push() -> None:
            self._once(
                "push", "--quiet", f"--force-with-lease={ref}:{expected or ''}", self.url, f"{commit}:{ref}"
            )

        try:
            self.attempts.run(push)
        except ForgeFailure as failure:
            # The connection may have been lost after the branch was written.
            if self.tip(branch) == commit:
                return
            if any(text in failure.message for text in _MOVED):
                raise touched(branch) from failure
            raise self._explain(failure) from failure

    def _git(self, *arguments: str) -> str:
        try:
            return self.attempts.run(lambda: self._once(*arguments))
        except ForgeFailure as failure:
            raise self._explain(failure) from failure

    def _once(self, *arguments: str) -> str:
        try:
            return self.repository.git(*arguments, config=self.configuration, timeout=_SECONDS)
        except GitError as error:
            said = f"{error.message}\n{error.stderr}".lower()
            lost = any(text in said for text in _LOST) and not any(text in said for text in _NO_RIGHTS)
            raise ForgeFailure(None if lost else 400, error.stderr or error.message) from error

    def _explain(self, failure: ForgeFailure) -> SmeltError:
        said = failure.message.lower()
        where = hide_user(self.url)
        if any(text in said for text in _NO_RIGHTS) or "not found" in said:
            over_http = self.url.startswith(("http://", "https://"))
            hint = self.needs if over_http else f"give your SSH key the right to push to {where}"
            return SmeltError(f"git may not write to {where}: {failure.message}", hint)
        if "shallow" in said:
            return SmeltError(f"{where} refuses a push from a shallow clone", "git fetch --unshallow")
        if "hook declined" in said or "protected" in said:
            return SmeltError(
                f"{where} refuses the branch: {failure.message}",
                "let branches below smelt/ through its rules, and forge.committer through its push rules",
            )
        if "does not appear to be a git repository" in said or "does not exist" in said:
            return SmeltError(f"there is no git repository at {where}", "correct forge.remote or the remote's URL")
        return SmeltError(f"git cannot push to {where}: {failure.message}", "see git's message above")


def touched(branch: str) -> SmeltError:
    """The error that a branch has commits which Smelt did not make."""
    return SmeltError(
        f"the branch {branch} has commits that Smelt did not make; it is left as it is",
        "finish it by hand, or move those commits to a branch of your own, delete this one, and open it again",
    )
