"""The two tables of a compared model: their columns, their checksums, and a sample of large ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import duckdb

from plugins.core.duck import quote
from plugins.review.evidence.comparison import ComparedModel, Comparison
from plugins.review.evidence.finding import Finding, Outcome

_NUMBERS = frozenset(
    {
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
        "FLOAT",
        "DOUBLE",
    }
)


def is_number(type_: str) -> bool:
    """Whether a DuckDB type, as `describe` writes it, is a number."""
    return type_ in _NUMBERS or (type_.startswith("DECIMAL(") and type_.endswith(")"))


@dataclass(frozen=True)
class Column:
    """A column of both sides; names may differ in case."""

    base: str
    head: str
    base_type: str
    head_type: str

    @property
    def is_retyped(self) -> bool:
        """Whether its type differs."""
        return self.base_type != self.head_type

    @property
    def is_float(self) -> bool:
        """Whether it is compared with a tolerance."""
        floats = ("DOUBLE", "FLOAT")
        return self.head_type in floats or (self.is_retyped and self.is_numeric)

    @property
    def is_numeric(self) -> bool:
        """Whether both sides are numbers."""
        return is_number(self.base_type) and is_number(self.head_type)


@dataclass(frozen=True)
class Sides:
    """Both tables of one model. `one_in`: every so many keys are compared, 1 for all."""

    comparison: Comparison
    model: ComparedModel

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """What reads both."""
        return self.comparison.con

    @cached_property
    def base_columns(self) -> dict[str, str]:
        """Name → type at base, in order."""
        return self._describe(self.model.base)

    @cached_property
    def head_columns(self) -> dict[str, str]:
        """Name → type at head, in order."""
        return self._describe(self.model.head)

    def _describe(self, relation: str | None) -> dict[str, str]:
        return {row[0]: row[1] for row in self.con.execute(f"describe select * from {relation}").fetchall()}

    @cached_property
    def common(self) -> tuple[Column, ...]:
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
        wanted = [name.lower() for name in self.model.key]
        found = {column.head.lower(): column for column in self.common}
        return tuple(found[name] for name in wanted) if all(name in found for name in wanted) else ()

    @cached_property
    def counts(self) -> tuple[int, int]:
        """Rows at base and at head."""
        row = self.con.execute(
            f"select (select count(*) from {self.model.base}), (select count(*) from {self.model.head})"
        ).fetchall()[0]
        return row[0], row[1]

    @cached_property
    def one_in(self) -> int:
        """1 for tables that are compared in full."""
        limits = self.comparison.limits
        largest = max(self.counts)
        return 1 if largest <= limits.exact_rows else max(2, -(-largest // limits.sample_rows))

    def rows(self, side: str) -> str:
        """SQL of one side's rows (all, or the sampled keys), columns named as at head where both have them."""
        relation = self.model.base if side == "base" else self.model.head
        if self.one_in == 1:
            return f"(select * from {relation})"
        columns = self.key or tuple(column for column in self.common if not column.is_retyped)
        # As text where the type differs: the same key has the same hash only as the same type.
        names = ", ".join(
            quote(column.base if side == "base" else column.head) + ("::varchar" if column.is_retyped else "")
            for column in columns
        )
        return f"(select * from {relation} where hash({names}) % {self.one_in} = 0)"

    @cached_property
    def is_identical(self) -> bool:
        """Whether both sides hold the same rows in all common columns, in any order.

        By row count and the sum of 64-bit hashes of the rows: one pass, no join.
        """
        if any(column.is_retyped for column in self.common) or not self.common:
            return False
        return self.counts[0] == self.counts[1] and self._checksum("base") == self._checksum("head")

    def _checksum(self, side: str) -> int | None:
        names = ", ".join(quote(column.base if side == "base" else column.head) for column in self.common)
        query = f"select sum(hash({names})::hugeint) from {self.rows(side)}"
        return self.con.execute(query).fetchall()[0][0]


def each_model(kind: str, comparison: Comparison, judge: Callable[[Sides], Sequence[Finding]]) -> list[Finding]:
    """Judge every model that exists on both sides; the others, and failing queries, say why they aren't."""
    findings: list[Finding] = []
    for model in comparison.models:
        reason = _not_comparable(model)
        if reason is None:
            try:
                findings += judge(Sides(comparison, model))
                continue
            except duckdb.Error as error:
                reason = f"the comparison failed: {str(error).splitlines()[0]}"
        findings.append(Finding(kind=kind, subject=model.name, outcome=Outcome.NOT_CHECKED, detail=reason))
    return findings


def _not_comparable(model: ComparedModel) -> str | None:
    if model.unbuilt is not None:
        return model.unbuilt
    if model.base is None:
        return "new: there is nothing to compare it with"
    return "removed: there is nothing to compare with" if model.head is None else None
