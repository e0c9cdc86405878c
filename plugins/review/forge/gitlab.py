"""GitLab, gitlab.com or one's own, through python-gitlab. Its own retries are off: they know no budget."""

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
    from gitlab import Gitlab

ADDRESS = "https://gitlab.com"
NEEDS = "the token needs the scopes `api` and `write_repository`, and its owner the role Developer in the project"
_SECONDS = 30
_ONCE: dict[str, Any] = {"obey_rate_limit": False, "retry_transient_errors": False}
_DECISIONS = {"merged": Decision.MERGED, "closed": Decision.CLOSED}


class GitLab:
    """One project on GitLab."""

    name = "gitlab"
    body_limit = 1_000_000  # GitLab takes 1,048,576 characters

    def __init__(self, address: str, project: str, token: Token) -> None:
        self.address = address.rstrip("/").removesuffix("/api/v4")
        self.path = project
        self.token = token
        self._headers: dict[str, str] = {}

    def default_branch(self) -> str:
        """See `Host`."""
        with self._failures():
            return self._api.projects.get(self.path, **_ONCE).default_branch

    def find(self, branch: str) -> Pull | None:
        """See `Host`."""
        with self._failures():
            listed = self._project.mergerequests.list(
                source_branch=branch, state="all", order_by="created_at", sort="desc", get_all=False, **_ONCE
            )
        found = [_pull(merge_request) for merge_request in listed if merge_request.source_branch == branch]
        return next((pull for pull in found if pull.decision is Decision.OPEN), found[0] if found else None)

    def get(self, number: int) -> Pull:
        """See `Host`."""
        with self._failures():
            return _pull(self._project.mergerequests.get(number, **_ONCE))

    def create(self, branch: str, base: str, title: str, body: str) -> Pull:
        """See `Host`."""
        fields = {"source_branch": branch, "target_branch": base, "title": title, "description": body}
        with self._failures():
            return _pull(self._project.mergerequests.create(fields, **_ONCE))

    def edit(self, number: int, title: str, body: str) -> None:
        """See `Host`."""
        with self._failures():
            self._project.mergerequests.update(number, {"title": title, "description": body}, **_ONCE)

    def close(self, number: int) -> None:
        """See `Host`."""
        with self._failures():
            self._project.mergerequests.update(number, {"state_event": "close"}, **_ONCE)

    def blobs(self, pull: Pull) -> dict[str, str | None]:
        """See `Host`."""
        blobs: dict[str, str | None] = {}
        with self._failures():
            refs = self._project.mergerequests.get(pull.number, **_ONCE).diff_refs
            compared = self._project.repository_compare(refs["base_sha"], refs["head_sha"], **_ONCE)
            for diff in compared["diffs"]:
                if diff["deleted_file"] or diff["renamed_file"]:
                    blobs[diff["old_path"]] = None
                if not diff["deleted_file"]:
                    file = self._project.files.get(diff["new_path"], ref=refs["head_sha"], **_ONCE)
                    blobs[diff["new_path"]] = file.blob_id
        return blobs

    def comments(self, number: int) -> list[Comment]:
        """See `Host`."""
        with self._failures():
            notes = self._notes(number).list(get_all=True, sort="asc", order_by="created_at", **_ONCE)
            return [self._comment(number, note) for note in notes if not note.system]

    def add_comment(self, number: int, body: str) -> Comment:
        """See `Host`."""
        with self._failures():
            return self._comment(number, self._notes(number).create({"body": body}, **_ONCE))

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        """See `Host`."""
        with self._failures():
            self._notes(number).update(comment, {"body": body}, **_ONCE)

    def delete_comment(self, number: int, comment: int) -> None:
        """See `Host`."""
        with self._failures():
            self._notes(number).delete(comment, **_ONCE)

    def explain(self, failure: ForgeFailure, doing: str) -> SmeltError:
        """See `Host`."""
        where = f"{self.path} ({self.address})"
        doing = doing.replace("pull request", "merge request")
        if failure.status == 401:
            return SmeltError(
                f"GitLab does not accept the token {self.token.reference}: cannot {doing} in {where}",
                f"make a new token: {NEEDS}",
            )
        if failure.status == 403:
            return SmeltError(
                f"the token {self.token.reference} has no right to {doing} in {where}: {failure.message}", NEEDS
            )
        if failure.status == 404:
            return SmeltError(
                f"cannot {doing}: GitLab has no such thing in {where}, or hides it from {self.token.reference}",
                f"correct forge.repository (the project's path) or the number; {NEEDS}",
            )
        return SmeltError(
            f"GitLab refuses to {doing} in {where} (HTTP {failure.status}): {failure.message}",
            "see GitLab's message above",
        )

    @cached_property
    def _api(self) -> Gitlab:
        from gitlab import Gitlab

        session = requests.Session()
        # python-gitlab's errors do not carry the headers, which say how long to wait.
        session.hooks["response"].append(self._remember_headers)
        return Gitlab(self.address, private_token=self.token.value, timeout=_SECONDS, session=session)

    def _remember_headers(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self._headers = dict(response.headers)

    @cached_property
    def _project(self) -> Any:
        return self._api.projects.get(self.path, lazy=True)

    @cached_property
    def _username(self) -> str:
        self._api.auth()
        return self._api.user.username if self._api.user else ""

    def _notes(self, number: int) -> Any:
        return self._project.mergerequests.get(number, lazy=True).notes

    def _comment(self, number: int, note: Any) -> Comment:
        url = f"{self.address}/{self.path}/-/merge_requests/{number}#note_{note.id}"
        return Comment(note.id, note.body, url, note.author["username"] == self._username)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Make every failed request a ForgeFailure."""
        from gitlab.exceptions import GitlabError

        try:
            yield
        except GitlabError as error:
            status = error.response_code or 400
            message = mask(str(error.error_message))
            is_limit, after = limit_of(status, self._headers, message)
            raise ForgeFailure(status, message, after, is_limit) from error
        except requests.exceptions.SSLError as error:
            raise ForgeFailure(495, f"its certificate is not trusted: {mask(str(error))}") from error
        except requests.exceptions.RequestException as error:
            raise ForgeFailure(None, mask(str(error))) from error


def _pull(merge_request: Any) -> Pull:
    decision = _DECISIONS.get(merge_request.state, Decision.OPEN)
    return Pull(merge_request.iid, merge_request.web_url, decision, merge_request.sha or "")
