"""Names that a model has written, as the catalog has them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from plugins.core.errors import SmeltError

Item = TypeVar("Item")
# What is said of each; a hostile answer has thousands.
_MOST_PROBLEMS = 10
_MOST_SHOWN = 80


class PlanError(SmeltError):
    """A plan that cannot be used, and why."""


@dataclass
class Problems:
    """What is wrong with one plan, collected so that it can be corrected at once."""

    found: dict[str, None] = field(default_factory=dict)

    def add(self, problem: str) -> None:
        """One more, unless it was said before."""
        self.found.setdefault(problem)

    def unknown(self, kind: str, name: str, known: Iterable[str]) -> None:
        """A name that nothing has, with those that are nearest to it."""
        self.add(unknown(kind, name, known).message)

    def check(self) -> None:
        """Raise PlanError if anything is wrong."""
        if self.found:
            some = list(self.found)[:_MOST_PROBLEMS]
            raise PlanError("; ".join(some), "use names exactly as the catalog has them")


def unknown(kind: str, name: str, known: Iterable[str]) -> PlanError:
    """A name that nothing has, with those that are nearest to it."""
    names = list(known)
    near = difflib.get_close_matches(shown(name), names, n=3, cutoff=0.4) or sorted(names)[:5]
    return PlanError(
        f"there is no {kind} {shown(name)!r}; there are: {', '.join(map(shown, near)) or 'none'}",
        "search_catalog finds others",
    )


def shown(name: str) -> str:
    """A name that may be anything, short enough to be repeated."""
    return name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}…"


def resolve(name: str, known: Mapping[str, Item]) -> Item | None:
    """What is called so: exactly, else in any case, else as the last part of one name; None if that isn't one."""
    if name in known:
        return known[name]
    lower = name.lower()
    same = [key for key in known if key.lower() == lower] or [k for k in known if k.lower().endswith(f".{lower}")]
    return known[same[0]] if len(same) == 1 else None
