"""The form that the model fills in: plans as flat lists of names and values.

The API takes no recursive schemas, 24 optional fields and 16 unions at most
(https://platform.claude.com/docs/en/build-with-claude/structured-outputs, "JSON Schema limitations"). So a plan
here is a list of named queries that refer to each other, conditions are in conjunctive form, and every field is
required: "" and [] stand for nothing. What is left out all the same, in the arguments of a tool, is taken as that.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from plugins.nl_models.analysis import Calculation, FilterOperator, Grain, MetricOperator
from plugins.nl_models.plan import Function, Operator, SetOperator

_MOST = 50


# What the API doesn't take, or the model doesn't need; it is validated all the same.
_UNSENT = frozenset({"default", "title", "maxItems", "maxLength"})


def _require_all(schema: dict[str, Any]) -> None:
    properties = {name: _sent(field) for name, field in schema["properties"].items()}
    schema |= {"properties": properties, "required": list(properties)}
    schema.pop("title", None)


def _sent(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_sent(item) for item in schema]
    return {k: _sent(v) for k, v in schema.items() if k not in _UNSENT} if isinstance(schema, dict) else schema


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, json_schema_extra=_require_all, str_max_length=2_000
    )


Names = Annotated[tuple[str, ...], Field(max_length=_MOST)]
Values = Annotated[tuple[str | int | float | bool, ...], Field(max_length=200)]


class ColumnName(_Part):
    """A column of a table."""

    table: str
    column: str


class Term(_Part):
    """A column, or an aggregate of it. With function "count" and column "" the rows of the table are counted."""

    function: Literal[Function, "none"] = "none"
    distinct: bool = False
    table: str
    column: str = ""


class Comparison(_Part):
    """`left operator right`. Right is `values`, or the column, or the query of that name: exactly one of them."""

    left: Term
    operator: Operator
    values: Values = ()
    right_table: str = ""
    right_column: str = ""
    right_query: str = ""


AnyOf = Annotated[tuple[Comparison, ...], Field(max_length=_MOST)]
AllOf = Annotated[tuple[AnyOf, ...], Field(max_length=_MOST, description="All hold; of each list inside, any.")]


class Order(_Part):
    """What rows are ordered by."""

    term: Term
    descending: bool = False


class Query(_Part):
    """One query over tables; how they join is known."""

    name: str
    select: Annotated[tuple[Term, ...], Field(max_length=_MOST)]
    distinct: bool = False
    tables: Names = Field(default=(), description="Tables that are needed though no column of them is named.")
    where: AllOf = ()
    group_by: Annotated[tuple[ColumnName, ...], Field(max_length=_MOST)] = ()
    having: AllOf = ()
    order_by: Annotated[tuple[Order, ...], Field(max_length=_MOST)] = ()
    limit: int = Field(default=0, description="Rows that are kept; 0: all.")
    combine: Literal[SetOperator, "none"] = "none"
    combine_with: str = Field(default="", description="Name of the query whose rows are added, shared or removed.")


class DimensionName(_Part):
    """A dimension, as `describe` names it. Time dimensions have a grain, others "none"."""

    name: str
    grain: Literal[Grain, "none"] = "none"


class DimensionFilter(_Part):
    """Rows whose dimension is so."""

    dimension: str
    operator: FilterOperator
    values: Values = ()


class MetricFilter(_Part):
    """Groups whose metric is so."""

    metric: str
    operator: MetricOperator
    value: float


class MetricOrder(_Part):
    """By a metric, or a dimension: `customer__country`; with its grain if it has one: `metric_time__month`."""

    by: str
    descending: bool = False


class MetricQuery(_Part):
    """One query of metrics by dimensions."""

    metrics: Names
    dimensions: Annotated[tuple[DimensionName, ...], Field(max_length=_MOST)] = ()
    filters: Annotated[tuple[DimensionFilter, ...], Field(max_length=_MOST)] = ()
    time_start: str = Field(default="", description='First day, "2011-01-31"; "": open.')
    time_end: str = Field(default="", description='First day behind the last one; "": open.')
    time_label: str = Field(default="", description='The time range in words, "January 2011".')
    only: Annotated[tuple[DimensionFilter, ...], Field(max_length=_MOST)] = Field(
        default=(), description="Groups that are shown, after shares are calculated of all. Operators: in, not in."
    )
    calculation: Literal[Calculation, "none"] = Field(
        default="none",
        description="share: of the total over all groups, in each time bucket; running total: along the time "
        "dimension; average: of the values of all time buckets.",
    )
    compare_grain: Literal[Grain, "none"] = Field(
        default="none",
        description="Beside each value the one that many grains earlier, and the change as a share.",
    )
    compare_count: int = 1
    only_growth: bool = False
    having: Annotated[tuple[MetricFilter, ...], Field(max_length=_MOST)] = ()
    order_by: Annotated[tuple[MetricOrder, ...], Field(max_length=_MOST)] = ()
    limit: int = Field(default=0, description="Rows that are kept, of each combination of limit_within; 0: all.")
    limit_within: Names = Field(default=(), description="Dimensions, named as in order_by.")


class PlanForm(_Part):
    """A plan: either `queries`, of which the first is the answer, or one query of `metrics`; the other is []."""

    queries: Annotated[tuple[Query, ...], Field(max_length=_MOST)] = ()
    metrics: Annotated[tuple[MetricQuery, ...], Field(max_length=_MOST)] = ()


class Reply(PlanForm):
    """The answer: a plan, or no plan and one precise question to whoever asks."""

    question_back: str = Field(
        default="", description='"" with a plan. Otherwise what has to be known before the question has an answer.'
    )
