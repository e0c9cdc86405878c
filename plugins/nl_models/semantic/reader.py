"""Reads a question about metrics, span by span, from left to right."""

from __future__ import annotations

from plugins.nl_models.semantic.ranking import OPERATORS, Ranking
from plugins.nl_models.semantic.request import Group, Request
from plugins.nl_models.semantic.vocabulary import Named

_MARKS = frozenset(
    {"SHARE", "RUNNING", "GROWTH", "AVERAGE", "TREND", "COMPARE", "COUNT", "SELLING", "THAN", "TOGETHER"}
)
_LISTING = ("AND", "COMMA", "OR")
_BELONGING = frozenset({"of", "from", "for", "to", "in", "on", "by", "among", "with"})


class Reader(Ranking):
    """One question. `read` gives what was understood."""

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
        elif kind in OPERATORS:
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

    def _on_known(self, at: int) -> int:
        """A known customer: one that is there. After `without` it says nothing more."""
        named = self._named(at + 1)
        if not self.negated and named.dimensions and self._kind(at - 1) != "NOT":
            self.request.unknown_of.append((named.dimensions[0], False))
        elif self._kind(at - 1) == "NOT":
            self.negated = True
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
