"""From settings to a forge."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, resolve
from plugins.review.forge import github, gitlab
from plugins.review.forge.attempts import Attempts
from plugins.review.forge.forge import Forge, Tips
from plugins.review.forge.hosted import Host, HostedForge
from plugins.review.forge.local import LocalForge
from plugins.review.forge.push import LOOPBACK, Remote, Token, remote_url, split_remote
from plugins.review.git import Repository, hide_user

KINDS = ("local", "github", "gitlab")
_TOKENS = {"github": "env:GITHUB_TOKEN", "gitlab": "env:GITLAB_TOKEN"}
# Users that take a token as the password when git pushes over HTTPS.
_USERS = {"github": "x-access-token", "gitlab": "oauth2"}
# Where a CI job says which repository it runs for.
_CI_REPOSITORY = {"github": "GITHUB_REPOSITORY", "gitlab": "CI_PROJECT_PATH"}
_CI_API = {"github": "GITHUB_API_URL", "gitlab": "CI_SERVER_URL"}


def open_forge(
    settings: Settings, tips: Tips, kind: str | None = None, wait_seconds: float | None = None
) -> Forge:
    """The forge that `settings.forge` describes, or another `kind` of it.

    wait_seconds: the budget for rate limits and lost connections, from now on; default: the settings'.
    Raises SmeltError if the token is missing or the repository's place is unknown. No request is made.
    """
    kind = kind or settings.forge.kind
    if kind not in KINDS:
        raise SmeltError(f"there is no forge {kind!r}", f"one of {', '.join(KINDS)}")
    folder = settings.project_dir
    if kind == "local":
        repository = Repository.find(folder)
        return LocalForge(
            repository,
            repository.prefix(folder),
            settings.local_root / "proposals",
            tips,
            settings.forge.committer,
            settings.forge.base_branch,
        )
    token = _token(settings, kind)
    address = _address(settings, kind)
    budget = settings.forge.wait_seconds if wait_seconds is None else wait_seconds
    attempts = Attempts("GitHub" if kind == "github" else "GitLab", budget)
    host = _host(kind, address, _repository(settings, kind), token)

    def remote() -> Remote:
        repository = Repository.find(folder)
        url = remote_url(repository, settings.forge.remote)
        configuration = token.for_git(url, _git_host(address))
        return Remote(repository, settings.forge.remote, url, attempts, needs(kind), configuration)

    def prefix(repository: Repository) -> PurePosixPath:
        return repository.prefix(folder)

    return HostedForge(host, attempts, tips, settings.forge.committer, settings.forge.base_branch, remote, prefix)


def needs(kind: str) -> str:
    """The rights that a token needs, in a sentence."""
    return github.NEEDS if kind == "github" else gitlab.NEEDS


def _host(kind: str, address: str, repository: str, token: Token) -> Host:
    maker = github.GitHub if kind == "github" else gitlab.GitLab
    return maker(address, repository, token)


def _address(settings: Settings, kind: str) -> str:
    """Where the API is. The token is sent there with every request, so never in the clear over a network."""
    default = github.API if kind == "github" else gitlab.ADDRESS
    address = settings.forge.api_url or os.environ.get(_CI_API[kind]) or default
    parts = urlsplit(address)
    if (parts.scheme == "https" and parts.hostname) or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return address
    raise SmeltError(f"forge.api_url is no https:// address: {hide_user(address)}", "correct forge.api_url")


def _git_host(address: str) -> str:
    """The host, with its port, that serves git to the API at `address`."""
    host = urlsplit(address).netloc.rpartition("@")[2]
    return "github.com" if host == urlsplit(github.API).netloc else host


def _token(settings: Settings, kind: str) -> Token:
    reference = settings.forge.token or _TOKENS[kind]
    value = resolve(reference, settings.project_dir, "forge.token").strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise SmeltError(
            f"what {reference} holds is no token: it has spaces or control characters",
            "store the token alone, on one line",
        )
    return Token(value, reference, _USERS[kind])


def _repository(settings: Settings, kind: str) -> str:
    """`owner/name` from the settings, from the CI job's environment, or from the remote's URL."""
    if named := settings.forge.repository or os.environ.get(_CI_REPOSITORY[kind]):
        return named
    folder: Path = settings.project_dir
    url = remote_url(Repository.find(folder), settings.forge.remote)
    host, path = split_remote(url)
    if not host or "/" not in path:
        raise SmeltError(
            f"the remote {settings.forge.remote} does not say which repository on {kind} it is",
            "set forge.repository to owner/name",
        )
    return path
