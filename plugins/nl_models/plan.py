"""The query plan that every planner makes: what is asked, in the words of the catalog, before any SQL."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Function = Literal["count", "sum", "avg", "min", "max"]
Operator = Literal[
    "=",
    "!=",
    ">",
    ">=",
    "<",
    "<=",
    "contains",
    "starts with",
    "ends with",
    "between",
    "in",
    "not in",
    "is null",
    "is not null",
]
SetOperator = Literal["union", "intersect", "except"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnRef(_Part):
    """A column of a table of the catalog."""

    kind: Literal["column"] = "column"
    table: str
    name: str


class Measure(_Part):
    """An aggregate. column: None counts rows of `table`."""

    kind: Literal["measure"] = "measure"
    function: Function
    column: ColumnRef | None = None
    table: str | None = None
    distinct: bool = False


class Literals(_Part):
    """Constant values; two for `between`, none for `is null`, one for most."""

    kind: Literal["values"] = "values"
    values: tuple[str | int | float, ...]


Term = Annotated[ColumnRef | Measure, Field(discriminator="kind")]


class Comparison(_Part):
    """`left operator right`; a plan on the right is a subquery of one column."""

    kind: Literal["comparison"] = "comparison"
    left: Term
    operator: Operator
    right: Annotated[Literals | ColumnRef | Plan, Field(discriminator="kind")]


class Combined(_Part):
    """Conditions of which all, or any, must hold."""

    kind: Literal["all", "any"]
    parts: tuple[Condition, ...]


Condition = Annotated[Comparison | Combined, Field(discriminator="kind")]


class Ordering(_Part):
    """What rows are ordered by."""

    by: Term
    descending: bool = False


class Plan(_Part):
    """One query. tables: those that must be read though no column of them is named.
    via: foreign keys to join by, where a table refers to another by more than one.

    limit: rows that are kept. operator, other: rows that are also, or not, in another plan of the same columns.
    """

    kind: Literal["plan"] = "plan"
    select: tuple[Term, ...] = ()
    distinct: bool = False
    tables: tuple[str, ...] = ()
    via: tuple[ColumnRef, ...] = ()
    where: Condition | None = None
    group_by: tuple[ColumnRef, ...] = ()
    having: Condition | None = None
    order_by: tuple[Ordering, ...] = ()
    limit: int | None = None
    operator: SetOperator | None = None
    other: Plan | None = None


Comparison.model_rebuild()
Combined.model_rebuild()
Plan.model_rebuild()
