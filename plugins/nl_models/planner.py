"""The deterministic planner: a question over a catalog goes in, plans with their confidence come out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.linking import Linker
from plugins.nl_models.plan import Plan
from plugins.nl_models.ranking.model import model
from plugins.nl_models.ranking.readings import Reading, readings
from plugins.nl_models.words.tokens import tokenise


@dataclass(frozen=True)
class Alternative:
    """Another plan of the same question. confidence: 0..1, that it is the one meant."""

    plan: Plan
    confidence: float


@dataclass(frozen=True)
class Planned:
    """plan: None where nothing of the catalog is asked for. doubts: what was not understood.

    confidence: 0..1, before anything is run. alternatives: other readings, the likeliest first.
    """

    plan: Plan | None
    doubts: tuple[str, ...]
    confidence: float = 0.0
    alternatives: tuple[Alternative, ...] = ()


@dataclass
class Planner:
    """Plans questions over one catalog."""

    catalog: Catalog

    @cached_property
    def linker(self) -> Linker:
        """The index of the catalog's names."""
        return Linker(self.catalog)

    def plan(self, question: str) -> Planned:
        """The best reading of a question, and the others."""
        ranked = self.readings(question)
        if not ranked:
            return Planned(None, ())
        best, *others = ranked
        alternatives = tuple(Alternative(other.plan, model().probability(other.evidence)) for other in others)
        return Planned(best.plan, best.doubts, model().probability(best.evidence), alternatives)

    def readings(self, question: str) -> list[Reading]:
        """All readings of a question, the best first as far as can be told without running them."""
        found = readings(self.linker.link(tokenise(question)), self.catalog)
        return sorted(found, key=lambda reading: -model().score(reading.evidence))
