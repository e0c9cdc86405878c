"""Where an answer comes from: by which columns of which models each of its columns is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Source:
    """One column of a model that an answer is made from.

    answer: the column of the answer; None: it decides about all rows (joins, filters, grouping, order).
    how: identity, transformation or aggregation; else join, filter, group_by or sort. origins: `source.table.column`
    of the dbt sources that it is made from in turn. metric: the YAML file of the metric that the answer's column is.
    published_at: when the model's table was published; None if it wasn't.
    """

    answer: str | None
    model: str
    column: str
    how: str
    description: str = ""
    model_description: str = ""
    model_path: str = ""
    origins: tuple[str, ...] = ()
    metric: str | None = None
    published_at: datetime | None = None
