"""A proposal: file changes that a machine suggests, with its reason, confidence and questions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from ulid import ULID

from plugins.review.evidence.finding import Finding


class FileChange(BaseModel):
    """One file before and after; None: it does not exist then. `path` is relative to the dbt project's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    before: str | None
    after: str | None

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or ".git" in parts or "\\" in path or "\0" in path:
            raise ValueError(f"{path!r} does not stay inside the project")
        return path


class Proposal(BaseModel):
    """What a plugin returns; it never writes to the user's branch itself.

    kind: which capability made it (`model`, `mapping`, `drift`, `connector`). reason: markdown, what changed
    and why this answers it. confidence: 0..1. base: the commit it was made against.
    commits: messages and paths, when the changes are better read as several commits; default: one.
    told: what each changed file does, in a line of markdown, by path. notes: what else the reviewer should know,
    markdown, each below the evidence.
    subject: what it is about, such as a source system, where only one proposal of the kind may be open at a time.
    One without changes only asks: it needs questions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=lambda: str(ULID()))
    kind: str
    subject: str = ""
    title: str
    reason: str
    confidence: float = Field(ge=0, le=1)
    base: str
    changes: tuple[FileChange, ...] = ()
    commits: tuple[tuple[str, tuple[str, ...]], ...] = ()
    questions: tuple[str, ...] = ()
    told: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    evidence: tuple[Finding, ...] = ()
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @model_validator(mode="after")
    def _says_something(self) -> Proposal:
        if not self.changes and not self.questions:
            raise ValueError("a proposal changes a file or asks a question")
        return self

    @property
    def branch(self) -> str:
        """The branch it is opened on; one proposal, one branch."""
        return f"smelt/{self.kind}/{self.id.lower()}"
