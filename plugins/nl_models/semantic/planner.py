"""The planner of questions about metrics: what was asked, how sure that is, and what to ask back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from plugins.nl_models.analysis import Analysis
from plugins.nl_models.semantic.alternatives import alternatives
from plugins.nl_models.semantic.followup import is_followup, merged
from plugins.nl_models.semantic.layer import SemanticLayer
from plugins.nl_models.semantic.reader import Reader
from plugins.nl_models.semantic.request import Request
from plugins.nl_models.semantic.resolving import Resolver
from plugins.nl_models.semantic.restricting import Resolved
from plugins.nl_models.semantic.spans import spans_of, tokens_of
from plugins.nl_models.semantic.spelling import corrected
from plugins.nl_models.semantic.vocabulary import Vocabulary, base, split
from plugins.nl_models.subject import Subject

_SURE = 0.95
_PER_ASSUMPTION = 0.85
_NOT_UNDERSTOOD = 0.3
_LEAST_CLOSE = 0.35
_TOTAL_OF = re.compile(r"\btotals? of (?:all |the |our )*(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class MetricPlanned:
    """analysis: None if no metric is asked for. question_back: what is unclear. choices: other readings.

    assumptions: what was decided without being said. request: to go on from.
    """

    analysis: Analysis | None
    confidence: float
    question_back: str | None = None
    assumptions: tuple[str, ...] = ()
    choices: tuple[Analysis, ...] = ()
    request: Request | None = None

    @property
    def is_lacking(self) -> bool:
        """Whether all words are understood, and the metrics don't have what they ask for."""
        request = self.request
        return request is not None and (bool(request.missing) or bool(self.question_back and not request.doubts))

    @property
    def is_sure(self) -> bool:
        """Whether it can be answered as it was read."""
        return self.analysis is not None and self.question_back is None


@dataclass(frozen=True)
class MetricPlanner:
    """Plans questions over one semantic layer. now: the day that relative periods count from."""

    subject: Subject
    now: date

    def plan(self, question: str, before: Request | None = None) -> MetricPlanned:
        """The reading of a question, if it is about metrics. before: of the question that it may follow up."""
        question = self._apart(question)
        tokens, corrections = corrected(tokens_of(question), self.vocabulary.words)
        spans = spans_of(tokens, self.vocabulary, self.now)
        request = Reader(spans, self.vocabulary).read()
        if before is not None and is_followup(question, request):
            request = merged(before, request, question)
        resolved = Resolver(request, self.vocabulary).resolve()
        self._explain_days(request, resolved)
        analysis = resolved.analysis
        back = self._question_back(request, resolved)
        if analysis is None or back is not None:
            sure = _NOT_UNDERSTOOD if analysis is not None else 0.0
            return MetricPlanned(analysis, sure, back, request=request)
        assumed = [f"{period.label} is meant" for period in request.periods if period.is_assumed]
        assumptions = (*corrections, *resolved.assumptions, *assumed)
        sure = round(_SURE * _PER_ASSUMPTION ** len(assumptions), 2)
        others = alternatives(analysis, self.layer, resolved.readings)
        return MetricPlanned(analysis, sure, None, assumptions, others, request)

    def _explain_days(self, request: Request, resolved: Resolved) -> None:
        """A verb that only says the day by which things are counted: who opened the most tickets."""
        metrics = resolved.analysis.metrics if resolved.analysis is not None else ()
        models = [
            self.layer.models[self.layer.measures[m].model]
            for n in metrics
            for m in self.layer.metrics[n].measures
        ]
        days = {expr for model in models for label, _, expr, _ in model.dimensions if label == model.time}
        explained = [text for text in request.doubts if any(text.lower() in split(day) for day in days)]
        if self.layer.is_inferred and explained:
            request.doubts = [text for text in request.doubts if text not in explained]
            resolved.assumptions.append(f"“{explained[0]}” is said of {next(iter(days))}")

    def _apart(self, question: str) -> str:
        """Total of invoices is the invoice total, where one is kept; total invoices are how many there are."""
        found = _TOTAL_OF.search(question)
        noun = base(found[1]) if found is not None else ""
        named = self.vocabulary.find([noun, "total"]) if noun and self.layer.is_inferred else None
        if found is None or named is None or not named.metrics:
            return question
        return f"{question[: found.start()]}{noun} total{question[found.end() :]}"

    def _question_back(self, request: Request, resolved: Resolved) -> str | None:
        if request.missing and resolved.analysis is not None:
            return self._missing(request.missing[0], resolved.analysis)
        if resolved.lacks:
            return (
                f"{resolved.lacks[0]}?" if "meant" in resolved.lacks[0] else f"{resolved.lacks[0]}: what is meant?"
            )
        if request.doubts:
            return self._doubtful(request.doubts, resolved.analysis)
        return None

    def _missing(self, word: str, analysis: Analysis) -> str:
        metric = self.layer.metrics[analysis.metrics[0]].name.replace("_", " ")
        labels = self._splits(analysis)
        closest = self._closest(word, labels)
        have = f"the closest is {closest}" if closest else f"there are {', '.join(labels)}"
        return f"there is no {word} to split {metric} by; {have}: which is meant?"

    def _doubtful(self, doubts: Sequence[str], analysis: Analysis | None) -> str | None:
        word = " ".join(dict.fromkeys(doubts))
        if analysis is None:
            closest = self._closest(word, [metric.replace("_", " ") for metric in self.layer.metrics])
            return (
                f"there is no metric for “{word}”; the closest is {closest}: is that meant?" if closest else None
            )
        labels = [metric.replace("_", " ") for metric in self.layer.metrics] + self._splits(analysis)
        closest = self._closest(word, labels)
        hint = f"; the closest is {closest}" if closest else ""
        metrics = " and ".join(metric.replace("_", " ") for metric in analysis.metrics)
        return f"{metrics} is understood, “{word}” is not{hint}: say it otherwise, or leave it out?"

    def _closest(self, word: str, labels: Sequence[str]) -> str | None:
        """What is nearest in meaning, if anything is near."""
        if not labels:
            return None
        # Imported here: numpy takes its time, and most questions are understood.
        from plugins.core.embeddings import encode

        likeness = encode(list(labels)) @ encode([" ".join(split(word))])[0]
        best = int(likeness.argmax())
        return labels[best] if likeness[best] >= _LEAST_CLOSE else None

    def _splits(self, analysis: Analysis) -> list[str]:
        found = self.layer.dimensions(*analysis.metrics).values()
        labels = (d.label.removeprefix("is_").replace("_", " ") for d in found if d.kind != "time")
        return list(dict.fromkeys(labels))

    @property
    def layer(self) -> SemanticLayer:
        """The semantic layer."""
        assert self.subject.layer is not None
        return self.subject.layer

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The names of the layer."""
        return Vocabulary(self.layer, self.subject.values, self.subject.catalog)
