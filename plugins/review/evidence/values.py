"""Values: column by column for the same keys, or as bags of rows where no key is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plugins.review.evidence.columns import Column
from plugins.review.evidence.comparison import Comparison
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.judging import each_model, say
from plugins.review.evidence.keys import no_rows
from plugins.review.evidence.masking import mask
from plugins.review.evidence.matching import joined
from plugins.review.evidence.sides import Sides

_SAMPLED_COLUMNS = 5
_TOLD = 8


class ValueDiff:
    """Changed: values differ. A column that lineage says is untouched is marked as unexpected."""

    kind = "values"

    def collect(self, comparison: Comparison) -> list[Finding]:
        """One finding per model."""
        return each_model(self.kind, comparison, self._judge)

    def _judge(self, sides: Sides) -> list[Finding]:
        if not sides.common:
            return [self._say(sides, Outcome.NOT_CHECKED, "base and head have no column in common")]
        if not any(sides.counts):
            return [self._say(sides, Outcome.NOT_CHECKED, no_rows(sides))]
        if sides.is_identical:
            detail = f"{sides.checksum[0]:,} rows × {len(sides.common)} columns, unchanged"
            return [self._say(sides, Outcome.PASSED, detail, {"columns": {}})]
        if not sides.key:
            return [self._compare_bags(sides, sides.lacking_key or "no key is declared")]
        if sides.matching.changed is None:
            return [self._compare_bags(sides, "the key is not unique")]
        return [self._compare_by_key(sides, sides.matching.matched, sides.matching.changed)]

    def _compare_by_key(self, sides: Sides, matched: int, changed: dict[Column, int]) -> Finding:
        if not matched:
            sampled = sides.matching.base.rows + sides.matching.head.rows
            reason = "no key is on both sides, so no values were compared" if sampled else no_rows(sides)
            return self._say(sides, Outcome.NOT_CHECKED, reason)
        if not sides.values:
            return self._say(sides, Outcome.NOT_CHECKED, "every common column is part of the key")
        facts = {
            "matched_rows": matched,
            "columns": {c.head: {"changed": n, **_expectation(sides, c)} for c, n in changed.items()},
        }
        if not changed:
            detail = f"{matched:,} rows with the same key × {len(sides.values)} columns, unchanged"
            return self._say(sides, Outcome.PASSED, detail, facts)
        told = [f"{c.head} in {n:,} ({n / matched:.1%})" for c, n in changed.items()]
        detail = f"of {matched:,} rows with the same key: {', '.join(told[:_TOLD])}"
        detail += f", and {len(told) - _TOLD} more columns" if len(told) > _TOLD else ""
        if unexpected := [c.head for c in changed if _expectation(sides, c)]:
            detail += f"; not explained by the change of SQL: {', '.join(unexpected[:5])}"
        return self._say(sides, Outcome.CHANGED, detail, facts, _samples(sides, list(changed)))

    def _compare_bags(self, sides: Sides, why: str) -> Finding:
        """Compare whole rows with how often each occurs."""
        same = [column for column in sides.common if not column.is_retyped]
        if not same:
            return self._say(sides, Outcome.NOT_CHECKED, f"{why}, and every common column is retyped")
        table, (rows, gone, came) = _match_bags(sides, same)
        if not rows:
            return self._say(sides, Outcome.NOT_CHECKED, no_rows(sides))
        facts: dict[str, Any] = {"only_in_base": gone, "only_in_head": came}
        retyped = [column.head for column in sides.common if column.is_retyped]
        left_out = f"; not compared, because retyped: {', '.join(retyped)}" if retyped else ""
        if not gone and not came:
            detail = f"{rows:,} rows × {len(same)} columns as whole rows ({why}), unchanged{left_out}"
            return self._say(sides, Outcome.NOT_CHECKED if retyped else Outcome.PASSED, detail, facts)
        detail = f"whole rows ({why}): {gone:,} only at base, {came:,} only at head{left_out}"
        samples = _bag_samples(sides, table, same, "base") + _bag_samples(sides, table, same, "head")
        # From here on `table` is another.
        if alone := _differing_alone(sides, same):
            facts["differing_alone"] = [column.head for column in alone]
            detail += f"; they differ in {', '.join(facts['differing_alone'][:_TOLD])} alone"
        return self._say(sides, Outcome.CHANGED, detail, facts, samples)

    def _say(
        self,
        sides: Sides,
        outcome: Outcome,
        detail: str,
        facts: dict[str, Any] | None = None,
        samples: Sequence[dict[str, Any]] = (),
    ) -> Finding:
        return say(sides, self.kind, outcome, detail, facts, samples, checks=max(1, len(sides.common)))


def _expectation(sides: Sides, column: Column) -> dict[str, bool]:
    touched = sides.model.changed_columns
    is_unexpected = touched is not None and column.head.lower() not in touched
    return {"unexpected": True} if is_unexpected else {}


def _samples(sides: Sides, changed: list[Column]) -> list[dict[str, Any]]:
    names, table = [column.head for column in sides.key], sides.matching.differing
    limit, shown = sides.comparison.limits.samples, changed[:_SAMPLED_COLUMNS]
    if table is None or not limit:
        return []
    keys = [column.of("head", "h") for column in sides.key]
    found: list[dict[str, Any]] = []
    for column in shown:
        rows = sides.con.execute(
            f"select {', '.join(keys)}, {column.of('base', 'b')}, {column.of('head', 'h')} "
            f"from {joined(sides, table)} where {column.differs()} "
            f"order by {', '.join(str(n + 1) for n in range(len(names)))} limit {max(1, limit // len(shown))}"
        ).fetchall()
        found += [_sample(sides, names, column, row) for row in rows]
    return found[:limit]


def _sample(sides: Sides, names: list[str], column: Column, row: tuple[Any, ...]) -> dict[str, Any]:
    pii, name = sides.model.pii, column.head
    keys = {n: mask(v, n, n.lower() in pii) for n, v in zip(names, row, strict=False)}
    before, after = (mask(value, name, name.lower() in pii) for value in row[-2:])
    return {**keys, "column": name, "before": before, "after": after}


def _hash(columns: Sequence[Column], side: str) -> str:
    return f"hash({', '.join(column.comparable(side, is_tolerant=True) for column in columns)})"


def _match_bags(sides: Sides, columns: Sequence[Column]) -> tuple[str, tuple[int, int, int]]:
    """A table of rows' hashes that one side has more often; head's rows, and how many each side has alone."""

    def bag(side: str) -> str:
        return f"(select {_hash(columns, side)} as row_hash, count(*) as n from {sides.rows(side)} group by 1)"

    table = '"differing bags"'
    sides.con.execute(
        f"create or replace temp table {table} as "
        f"select row_hash, coalesce(h.n, 0) - coalesce(b.n, 0) as more from {bag('base')} as b "
        f"full join {bag('head')} as h using (row_hash) where b.n is distinct from h.n"
    )
    gone, came, rows = sides.con.execute(
        "select coalesce(sum(greatest(-more, 0)), 0)::bigint, coalesce(sum(greatest(more, 0)), 0)::bigint, "
        f"(select count(*) from {sides.rows('head')}) from {table}"
    ).fetchall()[0]
    return table, (rows or gone, gone, came)


def _differing_alone(sides: Sides, columns: Sequence[Column]) -> list[Column]:
    """Columns without which both sides hold the same rows; empty if others differ too, or none is left.

    A column whose values are not the same, in any order, differs in some row; what is left is compared as rows.
    """
    base, head = (
        sides.con.execute(
            f"select {', '.join(_sum_of_hashes(column, side) for column in columns)} from {sides.rows(side)}"
        ).fetchall()[0]
        for side in ("base", "head")
    )
    differing = [column for column, one, other in zip(columns, base, head, strict=True) if one != other]
    rest = [column for column in columns if column not in differing]
    if not differing or not rest:
        return []
    _, (_, gone, came) = _match_bags(sides, rest)
    return [] if gone or came else differing


def _sum_of_hashes(column: Column, side: str) -> str:
    return f"sum(hash({column.comparable(side, is_tolerant=True)})::hugeint)"


def _bag_samples(sides: Sides, table: str, columns: Sequence[Column], side: str) -> list[dict[str, Any]]:
    """A few rows that one side has more often."""
    limit = -(-sides.comparison.limits.samples // 2)
    names = [column.head for column in columns]
    more = f"select row_hash from {table} where more {'>' if side == 'head' else '<'} 0"
    rows = sides.con.execute(
        f"select distinct {', '.join(column.of(side) for column in columns)} from {sides.rows(side)} "
        f"where {_hash(columns, side)} in ({more}) order by all limit {limit}"
    ).fetchall()
    pii = sides.model.pii
    return [
        {"only in": side, **{n: mask(v, n, n.lower() in pii) for n, v in zip(names, row, strict=True)}}
        for row in rows
    ]
