"""What a question about metrics was read as, before it is known whether the semantic layer has it."""

from __future__ import annotations

from dataclasses import dataclass, field

from plugins.nl_models.analysis import Grain, MetricOperator, PeriodComparison, TimeRange
from plugins.nl_models.semantic.periods import Period


@dataclass(frozen=True)
class Group:
    """A dimension or entity by its own name, or a grain of time. is_plural: said of many. is_each: said of each by
    itself. others: what else is called so, where a figure is not kept by the first. of: the entity
    that it is said of, a store's city."""

    name: str
    is_time: bool = False
    is_plural: bool = False
    is_each: bool = field(default=False, compare=False)
    is_per: bool = field(default=False, compare=False)
    others: tuple[str, ...] = field(default=(), compare=False)
    of: str = field(default="", compare=False)


@dataclass(frozen=True)
class Restriction:
    """Values of one dimension, each as (dimension, value) readings that are as good."""

    readings: tuple[tuple[str, str | bool], ...]
    is_negated: bool = False


@dataclass(frozen=True)
class Threshold:
    """metric: None until it is known which is meant. verb: what says it instead: over 10 units. unit: of money.
    of: the dimension that it is of, where it is said. time_range: where each of several has its own.
    """

    operator: MetricOperator
    value: float
    metric: str | None = None
    verb: str = ""
    unit: str = ""
    of: str = ""
    time_range: TimeRange | None = None


@dataclass(frozen=True)
class Absence:
    """What was not done, in some time, or with some values. verb: as of `Request.verbs`."""

    verb: str = ""
    time_range: TimeRange | None = None
    restriction: Restriction | None = None


@dataclass
class Request:
    """What was read, part by part.

    identified: things by dimension and key, and whether they are left out.
    counted: the dimension of which it is asked how many; counts: how often that is asked. unknown_of: dimensions
    that have no value, or any. told: verbs that stand beside a figure as another one.
    target: what is ranked. ranks_times: the highest are days or months, not what stands beside them. sort_group:
    the dimension that rows are sorted by; is_direction_said: and from which end.
    is_alternative: values were named with "or". is_both: all values or periods must be there. everywhere: the
    grain of which every one is meant. absences: what was not done.
    units: of money, in the order they are named. is_percent: thresholds are in per cent.
    direction: 1 for what rose, -1 for what fell; is_amount: by what is gained or lost. spanned: from one period to
    another; is_joined: periods are listed. window: time buckets of a moving average. is_total: a total was asked
    for.
    asks_which: things are asked for, not figures. things_first: they were named before any figure of them.
    belongs: what is mentioned says what the figure is of. share_first: a share was asked for before of what it is.
    is_part_of: one figure is meant as a part of the other.
    doubts: words that were not understood; unclear: words that are, but not what they do here.
    missing: what it should be split by, and nothing is called so.
    """

    metrics: list[str] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    mentioned: list[Group] = field(default_factory=list)
    restrictions: list[Restriction] = field(default_factory=list)
    identified: list[tuple[str, str, bool]] = field(default_factory=list)
    unknown_of: list[tuple[str, bool]] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)
    ranges: list[TimeRange] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    comparison: PeriodComparison | None = None
    units: list[str] = field(default_factory=list)
    limit: int | None = None
    is_ranked: bool = False
    ranks_times: bool = False
    is_descending: bool = True
    is_sorted: bool = False
    order_metric: str | None = None
    target: Group | None = None
    assumptions: list[str] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    doubts: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    counted: str = ""
    counts: int = 0
    is_alternative: bool = False
    contains: list[tuple[str, str]] = field(default_factory=list)
    direction: int = 0
    everywhere: str = ""
    is_amount: bool = False
    asks_which: bool = False
    belongs: bool = False
    is_both: bool = False
    spanned: tuple[Period, Period] | None = None
    absences: list[Absence] = field(default_factory=list)
    window: int | None = None
    share_first: bool = False
    is_part_of: bool = False
    is_percent: bool = False
    things_first: bool = False
    told: list[str] = field(default_factory=list)
    sort_group: str = ""
    is_total: bool = False
    is_joined: bool = False
    is_direction_said: bool = False

    @property
    def grains(self) -> list[Grain]:
        """Grains of time that it is grouped by."""
        return [group.name for group in self.groups if group.is_time]  # type: ignore[misc]
