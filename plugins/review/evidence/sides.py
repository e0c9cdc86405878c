"""The two tables of a compared model: their columns, their checksums, and a sample of large ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import duckdb

from plugins.review.evidence.columns import Column
from plugins.review.evidence.comparison import ComparedModel, Comparison
from plugins.review.evidence.matching import Matching, match


@dataclass(frozen=True)
class Sides:
    """Both tables of one model; what is found out about them is found out once."""

    comparison: Comparison
    model: ComparedModel

    @classmethod
    def of(cls, comparison: Comparison, model: ComparedModel) -> Sides:
        """The model's sides, the same for all kinds of evidence."""
        return comparison.shared.setdefault(model, cls(comparison, model))

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """What reads both."""
        return self.comparison.con

    @cached_property
    def base_columns(self) -> dict[str, str]:
        """Name → type at base, in order; empty if it is not there."""
        return self._describe(self.model.base)

    @cached_property
    def head_columns(self) -> dict[str, str]:
        """Name → type at head, in order; empty if it is not there."""
        return self._describe(self.model.head)

    def told_type(self, side: str, column: str) -> str:
        """A column's type as the warehouse calls it."""
        n = 0 if side == "base" else 1
        return self.model.types[n].get(column) or (self.base_columns, self.head_columns)[n][column]

    def _describe(self, relation: str | None) -> dict[str, str]:
        if relation is None:
            return {}
        return {row[0]: row[1] for row in self.con.execute(f"describe select * from {relation}").fetchall()}

    @cached_property
    def common(self) -> tuple[Column, ...]:
        """Columns of both whose values can be compared, in head's order."""
        return tuple(column for column in self.in_both if column.head.lower() not in self.model.timed)

    @cached_property
    def in_both(self) -> tuple[Column, ...]:
        """Columns of both, in head's order."""
        base = {name.lower(): name for name in self.base_columns}
        return tuple(
            Column(base[name.lower()], name, self.base_columns[base[name.lower()]], kind)
            for name, kind in self.head_columns.items()
            if name.lower() in base
        )

    @cached_property
    def key(self) -> tuple[Column, ...]:
        """Key columns; empty if the key is not known, or not in both."""
        found = {column.head.lower(): column for column in self.common}
        return () if self.lacking_key else tuple(found[name.lower()] for name in self.model.key)

    @cached_property
    def lacking_key(self) -> str:
        """Which columns of the key are on one side only, for people; empty: none."""
        lacking = [
            f"{column} is not at {side}"
            for side, columns in (("base", self.base_columns), ("head", self.head_columns))
            for column in self.model.key
            if column.lower() not in {name.lower() for name in columns}
        ]
        return ", ".join(lacking)

    @cached_property
    def values(self) -> tuple[Column, ...]:
        """Common columns that are not part of the key."""
        return tuple(column for column in self.common if column not in self.key)

    @cached_property
    def counts(self) -> tuple[int, int]:
        """Rows at base and at head; 0 where it is not there."""
        if self.model.counts is not None:
            return self.model.counts
        base, head = (self._count(relation) for relation in (self.model.base, self.model.head))
        return base, head

    def _count(self, relation: str | None) -> int:
        return self.con.execute(f"select count(*) from {relation}").fetchall()[0][0] if relation else 0

    @cached_property
    def one_in(self) -> int:
        """Every so many keys are compared; 1 for tables that are compared in full."""
        limits = self.comparison.limits
        if self.model.copied_one_in > 1:
            return self.model.copied_one_in
        largest = max(self.counts)
        return 1 if largest <= limits.exact_rows else max(2, -(-largest // limits.sample_rows))

    def rows(self, side: str, one_in: int | None = None) -> str:
        """SQL of one side's rows: all, or those of the sampled keys, which are the same on both sides.

        Without a key the rows are sampled by all columns that kept their type.
        """
        relation = self.model.base if side == "base" else self.model.head
        if (part := (one_in or self.one_in) // self.model.copied_one_in) <= 1:
            return f"(select * from {relation})"
        columns = self.key or tuple(column for column in self.common if not column.is_retyped)
        values = ", ".join(column.comparable(side, is_tolerant=not self.key) for column in columns)
        return f"(select * from {relation} where hash({values or 0}) % {part} = 0)"

    @cached_property
    def is_identical(self) -> bool:
        """Whether both sides hold the same rows in all common columns, in any order.

        By row count and the sum of 64-bit hashes of the rows: one pass, no join. Of no rows nothing is known.
        """
        if any(column.is_retyped for column in self.common) or not self.common:
            return False
        if self.counts[0] != self.counts[1]:
            return False
        return self.checksum[0] > 0 and self.checksum == self._checksum("base")

    @cached_property
    def checksum(self) -> tuple[int, int | None]:
        """Head's rows that are compared, and the sum of their hashes."""
        return self._checksum("head")

    def _checksum(self, side: str) -> tuple[int, int | None]:
        values = ", ".join(column.comparable(side) for column in self.common)
        query = f"select count(*), sum(hash({values})::hugeint) from {self.rows(side)}"
        return self.con.execute(query).fetchall()[0]

    @cached_property
    def matching(self) -> Matching:
        """How the rows of both sides match by key, which must be known."""
        return match(self)
