"""A copy of the small project that models are proposed to, and what tests do with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plugins.core.project import Built, Project
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models import Reuse, propose_model
from plugins.nl_models.plan import Plan
from plugins.review import Proposal


@dataclass(frozen=True)
class Shop:
    """A copy of the project, open for questions."""

    folder: Path
    asked: AskedProject

    def propose(self, plan: Analysis | Plan, name: str = "agg_asked") -> Proposal:
        """What is proposed for a plan; fails if the project has it already."""
        found = self.ask(plan, name)
        assert isinstance(found, Proposal), found
        return found

    def ask(self, plan: Analysis | Plan, name: str = "agg_asked") -> Proposal | Reuse:
        return propose_model(
            plan,
            name=name,
            question="what was asked?",
            sentence="What was understood",
            confidence=0.8,
            project=self.asked,
        )

    def write(self, *proposals: Proposal) -> None:
        """Merge proposals."""
        for proposal in proposals:
            for change in proposal.changes:
                path = self.folder / change.path
                path.parent.mkdir(parents=True, exist_ok=True)
                assert change.after is not None
                path.write_text(change.after)

    def build(self, *names: str) -> Built:
        """`dbt build --select NAMES`; asking ends here."""
        self.asked.con.close()
        project = Project(self.folder)
        built = project.build(select=names)
        project.release()
        return built
