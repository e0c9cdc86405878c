"""GitHub's REST API (version 2022-11-28), as far as Smelt uses it, below /api/v3 as on GitHub Enterprise."""

from __future__ import annotations

import re
from typing import Any

from tests.review.forge.server import Answer, Hub, Note, PullRecord


class GitHubApi:
    """See `server.Dialect`."""

    prefix = "/api/v3"

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.is_app = False  # as in Actions: may not ask who it is
        self.address = ""

    def token_of(self, headers: Any) -> str | None:
        return headers.get("Authorization", "").partition(" ")[2]

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        if path == "/user":
            if self.is_app:
                return Answer(403, {"message": "Resource not accessible by integration"})
            return Answer(200, {"login": self.hub.login, "type": "User"})
        repository = f"/repos/{self.hub.full_name}"
        if path == repository:
            return Answer(200, {"full_name": self.hub.full_name, "default_branch": "main"})
        if path == f"{repository}/pulls":
            return self._listed(query) if method == "GET" else self._create(body)
        if found := re.fullmatch(rf"{repository}/issues/comments/(\d+)", path):
            return self._comment(method, int(found[1]), body)
        found = re.fullmatch(rf"{repository}/(pulls|issues)/(\d+)(/\w+)?", path)
        pull = self.hub.pull(int(found[2])) if found else None
        if found is None or pull is None:
            return Answer(404, {"message": "Not Found"})
        if found[3] == "/files":
            return Answer(200, rows=[self._file(*one) for one in self.hub.files(pull)])
        if found[3] == "/comments":
            if method == "POST":
                return Answer(201, self._note(pull, self.hub.note(pull, body["body"])))
            return Answer(200, rows=[self._note(pull, note) for note in pull.notes])
        if method == "PATCH":
            return self._edit(pull, body)
        return Answer(200, self._pull(pull))

    def _listed(self, query: dict[str, str]) -> Answer:
        owner = self.hub.full_name.partition("/")[0]
        wanted = [pull for pull in reversed(self.hub.pulls) if query["head"] == f"{owner}:{pull.branch}"]
        return Answer(200, rows=[self._pull(pull) for pull in wanted])

    def _create(self, body: dict[str, Any]) -> Answer:
        made = self.hub.open_pull(body["head"], body["base"], body["title"], body["body"])
        if isinstance(made, str):
            return Answer(422, {"message": "Validation Failed", "errors": [{"message": made}]})
        return Answer(201, self._pull(made))

    def _edit(self, pull: PullRecord, body: dict[str, Any]) -> Answer:
        pull.title, pull.body = body.get("title", pull.title), body.get("body", pull.body)
        if body.get("state") == "closed":
            self.hub.decide(pull, "closed")
        return Answer(200, self._pull(pull))

    def _comment(self, method: str, number: int, body: dict[str, Any]) -> Answer:
        for pull in self.hub.pulls:
            for note in pull.notes:
                if note.id == number:
                    if method == "DELETE":
                        pull.notes.remove(note)
                        return Answer(204)
                    note.body = body.get("body", note.body)
                    return Answer(200, self._note(pull, note))
        return Answer(404, {"message": "Not Found"})

    def _pull(self, pull: PullRecord) -> dict[str, Any]:
        url = f"{self.address}{self.prefix}/repos/{self.hub.full_name}"
        return {
            "number": pull.number,
            "url": f"{url}/pulls/{pull.number}",
            "issue_url": f"{url}/issues/{pull.number}",
            "html_url": f"{self.address}/{self.hub.full_name}/pull/{pull.number}",
            "state": "open" if pull.state == "open" else "closed",
            "merged_at": "2026-01-01T00:00:00Z" if pull.state == "merged" else None,
            "title": pull.title,
            "body": pull.body,
            "head": {"ref": pull.branch, "sha": self.hub.head(pull)},
            "base": {"ref": pull.base},
        }

    def _note(self, pull: PullRecord, note: Note) -> dict[str, Any]:
        is_bot = note.author.endswith("[bot]") or (self.is_app and note.author == self.hub.login)
        return {
            "id": note.id,
            "url": f"{self.address}{self.prefix}/repos/{self.hub.full_name}/issues/comments/{note.id}",
            "html_url": f"{self.address}/{self.hub.full_name}/pull/{pull.number}#issuecomment-{note.id}",
            "body": note.body,
            "user": {"login": note.author, "type": "Bot" if is_bot else "User"},
        }

    @staticmethod
    def _file(status: str, path: str, blob: str) -> dict[str, Any]:
        names = {"A": "added", "D": "removed", "M": "modified"}
        return {"filename": path, "status": names[status], "sha": blob}
