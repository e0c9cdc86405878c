"""Proposals on disk: `<id>/proposal.json` and `<id>/body.md`, what a reviewer reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from plugins.core.errors import SmeltError
from plugins.review.files import write_atomically
from plugins.review.proposal import Proposal

_SECONDS = 300


@dataclass(frozen=True)
class StoredProposal:
    """A proposal and its rendered body, markdown."""

    proposal: Proposal
    body: str


@dataclass(frozen=True)
class ProposalStore:
    """The proposals below one folder."""

    folder: Path

    def save(self, proposal: Proposal, body: str) -> None:
        """Write or replace a proposal. It can be found once its proposal.json is there, which comes last."""
        write_atomically(self.folder / proposal.id / "body.md", body)
        write_atomically(self.folder / proposal.id / "proposal.json", proposal.model_dump_json(indent=2) + "\n")

    @property
    def ids(self) -> list[str]:
        """All ids, oldest first."""
        return sorted(path.parent.name for path in self.folder.glob("*/proposal.json"))

    def find(self, prefix: str) -> StoredProposal:
        """The one whose id begins with `prefix`, in any case; raises SmeltError that lists near ids."""
        known = self.ids
        matching = [one for one in known if one.startswith(prefix.upper())] if prefix else []
        if len(matching) == 1:
            return self.load(matching[0])
        if matching:
            raise SmeltError(
                f"{len(matching)} proposals begin with {prefix}", f"give more of it: {', '.join(matching[-5:])}"
            )
        near = difflib.get_close_matches(prefix.upper(), known, n=3, cutoff=0.5) or known[-3:]
        hint = f"did you mean {' or '.join(near)}?" if near else "there are none yet"
        raise SmeltError(f"there is no proposal {prefix!r} in {self.folder}", hint)

    def load(self, proposal_id: str) -> StoredProposal:
        """The proposal with this id; raises SmeltError if its files cannot be read."""
        folder = self.folder / proposal_id
        try:
            text = (folder / "proposal.json").read_text(encoding="utf-8")
            body = (folder / "body.md").read_text(encoding="utf-8")
            return StoredProposal(Proposal.model_validate_json(text), body)
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            what = str(error).splitlines()[0]
            raise SmeltError(
                f"the proposal in {folder} cannot be read: {what}",
                f"restore its files, or delete the folder {folder}",
            ) from error

    @contextmanager
    def locked(self, proposal_id: str) -> Iterator[None]:
        """Keep other processes from opening or closing the same proposal meanwhile."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / proposal_id / ".lock", timeout=_SECONDS):
                yield
        except Timeout as error:
            raise SmeltError(
                f"another process has been working on proposal {proposal_id} for {_SECONDS} s",
                "wait until it ends, or stop it",
            ) from error
