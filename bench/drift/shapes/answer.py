"""What a tool makes of a case, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True)
class Asked:
    """A question to a person; path: the file that it is about, relative to the project."""

    text: str
    path: str = ""


@dataclass(frozen=True)
class Answer:
    """files: text of each file that the tool wrote, None for one that it deletes. found: changes that it tells,
    as kind, columns before, columns after. failed: whether the tool itself says that its patch fails; None: it
    did not try. error: why there is no answer.
    """

    files: Mapping[str, str | None] = field(default_factory=dict)
    questions: tuple[Asked, ...] = ()
    found: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = ()
    failed: bool | None = None
    error: str = ""
    seconds: float = 0.0


class Tool(Protocol):
    """A tool that was shown a project before anything happened to its sources."""

    def answer(self) -> Answer:
        """What it makes of the project now; it raises nothing."""
        ...


class Outcome(StrEnum):
    """right: what was expected. handed: asked with the place, where a patch was possible. vague: asked, without
    naming what about. broken: a patch that does not build, and says nothing of it. caught: a patch that is wrong,
    which the tool says itself. silent: a patch that builds, asks nothing about it, and makes gold wrong. missed:
    nothing was proposed, and the project breaks or is wrong. false: a proposal though nothing drifted. crashed:
    the tool gave up.
    """

    RIGHT = "right"
    HANDED = "handed"
    VAGUE = "vague"
    BROKEN = "broken"
    CAUGHT = "caught"
    SILENT = "silent"
    MISSED = "missed"
    FALSE = "false"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Edits:
    """Lines of the diff. needless: those of the original that were changed and name nothing that drifted."""

    added: int = 0
    removed: int = 0
    needless: int = 0


@dataclass(frozen=True)
class Verdict:
    """What became of a case. did: `patched`, `asked` or `nothing`. builds, equal: of the project with the patch,
    or without one where none was made; None: not tried. is_asked: whether a question names what drifted. why: what
    was wrong, for a person.
    """

    case: str
    kind: str
    shape: str
    activity: str
    outcome: Outcome
    did: str
    accepts: tuple[str, ...]
    builds: bool | None = None
    equal: bool | None = None
    is_asked: bool = False
    understood: float | None = None
    edits: Edits = Edits()
    why: tuple[str, ...] = ()
    seconds: float = 0.0
