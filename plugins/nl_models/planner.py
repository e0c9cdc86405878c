"""The deterministic planner: a question over a catalog goes in, a plan with a confidence comes out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.linking import Linker
from plugins.nl_models.parser.compose import compose
from plugins.nl_models.parser.parse import Parser
from plugins.nl_models.plan import Plan
from plugins.nl_models.words.tokens import tokenise


@dataclass(frozen=True)
class Planned:
    """plan: None where nothing of the catalog is asked for. doubts: what was not understood."""

    plan: Plan | None
    doubts: tuple[str, ...]


@dataclass
class Planner:
    """Plans questions over one catalog."""

    catalog: Catalog

    @cached_property
    def linker(self) -> Linker:
        """The index of the catalog's names."""
        return Linker(self.catalog)

    def plan(self, question: str) -> Planned:
        """The best reading of a question."""
        parser = Parser(self.catalog, self.linker.link(tokenise(question)))
        draft = parser.read()
        return Planned(compose(draft, self.catalog), tuple(draft.doubts))
