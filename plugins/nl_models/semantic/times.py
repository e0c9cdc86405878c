"""Times as people say them: "in March 2011", "the last three months", "since Q2", "monthly", "against last year".

Relative periods count from `now`. A week begins on Monday (ISO 8601).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from plugins.nl_models.analysis import Grain, PeriodComparison, TimeRange
from plugins.nl_models.render.periods import moved, start_of

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_GRAINS: dict[str, Grain] = {
    "day": "day", "days": "day", "daily": "day", "date": "day", "dates": "day",
    "week": "week", "weeks": "week", "weekly": "week",
    "month": "month", "months": "month", "monthly": "month",
    "quarter": "quarter", "quarters": "quarter", "quarterly": "quarter",
    "year": "year", "years": "year", "yearly": "year", "annual": "year", "annually": "year",
}  # fmt: skip
_ADVERBS = frozenset({"daily", "weekly", "monthly", "quarterly", "yearly", "annual", "annually"})
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": -1}
_NUMBERS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "couple": 2,
}  # fmt: skip
_BEFORE = frozenset({"last", "previous", "past", "prior", "preceding"})
_ABOUT = frozenset({"in", "during", "for", "on", "of", "over", "within", "from", "throughout", "the", "at"})
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_OVER = {"yoy": "year", "mom": "month", "wow": "week", "qoq": "quarter", "dod": "day"}


@dataclass(frozen=True)
class Period:
    """Some days. grain: what it is one of, if it is one. is_assumed: the year was not said. is_relative: it was said
    as it is from now."""

    start: date
    end: date
    label: str
    grain: Grain | None = None
    is_assumed: bool = False
    is_relative: bool = False

    @property
    def range(self) -> TimeRange:
        """As a plan has it."""
        return TimeRange(start=self.start, end=self.end, label=self.label)


@dataclass(frozen=True)
class Said:
    """One expression of time: one of these, and where it ends."""

    end: int
    range: TimeRange | None = None
    period: Period | None = None
    grain: Grain | None = None
    is_adverb: bool = False
    comparison: PeriodComparison | None = None


@dataclass(frozen=True)
class Times:
    """Reads times in the words of a question, in lower case. now: the day that relative periods count from."""

    words: Sequence[str]
    now: date

    def at(self, start: int) -> Said | None:
        """What begins at a word, the longest; None if no time does."""
        for read in (self._comparison, self._over, self._bounded, self._open, self._within, self._grain):
            if said := read(start):
                return said
        return None

    def _word(self, at: int) -> str:
        return self.words[at] if at < len(self.words) else ""

    def _skip(self, at: int, *words: str) -> int:
        while self._word(at) in words:
            at += 1
        return at

    def _grain(self, at: int) -> Said | None:
        word = self._word(at)
        if self._word(at + 1) == "of" and self._word(self._skip(at + 2, "the", "a")) in _GRAINS:
            # A day of the week is no day: it is a part of the calendar.
            return None
        if word not in _GRAINS or (word in ("date", "dates")):
            return None
        return Said(at + 1, grain=_GRAINS[word], is_adverb=word in _ADVERBS)

    def _over(self, at: int) -> Said | None:
        """Year over year, month on month."""
        word = self._word(at)
        if word in _OVER:
            return Said(at + 1, comparison=PeriodComparison(grain=_OVER[word], only_growth=True))  # type: ignore[arg-type]
        if word in _GRAINS and self._word(at + 1) in ("over", "on", "to") and self._word(at + 2) == word:
            return Said(at + 3, comparison=PeriodComparison(grain=_GRAINS[word], only_growth=True))
        return None

    def _comparison(self, at: int) -> Said | None:
        """Against last year, compared to the month before, than a year ago."""
        step = at
        if self._word(step) in ("against", "versus", "vs", "vs.", "over"):
            step += 1
        elif self._word(step) in ("compared", "relative", "comparison") and self._word(step + 1) in ("to", "with"):
            step += 2
        elif self._word(step) == "than" or (self._word(step) == "from" and self._word(step + 1) in ("the", "a")):
            step += 1
        elif self._word(step) in ("with", "to"):
            step += 1
        elif self._word(step) == "same" or (self._word(step) == "the" and self._word(step + 1) == "same"):
            pass
        else:
            return None
        if (earlier := self._earlier(step)) is None:
            return None
        end, grain = earlier
        if (
            self._word(at) == "over"
            and self._word(end - 1) not in ("before", "earlier", "ago")
            and not any(word == "previous" for word in self.words[at:end])
        ):
            return None
        return Said(end, comparison=PeriodComparison(grain=grain))

    def _earlier(self, at: int) -> tuple[int, Grain] | None:
        """`(the same period) (of) the previous year`, `last year`, `the year before`, `a year ago`."""
        at = self._skip(at, "the", "that", "those", "of")
        if self._word(at) == "same":
            at += 1
            if self._word(at) in ("period", "time", "month", "week", "day", "quarter", "months", "days", "weeks"):
                at += 1
            at = self._skip(at, "of", "in", "the", "a", "one")
        at = self._skip(at, "a", "one", "its")
        if self._word(at) in (*_BEFORE, "year-earlier") and self._word(at + 1) in (*_GRAINS, "period"):
            named = self._word(at + 1)
            return (at + 2, _GRAINS[named]) if named in _GRAINS else None
        if self._word(at) in _GRAINS and self._word(at + 1) in ("before", "earlier", "ago", "prior"):
            return at + 2, _GRAINS[self._word(at)]
        return None

    def _bounded(self, at: int) -> Said | None:
        """Between A and B; from A to B; A to B."""
        step = self._skip(at, "in", "during", "for", "the", "of")
        if self._word(step) in ("between", "from"):
            step += 1
        first = self._period(step) or self._day_of_range(step)
        if first is None:
            return None
        end, one = first
        if self._word(end) not in ("and", "to", "until", "till", "through", "thru", "-", "–"):
            return None
        if self._word(end) == "and" and "between" not in self.words[at:step]:
            return None
        second = self._period(end + 1)
        if second is None:
            return None
        end, two = second
        if one.is_assumed and not two.is_assumed:
            year = two.start.year - (one.start.month > two.start.month)
            one = replace(one, start=one.start.replace(year=year), label=f"{one.label.split()[0]} {year}")
        if one.start >= two.end:
            return None
        label = f"{one.label.removesuffix(f' {two.start.year}')} to {two.label}"
        return Said(end, range=TimeRange(start=one.start, end=two.end, label=label))

    def _day_of_range(self, at: int) -> tuple[int, Period] | None:
        """The 7 in: between 7 and 11 November."""
        if not re.fullmatch(r"\d\d?(st|nd|rd|th)?", self._word(at)) or self._word(at + 1) not in (
            "and",
            "to",
            "-",
        ):
            return None
        second = self._day(self._skip(at + 2, "the"))
        if second is None or second[1].grain != "day":
            return None
        number = int(re.sub(r"\D", "", self._word(at)))
        found = _dated(at + 1, second[1].start.year, second[1].start.month, number)
        return (at + 1, replace(found[1], label=str(number))) if found else None

    def _open(self, at: int) -> Said | None:
        """Since A, before A, after A, until A; A or later."""
        if end_of := self._end_of(at):
            return end_of
        step = self._skip(at, "on", "starting", "beginning")
        if self._word(step) == "or" and self._word(step + 1) in ("after", "before"):
            return self._from_on(step + 1)
        word = self._word(step)
        if word not in ("since", "after", "before", "until", "till", "by") and not (
            word == "from" or (word == "up" and self._word(step + 1) == "to")
        ):
            return None
        found = self._period(step + (2 if word == "up" else 1))
        if found is None:
            return None
        end, period = found
        if word == "from" and self._word(end) not in ("on", "onwards", "onward"):
            return None
        end = self._skip(end, "on", "onwards", "onward") if word in ("from", "since") else end
        if word in ("since", "from"):
            return Said(end, range=TimeRange(start=period.start, label=f"since {period.label}"))
        if word == "after":
            return Said(end, range=TimeRange(start=period.end, label=f"after {period.label}"))
        last = period.start if word == "before" else period.end
        return Said(end, range=TimeRange(end=last, label=f"{word} {period.label}"))

    def _from_on(self, at: int) -> Said | None:
        """(On) or after A, (on) or before A: that day too."""
        found = self._period(at + 1)
        if found is None:
            return None
        end, period = found
        if self._word(at) == "after":
            return Said(end, range=TimeRange(start=period.start, label=f"since {period.label}"))
        return Said(end, range=TimeRange(end=period.end, label=f"until {period.label}"))

    def _end_of(self, at: int) -> Said | None:
        """At the end of A, as of A: all up to there."""
        step = self._skip(at, "at", "by", "until", "as", "of", "the")
        if self._word(step) != "end" or self._word(step + 1) != "of":
            return None
        found = self._period(step + 2)
        if found is None:
            return None
        end, period = found
        return Said(end, range=TimeRange(end=period.end, label=f"up to the end of {period.label}"))

    def _within(self, at: int) -> Said | None:
        step = at
        while self._word(step) in _ABOUT:
            step += 1
        found = self._period(step)
        if found is None:
            return None
        end, period = found
        return Said(end, range=period.range, period=period)

    def _period(self, at: int) -> tuple[int, Period] | None:
        at = self._skip(at, "the")
        for read in (self._day, self._part, self._relative, self._month, self._week_of, self._year):
            if found := read(at):
                return found
        return None

    def _year_at(self, at: int) -> tuple[int, int] | None:
        at = self._skip(at, "of", "in", ",", "the", "year")
        word = self._word(at)
        return (at + 1, int(word)) if re.fullmatch(r"(19|20)\d\d", word) else None

    def _year(self, at: int) -> tuple[int, Period] | None:
        if found := self._year_at(at):
            end, year = found
            return end, Period(date(year, 1, 1), date(year + 1, 1, 1), str(year), "year")
        return None

    def _month(self, at: int) -> tuple[int, Period] | None:
        number = _month(self._word(at))
        if number is None or (self._word(at) == "may" and at > 0 and self._word(at - 1) in ("i", "we", "you")):
            return None
        if said := self._year_at(at + 1):
            end, year = said
        else:
            # The latest one that has begun.
            end, year = at + 1, self.now.year - (number > self.now.month)
        start = date(year, number, 1)
        label = f"{_MONTHS[number - 1].capitalize()} {year}"
        return end, Period(start, moved(start, "month", 1), label, "month", is_assumed=said is None)

    def _day(self, at: int) -> tuple[int, Period] | None:
        at = self._skip(at, *_WEEKDAYS) if self._word(at + 1) else at
        word = self._word(at)
        if word in ("today", "yesterday"):
            return at + 1, replace(_day(self.now - timedelta(days=word == "yesterday")), is_relative=True)
        if found := re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)", word):
            return _dated(at + 1, int(found[1]), int(found[2]), int(found[3]))
        if found := re.fullmatch(r"(\d\d?)[./](\d\d?)[./](\d{4})", word):
            return _dated(at + 1, int(found[3]), int(found[2]), int(found[1]))
        number = re.fullmatch(r"(\d\d?)(st|nd|rd|th)?", word)
        if number and (month := _month(self._word(self._skip(at + 1, "of")))):
            end = self._skip(at + 1, "of") + 1
            return self._dated_in(end, month, int(number[1]))
        if month := _month(word):
            number = re.fullmatch(r"(\d\d?)(st|nd|rd|th)?", self._word(self._skip(at + 1, "the")))
            if number:
                return self._dated_in(self._skip(at + 1, "the") + 1, month, int(number[1]))
        return None

    def _dated_in(self, end: int, month: int, day: int) -> tuple[int, Period] | None:
        said = self._year_at(end)
        year = said[1] if said else self.now.year - (month > self.now.month)
        return _dated(said[0] if said else end, year, month, day)

    def _part(self, at: int) -> tuple[int, Period] | None:
        """A quarter or a half of a year, its first months."""
        word = self._word(at)
        if found := re.fullmatch(r"([qh])([1-4])", word):
            return self._part_of_year(at + 1, "quarter" if found[1] == "q" else "half", int(found[2]))
        if found := re.fullmatch(r"((?:19|20)\d\d)-?([qh])([1-4])", word):
            kind = "quarter" if found[2] == "q" else "half"
            return at + 1, _part_of(int(found[1]), kind, int(found[3]))
        if word not in _ORDINALS:
            return None
        count = self._number(at + 1)
        if count and self._word(at + 2) in ("months", "weeks", "days", "quarters"):
            return self._first_of(at, count, _GRAINS[self._word(at + 2)])
        kind = self._word(at + 1)
        is_named = kind in ("half", "quarter", "week", "month") and self._word(at + 2) in ("of", "in")
        if not is_named or word == "last":
            return None
        if kind in ("half", "quarter"):
            return self._part_of_year(at + 2, kind, _ORDINALS[word])
        return self._first_of(at - 1, 1, _GRAINS[kind]) if word in ("first", "1st") else None

    def _first_of(self, at: int, count: int, grain: Grain) -> tuple[int, Period] | None:
        """The first, or last, of some months, weeks or days of a longer period."""
        whole = self._period(self._skip(at + 3, "of", "in", "the"))
        if whole is None:
            return None
        end, period = whole
        if self._word(at) == "last":
            start = moved(period.end, grain, -count)
            return end, Period(start, period.end, f"the last {count} {grain}s of {period.label}")
        label = f"the first {f'{count} {grain}s' if count > 1 else grain} of {period.label}"
        return end, Period(period.start, moved(period.start, grain, count), label)

    def _part_of_year(self, at: int, kind: str, number: int) -> tuple[int, Period] | None:
        said = self._year_at(at)
        if said is None:
            return at, replace(_part_of(self.now.year, kind, number), is_assumed=True)
        return said[0], _part_of(said[1], kind, number)

    def _number(self, at: int) -> int | None:
        word = self._word(at)
        return int(word) if word.isdigit() and len(word) < 4 else _NUMBERS.get(word)

    def _relative(self, at: int) -> tuple[int, Period] | None:
        found = self._counted(at)
        return (found[0], replace(found[1], is_relative=True)) if found is not None else None

    def _counted(self, at: int) -> tuple[int, Period] | None:
        word = self._word(at)
        if word in ("ytd", "mtd", "qtd"):
            grain: Grain = {"ytd": "year", "mtd": "month", "qtd": "quarter"}[word]  # type: ignore[assignment]
            return at + 1, self._to_date(grain)
        if word in _GRAINS and [self._word(at + 1), self._word(at + 2)] == ["to", "date"]:
            return at + 3, self._to_date(_GRAINS[word])
        if word in ("this", "current"):
            if self._word(at + 1) not in _GRAINS:
                return None
            grain = _GRAINS[self._word(at + 1)]
            start = start_of(self.now, grain)
            return at + 2, Period(start, moved(start, grain, 1), _label(start, grain), grain)
        if word not in _BEFORE:
            return None
        count = self._number(at + 1)
        step = at + 2 if count else at + 1
        step = self._skip(step, "of", "full", "complete", "calendar")
        if self._word(step) not in _GRAINS or self._word(step) in _ADVERBS:
            return None
        return step + 1, self._last(count or 1, _GRAINS[self._word(step)], is_counted=count is not None)

    def _last(self, count: int, grain: Grain, *, is_counted: bool) -> Period:
        """The last whole ones before now; days and weeks that are counted include today."""
        if is_counted and grain in ("day", "week"):
            end = self.now + timedelta(days=1)
            start = end - timedelta(days=count * (7 if grain == "week" else 1))
            return Period(start, end, f"{count} {grain}s up to {_written(self.now)}")
        end = start_of(self.now, grain)
        start = moved(end, grain, -count)
        first, last = _label(start, grain), _label(moved(end, grain, -1), grain)
        return Period(start, end, first if count == 1 else f"{first} to {last}", grain if count == 1 else None)

    def _to_date(self, grain: Grain) -> Period:
        start = start_of(self.now, grain)
        return Period(start, self.now + timedelta(days=1), f"{_label(start, grain)} up to {_written(self.now)}")

    def _week_of(self, at: int) -> tuple[int, Period] | None:
        if self._word(at) != "week" or self._word(at + 1) not in (
            "of",
            "beginning",
            "starting",
            "from",
            "commencing",
        ):
            return None
        found = self._day(self._skip(at + 2, "the"))
        if found is None:
            return None
        end, day = found
        start = start_of(day.start, "week")
        return end, Period(start, moved(start, "week", 1), _label(start, "week"), "week")


def _month(word: str) -> int | None:
    word = word.rstrip(".")
    if len(word) < 3 or not word.isalpha():
        return None
    short = word[:3] if word != "sept" else "sep"
    for number, name in enumerate(_MONTHS, 1):
        if word == name or (word in (short, "sept") and name.startswith(short)):
            return number
    return None


def _dated(end: int, year: int, month: int, day: int) -> tuple[int, Period] | None:
    try:
        return end, _day(date(year, month, day))
    except ValueError:
        return None


def _day(day: date) -> Period:
    return Period(day, day + timedelta(days=1), _written(day), "day")


def _part_of(year: int, kind: str, number: int) -> Period:
    months = 3 if kind == "quarter" else 6
    number = min(number, 12 // months) if number > 0 else 12 // months
    start = date(year, months * (number - 1) + 1, 1)
    label = f"Q{number} {year}" if kind == "quarter" else f"{'first' if number == 1 else 'second'} half of {year}"
    return Period(start, moved(start, "month", months), label, "quarter" if kind == "quarter" else None)


def _written(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1].capitalize()} {day.year}"


def _label(start: date, grain: Grain) -> str:
    if grain == "year":
        return str(start.year)
    if grain == "quarter":
        return f"Q{(start.month + 2) // 3} {start.year}"
    if grain == "month":
        return f"{_MONTHS[start.month - 1].capitalize()} {start.year}"
    return f"the week of {_written(start)}" if grain == "week" else _written(start)


def joined(periods: Sequence[Period]) -> bool:
    """Whether periods follow each other without a gap."""
    ordered = sorted(periods, key=lambda period: period.start)
    return all(one.end == two.start for one, two in pairwise(ordered))
