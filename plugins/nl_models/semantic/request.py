"""What a question about metrics was read as, before it is known whether the semantic layer has it."""

from __future__ import annotations

from dataclasses import dataclass, field

from plugins.nl_models.analysis import Grain, MetricOperator, PeriodComparison, TimeRange
from plugins.nl_models.semantic.periods import Period


@dataclass(frozen=True)
class Group:
    """A dimension or entity by its own name, or a grain of time. is_plural: said of many. is_each: said of each by
    itself."""

    name: str
    is_time: bool = False
    is_plural: bool = False
    is_each: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Restriction:
    """Values of one dimension, each as (dimension, value) readings that are as good."""

    readings: tuple[tuple[str, str | bool], ...]
    is_negated: bool = False


@dataclass(frozen=True)
class Threshold:
    """metric: None until it is known which is meant."""

    operator: MetricOperator
    value: float
    metric: str | None = None


@dataclass
class Request:
    """counted: the dimension of which it is asked how many. unknown_of: dimensions that have no value, or any.

    target: what is ranked. ranks_times: the highest are days or months, not what stands beside them.
    is_alternative: values were named with "or". doubts: words that were not understood. missing: what it should be
    split by, and nothing is called so.
    """

    metrics: list[str] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    mentioned: list[Group] = field(default_factory=list)
    restrictions: list[Restriction] = field(default_factory=list)
    identified: list[tuple[str, str]] = field(default_factory=list)
    unknown_of: list[tuple[str, bool]] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)
    ranges: list[TimeRange] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    comparison: PeriodComparison | None = None
    unit: str = ""
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
    counted: str = ""
    counts: int = 0
    is_alternative: bool = False
    contains: list[tuple[str, str]] = field(default_factory=list)

    @property
    def grains(self) -> list[Grain]:
        """Grains of time that it is grouped by."""
        return [group.name for group in self.groups if group.is_time]  # type: ignore[misc]
