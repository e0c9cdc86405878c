"""The plan of a question over the semantic layer: metrics by dimensions, in a time range, compared and ranked."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

Grain = Literal["day", "week", "month", "quarter", "year"]
FilterOperator = Literal["in", "not in", "contains", ">", ">=", "<", "<=", "is null", "is not null"]
MetricOperator = Literal["=", ">", ">=", "<", "<="]
Calculation = Literal["share", "running total", "average", "count", "ratio", "moving average"]
Together = Literal["sum", "average"]
Part = Literal["weekday"]

TIME = "metric_time"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dimension(_Part):
    """A dimension or an entity as MetricFlow names it: `metric_time`, `customer__country`, `customer`.

    grain: of a time dimension. part: of a time dimension, what comes round: all Mondays are one group.
    shown_by: of an entity, the dimension that people know it by; groups are still those of the entity, also where
    two have one name.
    """

    name: str
    grain: Grain | None = None
    part: Part | None = None
    shown_by: str | None = None

    @property
    def query_name(self) -> str:
        """The name that MetricFlow takes, and that its column has."""
        if self.part:
            return f"{self.name}__extract_dow"
        return f"{self.name}__{self.grain}" if self.grain else self.name


class DimensionFilter(_Part):
    """Rows whose dimension is one of the values, or is not, or compares; a null is not any value."""

    dimension: str
    operator: FilterOperator
    values: tuple[str | bool | int | float, ...] = ()


class TimeRange(_Part):
    """start: the first day. end: the first day behind it; None: open. label: in words, "first half of 2011"."""

    start: date | None = None
    end: date | None = None
    label: str


class PeriodComparison(_Part):
    """Beside each value the one `count` grains earlier, and the change as a share of it.

    only_growth: no more than the change is shown. as_amount: nor then, and the change is a difference, where
    nothing counts as 0.
    """

    grain: Grain
    count: int = 1
    only_growth: bool = False
    as_amount: bool = False


class MetricFilter(_Part):
    """Groups whose metric compares so; with `is_change`, whose change against the earlier period does.

    of: dimensions that it is a condition on, whatever else is asked of them; then the metric need not be one that
    is asked for. It is of the question's filters and these, and of its own time range, if it has one; where there
    are no rows, it is 0. each: in every one of these buckets of the time range.
    """

    metric: str
    operator: MetricOperator
    value: float
    is_change: bool = False
    of: tuple[str, ...] = ()
    filters: tuple[DimensionFilter, ...] = ()
    time_range: TimeRange | None = None
    each: Grain | None = None


class AnalysisOrdering(_Part):
    """What rows are ordered by: a metric, or a dimension by its query name."""

    by: str
    descending: bool = False


class Analysis(_Part):
    """One query of the semantic layer.

    only: of a share, the part of the total that is meant.
    calculation: `share`: of the total over all groups, of each time bucket if there are any; `running total`:
    along the time dimension; `average`: of the values of all time buckets, or of all groups; `count`: how many
    groups there are, for each of the others; `ratio`: the first metric divided by the second; `moving average`:
    over `window` time buckets up to each.
    comparison: to an earlier period.
    kept: groups that are left in the answer; what is calculated, such as a share, is of all of them.
    together: of all rows that are kept, one.
    limit: rows that are kept, within each combination of `limit_within` if that is given; with `limit_over`, that
    many of these dimensions, by their total, and all rows of them.
    """

    kind: Literal["analysis"] = "analysis"
    metrics: tuple[str, ...]
    dimensions: tuple[Dimension, ...] = ()
    filters: tuple[DimensionFilter, ...] = ()
    time_range: TimeRange | None = None
    only: tuple[DimensionFilter, ...] = ()
    calculation: Calculation | None = None
    window: int | None = None
    comparison: PeriodComparison | None = None
    kept: tuple[DimensionFilter, ...] = ()
    having: tuple[MetricFilter, ...] = ()
    order_by: tuple[AnalysisOrdering, ...] = ()
    limit: int | None = None
    limit_within: tuple[str, ...] = ()
    limit_over: tuple[str, ...] = ()
    together: Together | None = None

    @property
    def conditions(self) -> tuple[MetricFilter, ...]:
        """What must be known of groups apart from what is asked of them."""
        return tuple(part for part in self.having if part.of)

    @property
    def needs_parts(self) -> bool:
        """Whether it asks for what a table of its metrics by its dimensions does not hold."""
        has_part = any(dimension.part for dimension in self.dimensions)
        has_change = any(part.is_change for part in self.having)
        as_amount = self.comparison is not None and self.comparison.as_amount
        is_more = self.calculation in ("ratio", "moving average") or self.together is not None
        return bool(self.conditions or self.kept) or has_part or has_change or as_amount or is_more

    @property
    def time(self) -> Dimension | None:
        """The time buckets that it is grouped by."""
        return next((dimension for dimension in self.dimensions if dimension.grain), None)
