"""GitHub and GitHub Enterprise, through PyGithub. Its own retries are off: they know no budget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import requests

from plugins.core.errors import SmeltError
from plugins.core.settings import mask
from plugins.review.forge.attempts import ForgeFailure, limit_of
from plugins.review.forge.forge import Decision
from plugins.review.forge.hosted import Comment, Pull
from plugins.review.forge.push import Token

if TYPE_CHECKING:
    from github.IssueComment import IssueComment
    from github.PullRequest import PullRequest
    from github.Repository import Repository

API = "https://api.github.com"
NEEDS = (
    "the token needs 'Contents: write' and 'Pull requests: write' on the repository "
    "(a classic token: the scope `repo`; in Actions: `permissions: {contents: write, pull-requests: write}`)"
)
_SECONDS = 30


class GitHub:
    """One repository on GitHub."""

    name = "github"
    body_limit = 65_000  # GitHub takes 65,536 characters

    def __init__(self, api_url: str, repository: str, token: Token) -> None:
        self.api_url = api_url.rstrip("/")
        self.full_name = repository
        self.token = token

    def default_branch(self) -> str:
        """See `Host`."""
        with _failures():
            return self._api.get_repo(self.full_name).default_branch

    def find(self, branch: str) -> Pull | None:
        """See `Host`."""
        owner = self.full_name.partition("/")[0]
        with _failures():
            listed = self._repository.get_pulls(
                state="all", head=f"{owner}:{branch}", sort="created", direction="desc"
            )
            # The API ignores a filter that it does not understand, so look again.
            found = [_pull(pull) for pull in listed.get_page(0) if pull.head.ref == branch]
        return next((pull for pull in found if pull.decision is Decision.OPEN), found[0] if found else None)

    def get(self, number: int) -> Pull:
        """See `Host`."""
        with _failures():
            return _pull(self._repository.get_pull(number))

    def create(self, branch: str, base: str, title: str, body: str) -> Pull:
        """See `Host`."""
        with _failures():
            return _pull(self._repository.create_pull(base=base, head=branch, title=title, body=body))

    def edit(self, number: int, title: str, body: str) -> None:
        """See `Host`."""
        with _failures():
            self._repository.get_pull(number).edit(title=title, body=body)

    def close(self, number: int) -> None:
        """See `Host`."""
        with _failures():
            self._repository.get_pull(number).edit(state="closed")

    def blobs(self, pull: Pull) -> dict[str, str | None]:
        """See `Host`."""
        blobs: dict[str, str | None] = {}
        with _failures():
            for file in self._repository.get_pull(pull.number).get_files():
                if file.status == "renamed":
                    blobs[file.previous_filename] = None
                blobs[file.filename] = None if file.status == "removed" else file.sha
        return blobs

    def comments(self, number: int) -> list[Comment]:
        """See `Host`."""
        with _failures():
            return [self._comment(one) for one in self._repository.get_issue(number).get_comments()]

    def add_comment(self, number: int, body: str) -> Comment:
        """See `Host`."""
        with _failures():
            return self._comment(self._repository.get_issue(number).create_comment(body))

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        """See `Host`."""
        with _failures():
            self._repository.get_issue(number).get_comment(comment).edit(body)

    def delete_comment(self, number: int, comment: int) -> None:
        """See `Host`."""
        with _failures():
            self._repository.get_issue(number).get_comment(comment).delete()

    def explain(self, failure: ForgeFailure, doing: str) -> SmeltError:
        """See `Host`."""
        where = f"{self.full_name} ({self.api_url})"
        if failure.status == 401:
            return SmeltError(
                f"GitHub does not accept the token {self.token.reference}: cannot {doing} in {where}",
                f"make a new token: {NEEDS}",
            )
        if failure.status == 403:
            return SmeltError(
                f"the token {self.token.reference} has no right to {doing} in {where}: {failure.message}", NEEDS
            )
        if failure.status == 404:
            return SmeltError(
                f"cannot {doing}: GitHub has no such thing in {where}, or hides it from {self.token.reference}",
                f"correct forge.repository (owner/name) or the number; {NEEDS}",
            )
        return SmeltError(
            f"GitHub refuses to {doing} in {where} (HTTP {failure.status}): {failure.message}",
            "see GitHub's message above",
        )

    @cached_property
    def _api(self) -> Any:
        from github import Auth, Github

        return Github(
            auth=Auth.Token(self.token.value),
            base_url=self.api_url,
            timeout=_SECONDS,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    @cached_property
    def _repository(self) -> Repository:
        return self._api.get_repo(self.full_name, lazy=True)

    @cached_property
    def _login(self) -> str | None:
        """Who we are; None: an app, such as Actions, which may not ask."""
        from github import GithubException

        try:
            return self._api.get_user().login
        except GithubException as error:
            if error.status == 403 and not limit_of(403, dict(error.headers or {}), str(error.data))[0]:
                return None
            raise

    def _comment(self, comment: IssueComment) -> Comment:
        # Somebody else's comment with our marker stays theirs: they could edit what we write there.
        author = comment.user
        is_own = author.type == "Bot" if self._login is None else author.login == self._login
        return Comment(comment.id, comment.body, comment.html_url, is_own)


def _pull(pull: PullRequest) -> Pull:
    if pull.merged_at is not None:
        decision = Decision.MERGED
    else:
        decision = Decision.OPEN if pull.state == "open" else Decision.CLOSED
    return Pull(pull.number, pull.html_url, decision, pull.head.sha)


@contextmanager
def _failures() -> Iterator[None]:
    """Make every failed request a ForgeFailure."""
    from github import GithubException

    try:
        yield
    except GithubException as error:
        data = error.data if isinstance(error.data, dict) else {}
        details = "; ".join(_detail(one) for one in data.get("errors") or ())
        message = mask(
            ": ".join(text for text in (str(data.get("message") or error.message or ""), details) if text)
        )
        is_limit, after = limit_of(error.status, dict(error.headers or {}), message)
        raise ForgeFailure(error.status, message, after, is_limit) from error
    except requests.exceptions.SSLError as error:
        raise ForgeFailure(495, f"its certificate is not trusted: {mask(str(error))}") from error
    except requests.exceptions.RequestException as error:
        raise ForgeFailure(None, mask(str(error))) from error


def _detail(error: Any) -> str:
    return str(error.get("message") or error) if isinstance(error, dict) else str(error)
