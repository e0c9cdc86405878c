"""GitLab's REST API (v4), as far as Smelt uses it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from tests.review.forge.server import Answer, Hub, Note, PullRecord

_STATES = {"open": "opened", "merged": "merged", "closed": "closed"}


class GitLabApi:
    """See `server.Dialect`."""

    prefix = "/api/v4"

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.address = ""

    def token_of(self, headers: Any) -> str | None:
        return headers.get("PRIVATE-TOKEN")

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        if path == "/user":
            return Answer(200, {"id": 7, "username": self.hub.login})
        project = f"/projects/{quote(self.hub.full_name, safe='')}"
        if not path.startswith(project):
            return Answer(404, {"message": "404 Project Not Found"})
        rest = path.removeprefix(project)
        if rest == "":
            return Answer(200, {"id": 1, "default_branch": "main"})
        if rest == "/repository/compare":
            return Answer(200, {"diffs": self._diffs(query["from"], query["to"])})
        if rest.startswith("/repository/files/"):
            name = unquote(rest.removeprefix("/repository/files/"))
            return Answer(200, {"file_path": name, "blob_id": self.hub.git("rev-parse", f"{query['ref']}:{name}")})
        if rest == "/merge_requests":
            return self._listed(query) if method == "GET" else self._create(body)
        found = re.fullmatch(r"/merge_requests/(\d+)(/notes)?(?:/(\d+))?", rest)
        pull = self.hub.pull(int(found[1])) if found else None
        if found is None or pull is None:
            return Answer(404, {"message": "404 Not found"})
        if found[2]:
            return self._notes(method, pull, int(found[3] or 0), body)
        if method == "PUT":
            return self._edit(pull, body)
        return Answer(200, self._pull(pull))

    def _listed(self, query: dict[str, str]) -> Answer:
        wanted = [pull for pull in reversed(self.hub.pulls) if pull.branch == query["source_branch"]]
        return Answer(200, rows=[self._pull(pull) for pull in wanted])

    def _create(self, body: dict[str, Any]) -> Answer:
        made = self.hub.open_pull(body["source_branch"], body["target_branch"], body["title"], body["description"])
        if isinstance(made, str):
            return Answer(409 if "exists" in made else 400, {"message": [made]})
        return Answer(201, self._pull(made))

    def _edit(self, pull: PullRecord, body: dict[str, Any]) -> Answer:
        pull.title, pull.body = body.get("title", pull.title), body.get("description", pull.body)
        if body.get("state_event") == "close":
            self.hub.decide(pull, "closed")
        return Answer(200, self._pull(pull))

    def _notes(self, method: str, pull: PullRecord, number: int, body: dict[str, Any]) -> Answer:
        if method == "POST":
            return Answer(201, self._note(self.hub.note(pull, body["body"])))
        if not number:
            return Answer(200, rows=[self._note(note) for note in pull.notes])
        note = next((note for note in pull.notes if note.id == number), None)
        if note is None:
            return Answer(404, {"message": "404 Not found"})
        if method == "DELETE":
            pull.notes.remove(note)
            return Answer(204)
        note.body = body.get("body", note.body)
        return Answer(200, self._note(note))

    def _pull(self, pull: PullRecord) -> dict[str, Any]:
        head = self.hub.head(pull)
        return {
            "id": 1000 + pull.number,
            "iid": pull.number,
            "web_url": f"{self.address}/{self.hub.full_name}/-/merge_requests/{pull.number}",
            "state": _STATES[pull.state],
            "title": pull.title,
            "description": pull.body,
            "source_branch": pull.branch,
            "target_branch": pull.base,
            "sha": head,
            "diff_refs": {"base_sha": self.hub.git("merge-base", pull.base, head), "head_sha": head},
        }

    @staticmethod
    def _note(note: Note) -> dict[str, Any]:
        return {"id": note.id, "body": note.body, "system": False, "author": {"username": note.author}}

    def _diffs(self, base: str, head: str) -> list[dict[str, Any]]:
        listed = self.hub.git("diff", "--name-status", "--no-renames", base, head)
        rows = (line.split("\t") for line in listed.splitlines())
        return [
            {"old_path": path, "new_path": path, "deleted_file": status == "D", "renamed_file": False}
            for status, path in rows
        ]
