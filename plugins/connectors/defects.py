"""What is wrong in a spec as published, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Defect:
    """`where` in the spec, `what` is wrong there, and the `consequence` for the connector."""

    where: str
    what: str
    consequence: str


@dataclass
class Defects:
    """Collects the defects met while a spec is read; each once."""

    found: dict[tuple[str, str], Defect] = field(default_factory=dict)

    def add(self, where: str, what: str, consequence: str) -> None:
        """Note a defect, unless it is known."""
        self.found.setdefault((where, what), Defect(where, what, consequence))

    def listed(self) -> tuple[Defect, ...]:
        """All of them, in the order they were met."""
        return tuple(self.found.values())
