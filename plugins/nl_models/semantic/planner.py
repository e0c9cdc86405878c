"""The planner of questions about metrics: what was asked, how sure that is, and what to ask back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from plugins.nl_models.analysis import Analysis
from plugins.nl_models.semantic.reader import Reader
from plugins.nl_models.semantic.resolving import Resolver
from plugins.nl_models.semantic.spans import spans_of, tokens_of
from plugins.nl_models.semantic.vocabulary import Vocabulary
from plugins.nl_models.subject import Subject

_SURE = 0.95
_PER_ASSUMPTION = 0.85
_NOT_UNDERSTOOD = 0.3


@dataclass(frozen=True)
class MetricPlanned:
    """analysis: None if no metric is asked for, or not for sure. question_back: what is unclear."""

    analysis: Analysis | None
    confidence: float
    question_back: str | None = None
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class MetricPlanner:
    """Plans questions over one semantic layer. now: the day that relative periods count from."""

    subject: Subject
    now: date

    def plan(self, question: str) -> MetricPlanned:
        """The reading of a question, if it is about metrics."""
        spans = spans_of(tokens_of(question), self.vocabulary, self.now)
        request = Reader(spans, self.vocabulary).read()
        resolved = Resolver(request, self.vocabulary).resolve()
        back = self._question_back(request.missing, request.doubts, resolved.lacks, resolved.analysis)
        if resolved.analysis is None or back is not None:
            return MetricPlanned(resolved.analysis, _NOT_UNDERSTOOD * (resolved.analysis is not None), back)
        assumed = [f"{p.label} is meant" for p in request.periods if p.is_assumed]
        assumptions = (*resolved.assumptions, *assumed)
        return MetricPlanned(
            resolved.analysis, round(_SURE * _PER_ASSUMPTION ** len(assumptions), 2), None, assumptions
        )

    def _question_back(
        self, missing: list[str], doubts: list[str], lacks: list[str], analysis: Analysis | None
    ) -> str | None:
        if analysis is not None and missing:
            have = self._splits(analysis)
            return f"there is no “{missing[0]}” to split by; there is {have}: which is meant?"
        if lacks:
            return f"{lacks[0]}: what is meant?" if "meant" not in lacks[0] else f"{lacks[0]}?"
        if doubts:
            return f"what does “{doubts[0]}” mean here?"
        return None

    def _splits(self, analysis: Analysis) -> str:
        assert self.subject.layer is not None
        found = self.subject.layer.dimensions(*analysis.metrics).values()
        labels = dict.fromkeys(d.label.removeprefix("is_").replace("_", " ") for d in found if d.kind != "time")
        return ", ".join(labels)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The names of the layer."""
        assert self.subject.layer is not None
        return Vocabulary(self.subject.layer, self.subject.values, self.subject.catalog)
