"""Reads a question about metrics, span by span, from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plugins.nl_models.analysis import MetricOperator
from plugins.nl_models.semantic.request import Group, Request, Restriction, Threshold
from plugins.nl_models.semantic.spans import Span
from plugins.nl_models.semantic.vocabulary import Named, Vocabulary

_OPERATORS: dict[str, MetricOperator] = {
    "MORE": ">",
    "MORE_EQUAL": ">=",
    "LESS": "<",
    "LESS_EQUAL": "<=",
    "EXACTLY": "=",
}
_MARKS = frozenset(
    {"SHARE", "RUNNING", "GROWTH", "AVERAGE", "TREND", "COMPARE", "COUNT", "SELLING", "THAN", "TOGETHER"}
)
_LISTING = ("AND", "COMMA", "OR")
_ASKING = frozenset({"which", "list", "list the", "what are the", "who are the", "what is the"})
_BELONGING = frozenset({"of", "from", "for", "to", "in", "on", "by", "among", "with"})


class Reader:
    """One question. `read` gives what was understood."""

    def __init__(self, spans: Sequence[Span], vocabulary: Vocabulary) -> None:
        self.all = list(spans)
        self.spans = [span for span in spans if span.kind != "filler"]
        self.vocabulary = vocabulary
        self.request = Request()
        self.negated = False
        self.expects_group = False
        # Whether the next group is what is ranked, and whether it is said of each by itself.
        self.is_target = False
        self.is_each = False

    def read(self) -> Request:
        """The whole question."""
        at = 0
        while at < len(self.spans):
            at = self._turn(at)
        return self.request

    def _turn(self, at: int) -> int:
        span = self.spans[at]
        kind = span.kind
        if kind not in ("AND", "OR", "COMMA", "named", "unknown", "quoted", "number"):
            self.negated = kind == "NOT"
        turn = getattr(self, f"_on_{kind.lower()}", None)
        if turn is not None:
            return turn(at)
        if kind == "COUNT":
            self._count(at)
        elif kind in _MARKS:
            self.request.marks.add(kind)
        elif kind == "OR" and self._named(at - 1).values and self._named(at + 1).values:
            self.request.is_alternative = True
        elif kind in _OPERATORS:
            return self._on_operator(at)
        elif kind == "unit":
            self.request.unit = span.unit
        elif kind == "verb":
            self.request.verbs.append(span.text)
        elif kind in ("DESCENDING", "ASCENDING"):
            self.request.is_sorted, self.request.is_descending = True, kind == "DESCENDING"
        elif kind == "unknown":
            self._unknown(at)
        return at + 1

    def _count(self, at: int) -> None:
        self.request.marks.add("COUNT")
        self.request.counts += 1
        following = self._named(at + 1)
        if following.dimensions and not following.metrics:
            self.request.counted = following.dimensions[0]
        elif self._kind(at + 1) == "time" and (grain := self._grain(at + 1)) is not None:
            self.request.counted = grain
            self.expects_group = True

    def _near(self, at: int) -> str | None:
        """The dimension that a word means which no name has; said as an assumption."""
        word = self.spans[at].text
        near = self.vocabulary.near(word)
        if near is not None:
            self.request.assumptions.append(f"“{word}” means {near.replace('_', ' ')}")
        return near

    def _kind(self, at: int) -> str:
        return self.spans[at].kind if 0 <= at < len(self.spans) else "end"

    def _named(self, at: int) -> Named:
        return self.spans[at].named or Named() if 0 <= at < len(self.spans) else Named()

    def _word_before(self, at: int) -> str:
        """The word just before a span, whatever it is."""
        start = self.spans[at].start
        before = [span for span in self.all if span.end == start]
        return before[0].text.split()[-1].lower() if before else ""

    def _unknown(self, at: int) -> None:
        span = self.spans[at]
        before = self._named(at - 1)
        if before.dimensions and any(character.isdigit() for character in span.text):
            # "stock code 85123A"
            self.request.identified.append((before.dimensions[0], span.text))
            return
        if (self.expects_group or self._kind(at - 1) == "COUNT") and (near := self._near(at)) is not None:
            if self._kind(at - 1) == "COUNT":
                self.request.counted = near
            group = Group(near, is_plural=span.text.endswith("s"))
            if self.expects_group:
                self._group(group)
                self._keep_listing(at)
            else:
                self.request.mentioned.append(group)
            return
        self.request.doubts.append(span.text)
        if self.expects_group:
            self.request.missing.append(span.text)
            self.expects_group = False

    def _on_by(self, at: int) -> int:
        following = self.spans[at + 1] if at + 1 < len(self.spans) else None
        text = self.spans[at].text
        self.is_each = "each" in text or "every" in text
        if text == "each" and self._named(at - 1).values and (following is None or following.named is None):
            # "Oslo and Bergen each"
            self.request.marks.add("COMPARE")
            return at + 1
        if following is None or following.kind in ("COMMA", "time") or following.named is not None:
            self.expects_group = following is not None and following.kind != "COMMA"
        else:
            self.expects_group = following.kind == "unknown"
        return at + 1

    def _on_which(self, at: int) -> int:
        text, request = self.spans[at].text, self.request
        if self._kind(at + 1) == "number" and self._is_groupable(at + 2):
            request.limit = int(self.spans[at + 1].number or 0)
            request.ranks_times |= self._kind(at + 2) == "time"
            self.expects_group = self.is_target = True
            return at + 2
        named = self._named(at + 1)
        is_alone = bool(named.dimensions) and self._is_metric_alone(at + 1)
        if is_alone and text in ("which", "list", "list the"):
            # The things themselves are asked for, not how many there are.
            request.doubts.append(f"{text} {self.spans[at + 1].text}")
        if text in _ASKING:
            is_time = self._kind(at + 1) == "time" and self._grain(at + 1) is not None
            is_near = self._kind(at + 1) == "unknown" and text == "which"
            request.ranks_times |= is_time
            self.expects_group = self.is_target = is_time or is_near or (bool(named.dimensions) and not is_alone)
        return at + 1

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

    def _on_top(self, at: int) -> int:
        request = self.request
        request.is_ranked, request.is_descending = True, self._kind(at) == "TOP"
        step = at + 1
        if self._kind(step) == "number":
            request.limit = int(self.spans[step].number or 0)
            step += 1
        if self._kind(step) in ("SELLING", "TOP", "BOTTOM"):
            request.is_descending = self._kind(step) != "BOTTOM"
            request.marks |= {"SELLING"} & {self._kind(step)}
            step += 1
        named = self._named(step)
        is_near = self._kind(step) == "unknown" and self._is_groupable(step)
        if (named.dimensions and not (named.metrics and request.groups)) or is_near:
            self.expects_group = self.is_target = True
        elif self._kind(step) == "time" and self._grain(step):
            self.expects_group = self.is_target = request.ranks_times = True
        elif named.metrics:
            request.order_metric = self._metric(named)
        return step

    _on_bottom = _on_top

    def _on_selling(self, at: int) -> int:
        request = self.request
        request.marks.add("SELLING")
        request.is_ranked = True
        request.is_descending = not self.spans[at].text.startswith(("worst", "least"))
        self.expects_group = self.is_target = True
        return at + 1

    def _on_order(self, at: int) -> int:
        self.request.is_sorted = True
        if self._kind(at + 1) == "number":
            self.request.limit = int(self.spans[at + 1].number or 0)
            self.expects_group = self.is_target = self._is_groupable(at + 2)
            return at + 2
        named = self._named(at + 1)
        if self.spans[at].text == "rank" and self._is_groupable(at + 1) and not named.metrics:
            self.expects_group = True
        if named.metrics:
            self.request.order_metric = self._metric(named)
        return at + 1

    def _on_known(self, at: int) -> int:
        """A known customer: one that is there. After `without` it says nothing more."""
        named = self._named(at + 1)
        if not self.negated and named.dimensions and self._kind(at - 1) != "NOT":
            self.request.unknown_of.append((named.dimensions[0], False))
        elif self._kind(at - 1) == "NOT":
            self.negated = True
        return at + 1

    def _on_operator(self, at: int) -> int:
        if self.spans[at].text == "over" and self._kind(at + 1) == "time" and self._grain(at + 1) is not None:
            # "over the quarters"
            self.expects_group = True
            return at + 1
        if self._kind(at + 1) == "AVERAGE" or self._kind(at + 1) != "number":
            self.request.doubts.append(self.spans[at].text)
            return at + 1
        self._expect(_OPERATORS[self._kind(at)], self.spans[at + 1].number or 0.0, at + 2)
        return at + 2

    def _expect(self, operator: MetricOperator, value: float, after: int) -> None:
        """A threshold of the metric that is named next, else of the one before it."""
        following = after + (self._kind(after) == "unit")
        named = self._named(following)
        if named.metrics:
            self.request.thresholds.append(Threshold(operator, value, self._metric(named)))
        elif self.request.metrics:
            self.request.thresholds.append(Threshold(operator, value, self.request.metrics[-1]))
        elif self._kind(following) == "unknown" or named.dimensions:
            self.request.doubts.append(self.spans[following].text)
        else:
            self.request.thresholds.append(Threshold(operator, value))

    def _on_number(self, at: int) -> int:
        number = self.spans[at].number or 0.0
        before = self._named(at - 1)
        if self.spans[at].text in ("once", "twice"):
            self._expect("=", number, at + 1)
            return at + 1
        if self._kind(at + 1) == "AND" and self._kind(at + 2) == "number":
            self._expect(">=", number, at + 3)
            self._expect("<=", self.spans[at + 2].number or 0.0, at + 3)
            return at + 3
        if before.dimensions and not self.expects_group:
            self.request.identified.append((before.dimensions[0], self.spans[at].text))
            return at + 1
        if self._kind(at + 1) in ("TOP", "BOTTOM", "SELLING") or self._is_groupable(at + 1):
            self.request.limit = int(number)
            self.expects_group = self.is_target = self._is_groupable(at + 1)
            return at + 1
        self.request.doubts.append(self.spans[at].text)
        return at + 1

    def _on_quoted(self, at: int) -> int:
        labels = [name for span in self.spans[:at] for name in (span.named or Named()).dimensions]
        if labels and self._kind(at - 1) == "CONTAINS":
            self.request.contains.append((labels[-1], self.spans[at].text))
        elif (named := self.vocabulary.find(self.spans[at].text.lower().split())) is not None and named.values:
            self._restrict(named)
        else:
            self.request.doubts.append(self.spans[at].text)
        return at + 1

    def _on_contains(self, at: int) -> int:
        return at + 1

    def _on_time(self, at: int) -> int:
        said = self.spans[at].said
        assert said is not None
        request = self.request
        if said.comparison is not None:
            request.comparison = said.comparison
        elif said.grain is not None:
            self._group(Group(said.grain, is_time=True, is_plural=self.spans[at].text.endswith("s")))
            self._keep_listing(at)
            return at + 1
        elif said.range is not None:
            request.ranges.append(said.range)
            if said.period is not None:
                request.periods.append(said.period)
        if said.range is not None and self._kind(at - 1) == "NOT":
            request.doubts.append(self.spans[at].text)
        self.expects_group = False
        return at + 1

    def _group(self, group: Group) -> None:
        request = self.request
        group = replace(group, is_each=self.is_each)
        if self.is_target:
            request.target = group
        self.is_target = self.is_each = False
        if not any(known.name == group.name for known in request.groups):
            request.groups.append(group)

    def _keep_listing(self, at: int) -> None:
        """By country and month: what follows is another dimension."""
        following = self._named(at + 2)
        is_time = self._kind(at + 2) == "time" and self._grain(at + 2) is not None
        is_listed = self._kind(at + 1) in ("AND", "COMMA") and (bool(following.dimensions) or is_time)
        self.expects_group = self.expects_group and is_listed

    def _on_named(self, at: int) -> int:
        span, named = self.spans[at], self._named(at)
        # "the best stations by rentals": what they are ranked by, though rentals are things too.
        is_ranked_by = self.request.is_ranked and not self.request.metrics and bool(named.metrics)
        is_ranked_by &= self._kind(at - 1) == "BY" and bool(self.request.groups)
        if self.expects_group and named.values and not named.dimensions and self._kind(at - 1) == "BY":
            self.expects_group = False
            if self.spans[at - 1].text == "by":
                # "orders placed by returning customers"
                self._restrict(named)
            else:
                # "across the beverages": what there is of them, which no name says.
                self.request.doubts.append(span.text)
            return at + 1
        if self.expects_group and named.dimensions and not is_ranked_by:
            self._group(Group(named.dimensions[0], is_plural=span.text.rstrip().endswith("s")))
            self._keep_listing(at)
            return at + 1
        if self.expects_group and named.metrics and self._kind(at - 1) == "BY":
            self.expects_group = False
            self.request.order_metric = self._metric(named)
            self._add(self.request.order_metric)
            return at + 1
        self.expects_group = False
        if (whole := self._shared_noun(at)) is not None:
            self._add(whole)
        elif named.values and self._is_restriction(at):
            self._restrict(named)
        elif named.metrics and not self._is_mention(at):
            self._add(self._metric(named))
            self.negated = False
        elif named.values:
            self._restrict(named)
        elif named.dimensions:
            self._mention(at)
        return at + 1

    def _is_mention(self, at: int) -> bool:
        """Whether what could be a metric only says what things are: which orders have more than 500 lines."""
        belongs = (
            bool(self.request.metrics) and self._word_before(at) in _BELONGING and self._kind(at - 1) != "COUNT"
        )
        return bool(self._named(at).dimensions) and (self._kind(at - 1) == "BY" or belongs)

    def _shared_noun(self, at: int) -> str | None:
        """New and returning customers: the first word goes with the last one's noun."""
        following = self._named(at + 2)
        if self._kind(at + 1) not in ("AND", "OR") or not following.metrics or self.request.metrics:
            return None
        noun = self.spans[at + 2].text.split()[-1]
        whole = self.vocabulary.find([*self.spans[at].text.split(), noun])
        return self._metric(whole) if whole is not None and whole.metrics else None

    def _is_restriction(self, at: int) -> bool:
        """Whether a name that may be a metric's or a value's is a value: it belongs to another metric."""
        named = self._named(at)
        if not named.metrics or self.negated:
            return True
        others = [n for n, span in enumerate(self.spans) if n != at and span.named and span.named.metrics]
        return bool(others) and self._word_before(at) in _BELONGING

    def _metric(self, named: Named) -> str:
        """Of several metrics that have a name, the one that was asked for already, else the first."""
        return next((name for name in named.metrics if name in self.request.metrics), named.metrics[0])

    def _add(self, metric: str) -> None:
        if metric not in self.request.metrics:
            self.request.metrics.append(metric)

    def _restrict(self, named: Named) -> None:
        self.request.restrictions.append(Restriction(named.values, self.negated))

    def _mention(self, at: int) -> None:
        """A dimension that nothing says to split by: what things are, or what must have no value."""
        span, request = self.spans[at], self.request
        group = Group(self._named(at).dimensions[0], is_plural=span.text.endswith("s"))
        if self.negated:
            request.unknown_of.append((group.name, True))
        elif (
            self._kind(at + 1) in ("BY", "COMMA")
            and self._kind(at + 2) == "named"
            and not request.groups
            and (group.name in self._named(at + 2).dimensions)
        ):
            # "country by country"
            self._group(group)
        else:
            request.mentioned.append(group)


def with_metric(threshold: Threshold, metric: str) -> Threshold:
    """The threshold, of this metric if it had none."""
    return threshold if threshold.metric is not None else replace(threshold, metric=metric)
