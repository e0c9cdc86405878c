"""What is ranked, and how many are kept; what a figure must be over or under."""

from __future__ import annotations

from dataclasses import replace

from plugins.nl_models.analysis import MetricOperator
from plugins.nl_models.semantic.counting import is_count
from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.semantic.request import Threshold
from plugins.nl_models.semantic.turns import Turns

OPERATORS: dict[str, MetricOperator] = {
    "MORE": ">",
    "MORE_EQUAL": ">=",
    "LESS": "<",
    "LESS_EQUAL": "<=",
    "EXACTLY": "=",
}
_THINGS = frozenset({"which", "list", "list the", "what are the", "who are the"})
_ASKING = frozenset({"which", "list", "list the", "what are the", "who are the", "what is the"})


class Ranking(Turns):
    """Turns that rank, limit and compare with numbers."""

    def _on_which(self, at: int) -> int:
        text, request = self.spans[at].text, self.request
        request.asks_which |= text in _THINGS
        is_thing = self._kind(at - 1) == "time" or bool(self._named(at - 1).dimensions)
        if is_thing and self._word_before(at) in ("in", "on", "for", "at"):
            # "months in which it fell"
            return at + 1
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

    def _on_top(self, at: int) -> int:
        request = self.request
        self._rank_once(at)
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

    def _is_rate(self, at: int) -> bool:
        """Whether the figure that a number of per cent is of is a part of something."""
        named = self._named(at + 3).metrics or tuple(self.request.metrics[-1:])
        found = self.vocabulary.layer.metrics[named[0]] if named else None
        return found is not None and (found.unit == "share" or found.kind == "ratio")

    def _rank_once(self, at: int) -> None:
        """A second superlative only says by what the first one is meant: the top 5 by highest revenue."""
        request = self.request
        is_same = request.is_descending == (self._kind(at) == "TOP") and request.order_metric is None
        follows = at + 1 + (self._kind(at + 1) == "number")
        if request.is_ranked and not (is_same and (self._named(follows).metrics or self._kind(follows) == "verb")):
            request.unclear.append(self.spans[at].text)

    def _on_selling(self, at: int) -> int:
        request = self.request
        request.marks.add("SELLING")
        self._rank_once(at)
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
            self.taken.add(at + 1)
        elif named.dimensions:
            self.request.sort_group = named.dimensions[0]
            self.taken.add(at + 1)
        elif self._kind(at + 1) == "time" and self._grain(at + 1):
            self.request.sort_group = self._grain(at + 1) or ""
        return at + 1

    def _on_operator(self, at: int) -> int:
        if self.spans[at].text == "over" and self._kind(at + 1) == "time" and self._grain(at + 1) is not None:
            # "over the quarters"
            self.expects_group = True
            return at + 1
        if "MOVING" in self.request.marks and self._is_window(at + 1) and self.spans[at].text == "over":
            self.request.window = int(self.spans[at + 1].number or 0)
            return at + 2
        if self._kind(at + 1) == "AVERAGE" or self._kind(at + 1) != "number":
            self.request.doubts.append(self.spans[at].text)
            return at + 1
        number = self.spans[at + 1]
        if self._kind(at + 2) == "SHARE" and number.number is not None and self._is_rate(at):
            # "a return rate above 20 %": of a figure that is in per cent itself.
            self._expect(OPERATORS[self._kind(at)], number.number / 100, at + 3)
            return at + 3
        if self._kind(at + 2) == "SHARE" and number.number is not None:
            # "more than 5 percent"
            self.request.is_percent = True
            self.request.marks.add("SHARE")
            self._expect(OPERATORS[self._kind(at)], number.number / 100, at + 3)
            return at + 3
        count = len(self.request.thresholds)
        self._expect(OPERATORS[self._kind(at)], number.number or 0.0, at + 2, number.unit)
        if len(self.request.thresholds) > count:
            self._said_of_verb(at)
        if len(self.request.thresholds) > count and (of := self._named(at - 1).dimensions):
            # "countries with more than 50 orders", whatever they are shown by.
            self.request.thresholds[-1] = replace(self.request.thresholds[-1], of=of[0])
        return at + 2

    def _expect(self, operator: MetricOperator, value: float, after: int, unit: str = "") -> None:
        """A threshold of the metric that is named next, else of the one before it. unit: of money."""
        self.order.append("threshold")
        following = after + (self._kind(after) == "unit")
        named = self._named(following)
        is_time = self._kind(following) == "time" and self._grain(following) is not None
        if is_time or (named.dimensions and not named.metrics):
            # "in at least 6 months": how many of them there are is no figure.
            self.request.doubts.append(self.spans[following].text)
        elif named.metrics and not (unit and is_count(self.vocabulary.layer, named.metrics[0])):
            self.taken.add(following)
            self.request.thresholds.append(Threshold(operator, value, self._metric(named)))
        elif self._kind(following) == "verb" and self.spans[following].text in cues().telling and not unit:
            self.taken.add(following)
            self.request.thresholds.append(Threshold(operator, value, verb=self.spans[following].text))
        elif self.request.metrics or unit:
            metric = self.request.metrics[-1] if self.request.metrics else None
            self.request.thresholds.append(Threshold(operator, value, metric, unit=unit))
        elif self._kind(following) == "unknown":
            self.request.doubts.append(self.spans[following].text)
        else:
            self.request.thresholds.append(Threshold(operator, value))

    def _said_of_verb(self, at: int) -> None:
        """New customers who ordered twice: a number of orders, not of customers."""
        if self._kind(at - 1) != "verb" or not self.request.thresholds or not self.request.metrics:
            return
        last = self.request.thresholds[-1]
        if last.metric == self.request.metrics[-1] and not last.unit and not last.verb:
            self.request.thresholds[-1] = replace(last, metric=None, verb=self.spans[at - 1].text)

    def _is_window(self, at: int) -> bool:
        """A number of months, or other time buckets."""
        return self._kind(at) == "number" and self._kind(at + 1) == "time" and self._grain(at + 1) is not None

    def _is_number_of(self, at: int) -> bool:
        """Whether a number stands right behind what it is the key of: station 5; not: rentals within 30 days."""
        between = self.spans[at].start - self.spans[at - 1].end
        follows = between == 0 or (between == 1 and self._word_before(at) in ("number", "no", "id", "code"))
        return follows and self.spans[at].text.isdigit() and self._kind(at + 1) != "time"

    def _on_number(self, at: int) -> int:
        number = self.spans[at].number or 0.0
        if self._is_window(at) and "MOVING" in (self._kind(at - 1), self._kind(at + 2)):
            # "3 month moving average", "rolling 3 month average": of months.
            self.request.window = int(number)
            return at + 1
        before = self._named(at - 1)
        if self.spans[at].text in ("once", "twice"):
            self._expect("=", number, at + 1)
            self._said_of_verb(at)
            return at + 1
        is_between = self._kind(at - 1) == "BETWEEN" and self._kind(at + 1) == "AND"
        if is_between and self._kind(at + 2) == "number":
            other = self.spans[at + 2]
            unit = other.unit or self.spans[at].unit
            self._expect(">=", number, at + 3, unit)
            self._expect("<=", other.number or 0.0, at + 3, unit)
            return at + 3
        if self._kind(at + 1) in OPERATORS and self.spans[at + 1].text.startswith(("or ", "and ")):
            # "20 orders or more" is said as often as "20 or more orders".
            self._expect(OPERATORS[self._kind(at + 1)], number, at + 2, self.spans[at].unit)
            return at + 2
        is_rank = self._kind(at + 1) in ("TOP", "BOTTOM", "SELLING")
        if before.dimensions and not self.expects_group and not is_rank and self._is_number_of(at):
            self._identify(before.dimensions[0], self.spans[at].text)
            return at + 1
        known = self.request.identified
        if known and self._kind(at - 1) in ("AND", "COMMA", "OR") and self.spans[at - 2].text == known[-1][1]:
            # "customers 5, 6 and 7"
            self._identify(known[-1][0], self.spans[at].text)
            return at + 1
        if is_rank or self._is_groupable(at + 1):
            self.request.limit = int(number)
            self.expects_group = self.is_target = self._is_groupable(at + 1)
            return at + 1
        self.request.doubts.append(self.spans[at].text)
        return at + 1
