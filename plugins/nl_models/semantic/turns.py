"""What every turn of reading a question has: its spans, and how parts are put into the request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plugins.nl_models.semantic.request import Group, Request, Restriction
from plugins.nl_models.semantic.spans import Span
from plugins.nl_models.semantic.vocabulary import Named, Vocabulary


class Turns:
    """The spans of one question, and the request that is read from them."""

    def __init__(self, spans: Sequence[Span], vocabulary: Vocabulary) -> None:
        self.all = list(spans)
        self.spans = [span for span in spans if span.kind != "filler"]
        self.vocabulary = vocabulary
        self.request = Request()
        self.negated = False
        self.expects_group = False
        # Whether the next group is what is ranked, and whether it is said of each by itself.
        self.is_target = False
        self.is_each = self.is_per = False
        # What was said to be left out, until it is known what that is.
        self.leaves_out = ""
        # Whether more or fewer is asked of something.
        self.has_comparative = False
        # The verb of what was not done.
        self.absent = ""
        # Thresholds and times, in the order that they are said.
        self.order: list[str] = []
        # Spans that an earlier one has taken already.
        self.taken: set[int] = set()

    def _kind(self, at: int) -> str:
        return self.spans[at].kind if 0 <= at < len(self.spans) else "end"

    def _named(self, at: int) -> Named:
        return self.spans[at].named or Named() if 0 <= at < len(self.spans) else Named()

    def _word_before(self, at: int) -> str:
        """The word just before a span, whatever it is."""
        start = self.spans[at].start
        before = [span for span in self.all if span.end == start]
        return before[0].text.split()[-1].lower() if before else ""

    def _near(self, at: int) -> str | None:
        """The dimension that a word means which no name has; said as an assumption."""
        word = self.spans[at].text
        near = self.vocabulary.near(word)
        if near is not None:
            self.request.assumptions.append(f"“{word}” means {near.replace('_', ' ')}")
        return near

    def _is_groupable(self, at: int) -> bool:
        is_time = self._kind(at) == "time" and self._grain(at) is not None
        is_near = self._kind(at) == "unknown" and self.vocabulary.near(self.spans[at].text) is not None
        return is_time or is_near or bool(self._named(at).dimensions)

    def _is_metric_alone(self, at: int) -> bool:
        """Whether what may be a dimension is a metric as well, and nothing else is asked for."""
        others = [n for n, span in enumerate(self.spans) if n != at and span.named and span.named.metrics]
        return bool(self._named(at).metrics) and not others

    def _grain(self, at: int) -> str | None:
        said = self.spans[at].said
        return said.grain if said is not None else None

    def _group(self, group: Group) -> None:
        request = self.request
        group = replace(group, is_each=self.is_each, is_per=self.is_per)
        if self.is_target:
            request.target = group
        self.is_target = self.is_each = self.is_per = False
        if not any(known.name == group.name for known in request.groups):
            request.groups.append(group)

    def _keep_listing(self, at: int) -> None:
        """By country and month: what follows is another dimension."""
        following = self._named(at + 2)
        is_time = self._kind(at + 2) == "time" and self._grain(at + 2) is not None
        is_listed = self._kind(at + 1) in ("AND", "COMMA") and (bool(following.dimensions) or is_time)
        self.expects_group = self.expects_group and is_listed

    def _metric(self, named: Named) -> str:
        """Of several metrics that have a name, the one that was asked for already, else the first."""
        return next((name for name in named.metrics if name in self.request.metrics), named.metrics[0])

    def _identify(self, label: str, text: str) -> None:
        self.leaves_out = ""
        self.request.identified.append((label, text, self.negated))

    def _is_key(self, at: int) -> bool:
        """Whether a word may be the key of a thing: 85123A."""
        return self._kind(at) == "unknown" and any(character.isdigit() for character in self.spans[at].text)

    def _add(self, metric: str) -> None:
        request = self.request
        request.things_first |= not request.metrics and bool(request.groups or request.mentioned)
        if metric not in request.metrics:
            request.metrics.append(metric)

    def _restrict(self, named: Named) -> None:
        self.leaves_out = ""
        self.request.restrictions.append(Restriction(named.values, self.negated))
