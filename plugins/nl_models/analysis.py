"""The plan of a question over the semantic layer: metrics by dimensions, in a time range, compared and ranked."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

Grain = Literal["day", "week", "month", "quarter", "year"]
FilterOperator = Literal["in", "not in", "contains", ">", ">=", "<", "<=", "is null", "is not null"]
MetricOperator = Literal["=", ">", ">=", "<", "<="]
Calculation = Literal["share", "running total", "average", "count"]

TIME = "metric_time"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dimension(_Part):
    """A dimension or an entity as MetricFlow names it: `metric_time`, `customer__country`, `customer`.

    grain: of a time dimension. shown_by: of an entity, the dimension that people know it by; groups are still
    those of the entity, also where two have one name.
    """

    name: str
    grain: Grain | None = None
    shown_by: str | None = None

    @property
    def query_name(self) -> str:
        """The name that MetricFlow takes, and that its column has."""
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
    """Beside each value the one `count` grains earlier, and the change as a share of it."""

    grain: Grain
    count: int = 1
    only_growth: bool = False


class MetricFilter(_Part):
    """Groups whose metric compares so."""

    metric: str
    operator: MetricOperator
    value: float


class AnalysisOrdering(_Part):
    """What rows are ordered by: a metric, or a dimension by its query name."""

    by: str
    descending: bool = False


class Analysis(_Part):
    """One query of the semantic layer.

    only: of a share, the part of the total that is meant.
    calculation: `share`: of the total over all groups, of each time bucket if there are any; `running total`:
    along the time dimension; `average`: of the values of all time buckets, or of all groups; `count`: how many
    groups there are, for each of the others.
    comparison: to an earlier period.
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
    comparison: PeriodComparison | None = None
    having: tuple[MetricFilter, ...] = ()
    order_by: tuple[AnalysisOrdering, ...] = ()
    limit: int | None = None
    limit_within: tuple[str, ...] = ()
    limit_over: tuple[str, ...] = ()

    @property
    def time(self) -> Dimension | None:
        """The time buckets that it is grouped by."""
        return next((dimension for dimension in self.dimensions if dimension.grain), None)
