"""Columns as the matcher sees them: a name, what is said of it, and a sample of its values as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

# Rows of a table that are looked at.
SAMPLE_ROWS = 1_000


@dataclass(frozen=True)
class Column:
    """values: a sample as text, in the order of the rows; None and "" are missing. data_type: as in SQL, if
    known.
    """

    name: str
    values: Sequence[str | None] = ()
    description: str = ""
    data_type: str = ""
    is_key: bool = False


@dataclass(frozen=True)
class Table:
    """A table's columns, in their order. name and description are evidence too, where there are any."""

    columns: tuple[Column, ...]
    name: str = ""
    description: str = ""
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})
