"""Reads a question about metrics, span by span, from left to right."""

from __future__ import annotations

from dataclasses import replace

from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.semantic.qualifying import LISTING, Qualifying
from plugins.nl_models.semantic.ranking import OPERATORS
from plugins.nl_models.semantic.request import Absence, Group, Request

_MARKS = frozenset(
    {
        "SHARE", "RUNNING", "GROWTH", "AVERAGE", "TREND", "COMPARE", "COUNT", "SELLING", "THAN", "TOGETHER",
        "RATIO", "MOVING",
    }
)  # fmt: skip
_DIRECTIONS = {"RISE": 1, "GAIN": 1, "FALL": -1, "LOSS": -1}
_BELONGING = frozenset({"of", "from", "for", "to", "in", "on", "by", "among", "with"})


class Reader(Qualifying):
    """One question. `read` gives what was understood."""

    def read(self) -> Request:
        """The whole question."""
        at = 0
        while at < len(self.spans):
            at = self._turn(at)
        request = self.request
        self._pair_thresholds()
        self._count_kinds()
        if self._kind(len(self.spans) - 1) == "COUNT" and request.mentioned and not request.counted:
            # "customers who bought it: how many?"
            request.counted = request.mentioned[0].name
        if self.vocabulary.layer.is_inferred and [span.kind for span in self.all[-2:]] == ["BY", "filler"]:
            # "repairs by name": whose name, nothing says.
            request.doubts.append(self.all[-1].text)
        request.is_total = any(span.kind == "filler" and span.text.lower() == "total" for span in self.all)
        if self.has_comparative and not request.marks & {"THAN", "COMPARE"}:
            request.doubts.append("more")
        if self.leaves_out or self.absent:
            request.doubts.append(self.leaves_out or "not")
        if request.limit is not None and not (request.is_ranked or request.is_sorted or request.direction):
            # Ten of what has no order: "within 30 days" says something else.
            request.doubts.append(str(request.limit))
        return request

    def _count_kinds(self) -> None:
        """Urgent tickets by channel: they are counted, where no other figure is named."""
        request = self.request
        if not self.vocabulary.layer.is_inferred or request.metrics or request.verbs or request.order_metric:
            return
        for span in self.spans:
            if span.named is not None and span.named.values and not span.named.metrics:
                noun = self.vocabulary.find(span.text.split()[-1:])
                if noun is not None and noun.metrics and len(span.text.split()) > 1:
                    self._add(noun.metrics[0])
                    return

    def _pair_thresholds(self) -> None:
        """Over 20 in October but under 5 in November: each threshold has the time that follows it."""
        request = self.request
        count = len(request.thresholds)
        if count < 2 or self.order != ["threshold", "time"] * count or len(request.ranges) != count:
            return
        first = request.thresholds[0]
        request.thresholds = [
            replace(part, time_range=span, verb=part.verb or (first.verb if part.metric is None else ""))
            for part, span in zip(request.thresholds, request.ranges, strict=True)
        ]
        request.ranges, request.periods = [], []

    def _turn(self, at: int) -> int:
        span = self.spans[at]
        kind = span.kind
        if kind not in ("AND", "OR", "COMMA", "named", "unknown", "quoted", "number"):
            self.negated = kind == "NOT"
            if kind not in ("KNOWN", "time", "verb"):
                self._leave_out(span.text if kind == "NOT" else "")
        turn = getattr(self, f"_on_{kind.lower()}", None)
        if turn is not None:
            return turn(at)
        if kind == "COUNT":
            self._count(at)
        elif kind in _MARKS:
            if kind == "MOVING" and span.text.split()[-1] not in ("moving", "rolling"):
                self.request.marks.add("AVERAGE")
            if self._is_second_mark(at):
                self.request.unclear.append(span.text)
            self.request.share_first |= kind == "SHARE" and self._is_first_share(at)
            self.request.is_part_of |= kind == "SHARE" and span.text.startswith("as ")
            is_beside = bool(self._named(at - 1).metrics and self._named(at + 1).metrics)
            self.request.marks.add("RATIO" if span.text == "relative to" and is_beside else kind)
            if kind == "GROWTH" and span.text.startswith("change"):
                self.request.marks.add("CHANGED")
        elif kind in _DIRECTIONS:
            self.request.marks.add("GROWTH")
            self.request.direction = _DIRECTIONS[kind]
            self.request.is_amount = kind in ("GAIN", "LOSS")
            # "months with falling revenue": those alone.
            self.request.asks_which |= bool(self._named(0).dimensions) or self._kind(0) == "time"
        elif kind == "OR":
            self._alternative(at)
        elif kind in OPERATORS:
            return self._on_operator(at)
        elif kind == "unit":
            self.request.units.append(span.unit)
        elif kind == "verb" and at not in self.taken:
            self._verb(at)
        elif kind in ("DESCENDING", "ASCENDING"):
            self.request.is_sorted, self.request.is_descending = True, kind == "DESCENDING"
            self.request.is_direction_said = True
        elif kind == "TOTALS":
            self.request.unclear.append(span.text)
        elif kind == "MUCH":
            self.has_comparative = True
        elif kind == "unknown":
            self._unknown(at)
        return at + 1

    def _is_second_mark(self, at: int) -> bool:
        """Whether something is asked beside a figure that only changes it, or of a thing: an average customer."""
        after = self._named(at + 1)
        is_of_thing = self._kind(at) == "AVERAGE" and bool(after.dimensions) and not after.metrics
        is_beside = self._kind(at) == "SHARE" and self._kind(at - 1) == "AND" and bool(self.request.metrics)
        return is_of_thing or is_beside

    def _is_first_share(self, at: int) -> bool:
        """Whether it is asked what share some have, rather than ranked by it."""
        request = self.request
        return not request.is_ranked and not request.asks_which and self._kind(at - 1) not in ("BY", "ORDER")

    def _verb(self, at: int) -> None:
        verb = self.spans[at].text
        if self._kind(at - 1) == "NOT" and self.leaves_out:
            # "who have not ordered": when, is said next, if at all.
            self.leaves_out, self.absent = "", verb
        is_listed = self._kind(at - 1) in ("AND", "COMMA") and bool(self.request.metrics)
        is_listed |= self._kind(at + 1) in ("AND", "COMMA") and bool(self._named(at + 2).metrics)
        if verb in cues().telling and is_listed and self._kind(at + 1) != "named":
            self.request.told.append(verb)
        self.request.verbs.append(verb)

    def _absent_in(self, found: Absence) -> None:
        self.leaves_out = self.absent = ""
        self.negated = False
        self.request.absences.append(found)

    def _leave_out(self, text: str) -> None:
        """What is said before what it leaves out; a doubt if nothing follows that can be left out."""
        if self.leaves_out:
            self.request.doubts.append(self.leaves_out)
        self.leaves_out = text

    def _is_listed(self, at: int) -> bool:
        """Whether a number of things stands among other figures."""
        is_last = self._kind(at - 1) in ("AND", "COMMA") and bool(self.request.metrics)
        is_more = bool(self._named(at + 3).metrics) or self._kind(at + 3) == "COUNT"
        return is_last or (self._kind(at + 2) in ("AND", "COMMA") and is_more)

    def _count(self, at: int) -> None:
        self.request.marks.add("COUNT")
        self.request.counts += 1
        following = self._named(at + 1)
        if following.dimensions and not following.metrics and self._is_listed(at):
            # "number of orders, number of customers and revenue"
            self.taken.add(at + 1)
            self._second(at + 1, Group(following.dimensions[0]))
        elif following.dimensions and not following.metrics:
            self.request.counted = following.dimensions[0]
        elif self._kind(at + 1) == "time" and (grain := self._grain(at + 1)) is not None:
            self.request.counted = grain
            self.expects_group = True

    def _unknown(self, at: int) -> None:
        span = self.spans[at]
        before = self._named(at - 1)
        if before.dimensions and any(character.isdigit() for character in span.text):
            # "stock code 85123A"
            self._identify(before.dimensions[0], span.text)
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

    def _on_time(self, at: int) -> int:
        said = self.spans[at].said
        assert said is not None
        request = self.request
        if said.comparison is not None:
            request.comparison = said.comparison
        elif said.grain == "weekday" and not (self.expects_group or self.is_target or at == 0):
            # "on a weekday"
            request.doubts.append(self.spans[at].text)
        elif said.grain is not None:
            self._group(Group(said.grain, is_time=True, is_plural=self.spans[at].text.endswith("s")))
            self._keep_listing(at)
            return at + 1
        elif said.range is not None and (self.absent or self._kind(at - 1) == "NOT"):
            self._absent_in(Absence(self.absent, said.range))
        elif said.range is not None:
            request.spanned = said.spanned or request.spanned
            self.order.append("time")
            before = self.spans[at - 2].said if at > 1 and self._kind(at - 2) == "time" else None
            request.is_joined |= self._kind(at - 1) in LISTING and before is not None and before.range is not None
            request.ranges.append(said.range)
            if said.period is not None:
                request.periods.append(said.period)
        self.expects_group = False
        return at + 1

    def _on_named(self, at: int) -> int:
        if at in self.taken:
            return at + 1
        span, named = self.spans[at], self._named(at)
        is_only = "ONLY" in (self._kind(at - 1), self._kind(at + 1)) and bool(named.values)
        if is_only and (self._is_restriction(at) or self.request.metrics):
            # "by month, damaged only": not split by whether it is.
            self.expects_group = False
            self._restrict(named)
            return at + 1
        # "the best stations by rentals": what they are ranked by, though rentals are things too.
        is_ranked_by = self.request.is_ranked and not self.request.metrics and bool(named.metrics)
        is_ranked_by &= self._kind(at - 1) == "BY" and bool(self.request.groups)
        if self.expects_group and named.values and not named.dimensions and self._kind(at - 1) == "BY":
            self.expects_group = False
            if self.is_each and self._kind(at + 1) in LISTING and self._named(at + 2).values:
                # "in each of Oslo and Bergen"
                self.request.marks.add("COMPARE")
                self._restrict(named)
            elif self.spans[at - 1].text == "by":
                # "orders placed by returning customers"
                self._restrict(named)
            else:
                # "across the beverages": what there is of them, which no name says.
                self.request.doubts.append(span.text)
            return at + 1
        if self.expects_group and named.dimensions and not is_ranked_by:
            first, *others = named.dimensions
            is_plural, of = span.text.rstrip().endswith("s"), self.vocabulary.owner(span.text, named.dimensions)
            self._group(Group(first, is_plural=is_plural, others=tuple(others), of=of))
            self._keep_listing(at)
            return at + 1
        if self.expects_group and named.metrics and self._kind(at - 1) == "BY":
            self.expects_group = False
            if self.spans[at - 1].text == "per" and self.request.metrics:
                # "revenue per unit sold"
                self.request.marks.add("RATIO")
                self._add(self._metric(named))
                return at + 1
            self.request.order_metric = self._metric(named)
            self._add(self.request.order_metric)
            return at + 1
        if named.dimensions and named.metrics and self._kind(at + 1) == "number" and not span.text.endswith("s"):
            # "order 581483"
            return at + 1
        self.expects_group = False
        if (whole := self._shared_noun(at)) is not None:
            self._add(whole)
        elif named.values and self._is_restriction(at):
            self._restrict(named)
        elif named.metrics and not self._is_mention(at):
            is_of = self._kind(at - 1) == "named" and bool(self._named(at - 1).metrics)
            if is_of and self._word_before(at) in _BELONGING and not self.request.marks & {"RATIO", "SHARE"}:
                # "revenue of active customers": no second figure.
                self.request.doubts.append(span.text)
                return at + 1
            if self.leaves_out:
                # "excluding returns": what is left out is no second figure.
                self._leave_out("")
            self._add(self._metric(named))
            self._named_unit(span.text, self.request.metrics[-1])
            self.negated = False
        elif named.values:
            self._restrict(named)
        elif named.dimensions:
            self._mention(at)
        return at + 1

    def _named_unit(self, text: str, metric: str) -> None:
        """The unit that a name says: "revenue in pounds", and in euros."""
        unit = self.vocabulary.layer.metrics[metric].unit
        if any(cues().units.get((word,)) == unit for word in text.split()):
            self.request.units.append(unit)

    def _is_mention(self, at: int) -> bool:
        """Whether what could be a metric only says what things are: which orders have more than 500 lines."""
        belongs = (
            bool(self.request.metrics) and self._word_before(at) in _BELONGING and self._kind(at - 1) != "COUNT"
        )
        if "RATIO" in self.request.marks:
            return False
        return bool(self._named(at).dimensions) and (self._kind(at - 1) == "BY" or belongs)

    def _shared_noun(self, at: int) -> str | None:
        """New and returning customers: the first word goes with the last one's noun."""
        following = self._named(at + 2)
        if self._kind(at + 1) not in ("AND", "OR", "COMPARE") or not following.metrics or self.request.metrics:
            return None
        noun = self.spans[at + 2].text.split()[-1]
        whole = self.vocabulary.find([*self.spans[at].text.split(), noun])
        return self._metric(whole) if whole is not None and whole.metrics else None

    def _is_restriction(self, at: int) -> bool:
        """Whether a name that may be a metric's or a value's is a value: it belongs to another metric."""
        named = self._named(at)
        if not named.metrics or self.negated:
            return True
        before = self.request.restrictions[-1].readings if self.request.restrictions else ()
        is_listed = self._kind(at - 1) in (*LISTING, "COMPARE") and before == self._named(at - 2).values
        if self.request.metrics and is_listed and {o for o, _ in before} & {o for o, _ in named.values}:
            # "revenue of new and returning customers"
            return True
        others = [n for n, span in enumerate(self.spans) if n != at and span.named and span.named.metrics]
        return bool(others) and self._word_before(at) in _BELONGING

    def _mention(self, at: int) -> None:
        """A dimension that nothing says to split by: what things are, or what must have no value."""
        span, request = self.spans[at], self.request
        group = Group(self._named(at).dimensions[0], is_plural=span.text.endswith("s"))
        is_second = self._kind(at - 1) in ("AND", "COMMA") and bool(self._named(at - 2).metrics)
        is_second |= self._kind(at + 1) == "AND" and bool(self._named(at + 2).metrics) and not request.groups
        if self.negated and (self._kind(at + 1) == "number" or self._is_key(at + 1)):
            # "excluding customer 5": it is said next which.
            pass
        elif self.negated:
            self.leaves_out = ""
            request.unknown_of.append((group.name, True))
        elif is_second:
            # "orders and customers by month"
            self._second(at, group)
        elif (
            self._kind(at + 1) in ("BY", "COMMA")
            and self._kind(at + 2) == "named"
            and not request.groups
            and (group.name in self._named(at + 2).dimensions)
        ):
            # "country by country"
            self._group(group)
        else:
            if self._word_before(at) == "what" and not request.groups:
                # "what products sold best"
                request.asks_which = self.is_target = True
                self._group(group)
                return
            request.belongs |= bool(request.metrics) and self._word_before(at) in _BELONGING
            request.mentioned.append(group)

    def _second(self, at: int, group: Group) -> None:
        """Things beside a figure: how many there are."""
        metric = self.vocabulary.counting(group.name)
        if metric is None:
            self.request.doubts.append(self.spans[at].text)
            return
        self._add(metric)
        self.request.assumptions.append(f"“{self.spans[at].text}” means {metric.replace('_', ' ')}")
