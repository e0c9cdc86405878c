"""Values: column by column for the same keys, or as bags of rows where no key is known."""

from __future__ import annotations

from typing import Any

from plugins.core.duck import quote
from plugins.review.evidence.comparison import Comparison
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.masking import mask
from plugins.review.evidence.sides import Column, Sides, each_model

# Sums of floats depend on the order of rows; differences below this share of the value are no change.
_TOLERANCE = 1e-9
_SAMPLED_COLUMNS = 5


class ValueDiff:
    """Changed: values differ. A column that lineage says is untouched is marked as unexpected."""

    kind = "values"

    def collect(self, comparison: Comparison) -> list[Finding]:
        """One finding per model."""
        return each_model(self.kind, comparison, self._judge)

    def _judge(self, sides: Sides) -> list[Finding]:
        compared = [c for c in sides.common if c not in sides.key]
        if not sides.common:
            return [self._finding(sides, Outcome.NOT_CHECKED, "base and head have no column in common")]
        if sides.is_identical:
            detail = f"{sides.counts[1]:,} rows × {len(sides.common)} columns, unchanged"
            return [self._finding(sides, Outcome.PASSED, detail, {"columns": {}})]
        if not sides.key:
            return self._bags(sides, "no key is declared")
        if not _is_unique(sides):
            return self._bags(sides, "the key is not unique")
        return self._by_key(sides, compared)

    def _by_key(self, sides: Sides, compared: list[Column]) -> list[Finding]:
        counts = ", ".join(f"count(*) filter (where {_differs(c)})" for c in compared)
        row = sides.con.execute(
            f"select count(*){', ' + counts if counts else ''} from {_joined(sides)}"
        ).fetchall()[0]
        matched, changed = row[0], {c: n for c, n in zip(compared, row[1:], strict=True) if n}
        if not matched and any(sides.counts):
            detail = "no key is on both sides, so no values were compared"
            return [self._finding(sides, Outcome.NOT_CHECKED, detail)]
        facts = {
            "matched_rows": matched,
            "columns": {c.head: {"changed": n, **_expectation(sides, c)} for c, n in changed.items()},
        }
        if not changed:
            detail = f"{matched:,} rows with the same key × {len(compared)} columns, unchanged"
            return [self._finding(sides, Outcome.PASSED, detail, facts)]
        told = [f"{c.head} in {n:,} ({n / matched:.1%})" for c, n in changed.items()]
        detail = f"of {matched:,} rows with the same key: {', '.join(told[:8])}"
        detail += f", and {len(told) - 8} more columns" if len(told) > 8 else ""
        if unexpected := [c.head for c in changed if _expectation(sides, c)]:
            detail += f"; not explained by the change of SQL: {', '.join(unexpected[:5])}"
        return [self._finding(sides, Outcome.CHANGED, detail, facts, _samples(sides, list(changed)))]

    def _bags(self, sides: Sides, why: str) -> list[Finding]:
        """Compare whole rows with how often each occurs."""
        same = [c for c in sides.common if not c.is_retyped]
        if not same:
            return [self._finding(sides, Outcome.NOT_CHECKED, f"{why}, and every common column is retyped")]
        query = f"""
            with b as ({_hashes(sides, same, "base")}), h as ({_hashes(sides, same, "head")})
            select
                coalesce(sum(greatest(coalesce(b.n, 0) - coalesce(h.n, 0), 0)), 0)::bigint,
                coalesce(sum(greatest(coalesce(h.n, 0) - coalesce(b.n, 0), 0)), 0)::bigint
            from b full join h using (row_hash)
        """
        gone, came = sides.con.execute(query).fetchall()[0]
        facts = {"only_in_base": gone, "only_in_head": came}
        retyped = [column.head for column in sides.common if column.is_retyped]
        left_out = f"; not compared, because retyped: {', '.join(retyped)}" if retyped else ""
        if not gone and not came:
            detail = f"{sides.counts[1]:,} rows × {len(same)} columns as whole rows ({why}), unchanged{left_out}"
            outcome = Outcome.NOT_CHECKED if retyped else Outcome.PASSED
            return [self._finding(sides, outcome, detail, facts)]
        detail = f"whole rows ({why}): {gone:,} only at base, {came:,} only at head{left_out}"
        return [self._finding(sides, Outcome.CHANGED, detail, facts)]

    def _finding(
        self,
        sides: Sides,
        outcome: Outcome,
        detail: str,
        facts: dict[str, Any] | None = None,
        samples: list[dict[str, Any]] | None = None,
    ) -> Finding:
        exact = sides.one_in == 1
        said = detail if exact or outcome is Outcome.NOT_CHECKED else f"{detail} (1 in {sides.one_in} keys)"
        return Finding(
            kind=self.kind,
            subject=sides.model.name,
            outcome=outcome,
            detail=said,
            facts={**(facts or {}), "sampled_one_in": sides.one_in},
            samples=tuple(samples or ()),
            is_exact=exact,
            checks=max(1, len(sides.common)),
        )


def _expectation(sides: Sides, column: Column) -> dict[str, bool]:
    touched = sides.model.changed_columns
    is_unexpected = touched is not None and column.head.lower() not in touched
    return {"unexpected": True} if is_unexpected else {}


def _is_unique(sides: Sides) -> bool:
    return all(
        sides.con.execute(
            f"select count(*) = count(distinct ({_keys(sides, side)})) from {sides.rows(side)}"
        ).fetchall()[0][0]
        for side in ("base", "head")
    )


def _keys(sides: Sides, side: str) -> str:
    names = [quote(column.base if side == "base" else column.head) for column in sides.key]
    # A row of one value counts nulls too, which a bare column would not.
    return f"row({', '.join(names)})"


def _joined(sides: Sides) -> str:
    on = " and ".join(f"b.{quote(c.base)} is not distinct from h.{quote(c.head)}" for c in sides.key)
    return f"{sides.rows('base')} as b join {sides.rows('head')} as h on {on}"


def _differs(column: Column) -> str:
    before, after = f"b.{quote(column.base)}", f"h.{quote(column.head)}"
    if column.is_retyped:
        # As numbers where both are, so that 1.50 and 1.5 are the same; otherwise as text. A cast to either
        # type could lose what differs.
        if column.is_numeric:
            before, after = f"{before}::double", f"{after}::double"
        else:
            return f"{before}::varchar is distinct from {after}::varchar"
    differs = f"{before} is distinct from {after}"
    if not column.is_float:
        return differs
    finite = f"isfinite({before}) and isfinite({after})"
    close = f"{finite} and abs({before} - {after}) <= {_TOLERANCE} * greatest(abs({before}), abs({after}))"
    return f"({differs} and not coalesce({close}, false))"


def _hashes(sides: Sides, columns: list[Column], side: str) -> str:
    names = ", ".join(quote(c.base if side == "base" else c.head) for c in columns)
    return f"select hash({names}) as row_hash, count(*) as n from {sides.rows(side)} group by all"


def _samples(sides: Sides, changed: list[Column]) -> list[dict[str, Any]]:
    names = [column.head for column in sides.key]
    keys = ", ".join(f"h.{quote(name)}" for name in names)
    found: list[dict[str, Any]] = []
    each = max(1, sides.comparison.limits.samples // min(len(changed), _SAMPLED_COLUMNS))
    for column in changed[:_SAMPLED_COLUMNS] if sides.comparison.limits.samples else ():
        rows = sides.con.execute(
            f"select {keys}, b.{quote(column.base)}, h.{quote(column.head)} from {_joined(sides)} "
            f"where {_differs(column)} order by {', '.join(str(n + 1) for n in range(len(names)))} limit {each}"
        ).fetchall()
        found += [_sample(sides, names, column, row) for row in rows]
    return found


def _sample(sides: Sides, names: list[str], column: Column, row: tuple[Any, ...]) -> dict[str, Any]:
    pii, name = sides.model.pii, column.head
    keys = {n: mask(v, n, n.lower() in pii) for n, v in zip(names, row, strict=False)}
    before, after = (mask(value, name, name.lower() in pii) for value in row[-2:])
    return {**keys, "column": name, "before": before, "after": after}
