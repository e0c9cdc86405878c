"""Times as people say them: "in March 2011", "the last three months", "since Q2", "monthly", "against last year".

Relative periods count from `now`. A week begins on Monday (ISO 8601).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from plugins.nl_models.analysis import Grain, Part, PeriodComparison, TimeRange
from plugins.nl_models.semantic.periods import ADVERBS, BEFORE, GRAINS, Period, Periods, dated

_ABOUT = frozenset({"in", "during", "for", "on", "of", "over", "within", "from", "throughout", "the", "at"})
_AGAINST = ("against", "versus", "vs", "vs.", "over", "than", "with", "to")
_OVER = {"yoy": "year", "mom": "month", "wow": "week", "qoq": "quarter", "dod": "day"}


@dataclass(frozen=True)
class Said:
    """One expression of time: one of these, and where it ends. spanned: the range goes from one to the other."""

    end: int
    range: TimeRange | None = None
    period: Period | None = None
    spanned: tuple[Period, Period] | None = None
    grain: Grain | Part | None = None
    is_adverb: bool = False
    comparison: PeriodComparison | None = None


@dataclass(frozen=True)
class Times(Periods):
    """Reads times in the words of a question."""

    def at(self, start: int) -> Said | None:
        """What begins at a word, the longest; None if no time does."""
        for read in (self._comparison, self._over, self._bounded, self._open, self._within, self._grain):
            if said := read(start):
                return said
        return None

    def _grain(self, at: int) -> Said | None:
        word = self.word(at)
        if word == "weekday":
            return Said(at + 1, grain="weekday")
        if word in ("day", "days") and self.word(at + 1) == "of" and self.word(self.skip(at + 2, "the")) == "week":
            return Said(self.skip(at + 2, "the") + 1, grain="weekday")
        if self.word(at + 1) == "of" and self.word(self.skip(at + 2, "the", "a")) in GRAINS:
            # A month of the year is no month: it is a part of the calendar.
            return None
        if word not in GRAINS or (word in ("date", "dates")):
            return None
        return Said(at + 1, grain=GRAINS[word], is_adverb=word in ADVERBS)

    def _over(self, at: int) -> Said | None:
        """Year over year, month on month."""
        word = self.word(at)
        if word in _OVER:
            return Said(at + 1, comparison=PeriodComparison(grain=_OVER[word], only_growth=True))  # type: ignore[arg-type]
        if word in GRAINS and self.word(at + 1) in ("over", "on", "to") and self.word(at + 2) == word:
            return Said(at + 3, comparison=PeriodComparison(grain=GRAINS[word], only_growth=True))
        return None

    def _comparison(self, at: int) -> Said | None:
        """Against last year, compared to the month before, than a year ago."""
        two = (self.word(at), self.word(at + 1))
        begins = two[0] in ("same", *_AGAINST) or two in (("from", "the"), ("from", "a"), ("the", "same"))
        if two[0] in ("compared", "relative", "comparison") and two[1] in ("to", "with"):
            step = at + 2
        elif begins:
            step = at if "same" in two else at + 1
        else:
            return None
        if (earlier := self._earlier(step)) is None:
            return None
        end, grain, count = earlier
        if (
            self.word(at) == "over"
            and self.word(end - 1) not in ("before", "earlier", "ago")
            and not any(word == "previous" for word in self.words[at:end])
        ):
            return None
        return Said(end, comparison=PeriodComparison(grain=grain, count=count))

    def _earlier(self, at: int) -> tuple[int, Grain, int] | None:
        """`(the same period) (of) the previous year`, `last year`, `the 30 days before`; what of, and how many."""
        at = self.skip(at, "the", "that", "those", "of")
        if self.word(at) == "same":
            at += 1
            if self.word(at) in ("period", "time", "month", "week", "day", "quarter", "months", "days", "weeks"):
                at += 1
            at = self.skip(at, "of", "in", "the", "a", "one")
        at = self.skip(at, "a", "one", "its")
        if self.word(at) in (*BEFORE, "year-earlier") and self.word(at + 1) in (*GRAINS, "period"):
            named = self.word(at + 1)
            return (at + 2, GRAINS[named], 1) if named in GRAINS else None
        step = at + (self.word(at) in ("previous", "preceding", "prior"))
        count = self._number(step)
        if count is not None and self.word(step + 1) in GRAINS:
            is_before = self.word(step + 2) in ("before", "earlier", "prior")
            if step > at or is_before:
                return step + 2 + is_before, GRAINS[self.word(step + 1)], count
        if self.word(at) in GRAINS and self.word(at + 1) in ("before", "earlier", "ago", "prior"):
            return at + 2, GRAINS[self.word(at)], 1
        return None

    def _bounded(self, at: int) -> Said | None:
        """Between A and B; from A to B; A to B."""
        step = self.skip(at, "in", "during", "for", "the", "of")
        if self.word(step) in ("between", "from"):
            step += 1
        first = self.period(step) or self._day_of_range(step)
        if first is None:
            return None
        end, one = first
        if self.word(end) not in ("and", "to", "until", "till", "through", "thru", "-", "–"):
            return None
        if self.word(end) == "and" and "between" not in self.words[at:step]:
            return None
        second = self.period(end + 1)
        if second is None and self.word(end + 1) == "now":
            second = end + 2, replace(self._to_date("day"), label="now")
        if second is None:
            return None
        end, two = second
        if one.is_assumed and not two.is_assumed:
            year = two.start.year - (one.start.month > two.start.month)
            one = replace(one, start=one.start.replace(year=year), label=f"{one.label.split()[0]} {year}")
        if one.start >= two.end:
            return None
        label = f"{one.label.removesuffix(f' {two.start.year}')} to {two.label}"
        return Said(end, range=TimeRange(start=one.start, end=two.end, label=label), spanned=(one, two))

    def _day_of_range(self, at: int) -> tuple[int, Period] | None:
        """The 7 in: between 7 and 11 November."""
        if not re.fullmatch(r"\d\d?(st|nd|rd|th)?", self.word(at)) or self.word(at + 1) not in (
            "and",
            "to",
            "-",
        ):
            return None
        second = self.day(self.skip(at + 2, "the"))
        if second is None or second[1].grain != "day":
            return None
        number = int(re.sub(r"\D", "", self.word(at)))
        found = dated(at + 1, second[1].start.year, second[1].start.month, number)
        return (at + 1, replace(found[1], label=str(number))) if found else None

    def _open(self, at: int) -> Said | None:
        """Since A, before A, after A, until A; A or later."""
        if end_of := self._end_of(at):
            return end_of
        step = self.skip(at, "on", "starting", "beginning")
        if self.word(step) == "or" and self.word(step + 1) in ("after", "before"):
            return self._from_on(step + 1)
        word = self.word(step)
        if word not in ("since", "after", "before", "until", "till", "by") and not (
            word == "from" or (word == "up" and self.word(step + 1) == "to")
        ):
            return None
        found = self.period(step + (2 if word == "up" else 1))
        if found is None:
            return None
        end, period = found
        if word == "from" and self.word(end) not in ("on", "onwards", "onward"):
            return None
        end = self.skip(end, "on", "onwards", "onward") if word in ("from", "since") else end
        if word in ("since", "from"):
            return Said(end, range=TimeRange(start=period.start, label=f"since {period.label}"))
        if word == "after":
            return Said(end, range=TimeRange(start=period.end, label=f"after {period.label}"))
        last = period.start if word == "before" else period.end
        return Said(end, range=TimeRange(end=last, label=f"{word} {period.label}"))

    def _from_on(self, at: int) -> Said | None:
        """(On) or after A, (on) or before A: that day too."""
        found = self.period(at + 1)
        if found is None:
            return None
        end, period = found
        if self.word(at) == "after":
            return Said(end, range=TimeRange(start=period.start, label=f"since {period.label}"))
        return Said(end, range=TimeRange(end=period.end, label=f"until {period.label}"))

    def _end_of(self, at: int) -> Said | None:
        """At the end of A, as of A: all up to there."""
        step = self.skip(at, "at", "by", "until", "as", "of", "the")
        if self.word(step) != "end" or self.word(step + 1) != "of":
            return None
        found = self.period(step + 2)
        if found is None:
            return None
        end, period = found
        return Said(end, range=TimeRange(end=period.end, label=f"up to the end of {period.label}"))

    def _within(self, at: int) -> Said | None:
        step = at
        while self.word(step) in _ABOUT:
            step += 1
        found = self.period(step)
        if found is None:
            return None
        end, period = found
        return Said(end, range=period.range, period=period)
