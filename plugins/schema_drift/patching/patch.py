"""What patching makes: files before and after, and what is left for a person to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from plugins.review import FileChange


class Mode(StrEnum):
    """absorb: the boundary is fixed, and everything downstream keeps its names and meaning.

    propagate: a renamed column carries its new name through the models that only pass it on.
    """

    ABSORB = "absorb"
    PROPAGATE = "propagate"


@dataclass(frozen=True)
class Question:
    """What could not be patched with confidence; path is relative to the project, line counts from 1, 0: none.

    is_minor: nothing breaks and no number is wrong while it is open, such as a text that speaks of an old name.
    kept: ids of incremental models and snapshots, where it is about what their tables may have taken meanwhile.
    """

    text: str
    path: str = ""
    line: int = 0
    is_minor: bool = False
    kept: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f"`{self.path}{f':{self.line}' if self.line else ''}`: " if self.path else ""
        return f"{place}{self.text}"


@dataclass(frozen=True)
class Interface:
    """How the columns of a node (source, model, snapshot, seed) differ once it is patched; names as written."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    retyped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Patch:
    """Edits of the project. told: one line for each changed file. interfaces: by node id.

    unpatched: tables (ids) whose changes are left to a person altogether. waiting: columns (table, lower case)
    that are gone from tables which are patched otherwise: what reads them does not build before it is answered.
    kept: where new names were to go on, columns that keep the old one, by path, and why. mode: as it was asked.
    """

    changes: tuple[FileChange, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    unpatched: frozenset[str] = frozenset()
    waiting: frozenset[tuple[str, str]] = frozenset()
    kept: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = Mode.ABSORB
