"""Periods as people name them: "March 2011", "Q3", "the last three months", "the first week of December"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from plugins.nl_models.analysis import Grain, TimeRange
from plugins.nl_models.render.periods import moved, start_of

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
GRAINS: dict[str, Grain] = {
    "day": "day", "days": "day", "daily": "day", "date": "day", "dates": "day",
    "week": "week", "weeks": "week", "weekly": "week",
    "month": "month", "months": "month", "monthly": "month",
    "quarter": "quarter", "quarters": "quarter", "quarterly": "quarter",
    "year": "year", "years": "year", "yearly": "year", "annual": "year", "annually": "year",
}  # fmt: skip
ADVERBS = frozenset({"daily", "weekly", "monthly", "quarterly", "yearly", "annual", "annually"})
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": -1}
_NUMBERS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "couple": 2,
}  # fmt: skip
BEFORE = frozenset({"last", "previous", "past", "prior", "preceding"})
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Period:
    """Some days. grain: what it is one of, if it is one. is_assumed: the year was not said.

    is_relative: it was said as it is from now.
    """

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
class Periods:
    """Reads periods in the words of a question, in lower case. now: the day that relative ones count from."""

    words: Sequence[str]
    now: date

    def word(self, at: int) -> str:
        """A word; empty behind the last."""
        return self.words[at] if at < len(self.words) else ""

    def skip(self, at: int, *words: str) -> int:
        """The first place from `at` with none of these words."""
        while self.word(at) in words:
            at += 1
        return at

    def period(self, at: int) -> tuple[int, Period] | None:
        """The period that begins at a word, and where it ends."""
        at = self.skip(at, "the")
        for read in (self.day, self._part, self._relative, self._month, self._week_of, self._year):
            if found := read(at):
                return found
        return None

    def _year_at(self, at: int) -> tuple[int, int] | None:
        at = self.skip(at, "of", "in", ",", "the", "year")
        word = self.word(at)
        return (at + 1, int(word)) if re.fullmatch(r"(19|20)\d\d", word) else None

    def _year(self, at: int) -> tuple[int, Period] | None:
        if found := self._year_at(at):
            end, year = found
            return end, Period(date(year, 1, 1), date(year + 1, 1, 1), str(year), "year")
        return None

    def _month(self, at: int) -> tuple[int, Period] | None:
        number = _month(self.word(at))
        if number is None or (self.word(at) == "may" and at > 0 and self.word(at - 1) in ("i", "we", "you")):
            return None
        if said := self._year_at(at + 1):
            end, year = said
        else:
            # The latest one that has begun.
            end, year = at + 1, self.now.year - (number > self.now.month)
        start = date(year, number, 1)
        label = f"{_MONTHS[number - 1].capitalize()} {year}"
        return end, Period(start, moved(start, "month", 1), label, "month", is_assumed=said is None)

    def day(self, at: int) -> tuple[int, Period] | None:
        """The one day that begins at a word."""
        at = self.skip(at, *_WEEKDAYS) if self.word(at + 1) else at
        word = self.word(at)
        if word in ("today", "yesterday"):
            return at + 1, replace(_day(self.now - timedelta(days=word == "yesterday")), is_relative=True)
        if found := re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)", word):
            return dated(at + 1, int(found[1]), int(found[2]), int(found[3]))
        if found := re.fullmatch(r"(\d\d?)[./](\d\d?)[./](\d{4})", word):
            return dated(at + 1, int(found[3]), int(found[2]), int(found[1]))
        number = re.fullmatch(r"(\d\d?)(st|nd|rd|th)?", word)
        if number and (month := _month(self.word(self.skip(at + 1, "of")))):
            end = self.skip(at + 1, "of") + 1
            return self._dated_in(end, month, int(number[1]))
        if month := _month(word):
            number = re.fullmatch(r"(\d\d?)(st|nd|rd|th)?", self.word(self.skip(at + 1, "the")))
            if number:
                return self._dated_in(self.skip(at + 1, "the") + 1, month, int(number[1]))
        return None

    def _dated_in(self, end: int, month: int, day: int) -> tuple[int, Period] | None:
        said = self._year_at(end)
        year = said[1] if said else self.now.year - (month > self.now.month)
        return dated(said[0] if said else end, year, month, day)

    def _part(self, at: int) -> tuple[int, Period] | None:
        """A quarter or a half of a year, its first months."""
        word = self.word(at)
        if found := re.fullmatch(r"([qh])([1-4])", word):
            return self._part_of_year(at + 1, "quarter" if found[1] == "q" else "half", int(found[2]))
        if found := re.fullmatch(r"((?:19|20)\d\d)-?([qh])([1-4])", word):
            kind = "quarter" if found[2] == "q" else "half"
            return at + 1, _part_of(int(found[1]), kind, int(found[3]))
        if word not in _ORDINALS:
            return None
        count = self._number(at + 1)
        if count and self.word(at + 2) in ("months", "weeks", "days", "quarters"):
            return self._first_of(at, count, GRAINS[self.word(at + 2)])
        kind = self.word(at + 1)
        is_named = kind in ("half", "quarter", "week", "month") and self.word(at + 2) in ("of", "in")
        if not is_named or word == "last":
            return None
        if kind in ("half", "quarter"):
            return self._part_of_year(at + 2, kind, _ORDINALS[word])
        return self._first_of(at - 1, 1, GRAINS[kind]) if word in ("first", "1st") else None

    def _first_of(self, at: int, count: int, grain: Grain) -> tuple[int, Period] | None:
        """The first, or last, of some months, weeks or days of a longer period."""
        whole = self.period(self.skip(at + 3, "of", "in", "the"))
        if whole is None:
            return None
        end, period = whole
        if self.word(at) == "last":
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
        word = self.word(at)
        return int(word) if word.isdigit() and len(word) < 4 else _NUMBERS.get(word)

    def _relative(self, at: int) -> tuple[int, Period] | None:
        found = self._counted(at)
        return (found[0], replace(found[1], is_relative=True)) if found is not None else None

    def _counted(self, at: int) -> tuple[int, Period] | None:
        word = self.word(at)
        if word in ("ytd", "mtd", "qtd"):
            grain: Grain = {"ytd": "year", "mtd": "month", "qtd": "quarter"}[word]  # type: ignore[assignment]
            return at + 1, self._to_date(grain)
        if word in GRAINS and [self.word(at + 1), self.word(at + 2)] == ["to", "date"]:
            return at + 3, self._to_date(GRAINS[word])
        if word in ("this", "current"):
            if self.word(at + 1) not in GRAINS:
                return None
            grain = GRAINS[self.word(at + 1)]
            start = start_of(self.now, grain)
            return at + 2, Period(start, moved(start, grain, 1), _label(start, grain), grain)
        if word not in BEFORE:
            return None
        count = self._number(at + 1)
        step = at + 2 if count else at + 1
        step = self.skip(step, "of", "full", "complete", "calendar")
        if self.word(step) not in GRAINS or self.word(step) in ADVERBS:
            return None
        return step + 1, self._last(count or 1, GRAINS[self.word(step)], is_counted=count is not None)

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
        if self.word(at) != "week" or self.word(at + 1) not in (
            "of",
            "beginning",
            "starting",
            "from",
            "commencing",
        ):
            return None
        found = self.day(self.skip(at + 2, "the"))
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


def dated(end: int, year: int, month: int, day: int) -> tuple[int, Period] | None:
    """A day of the calendar; None if there is no such day."""
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
