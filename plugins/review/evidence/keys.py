"""Keys: which rows came, which went, and whether the key still identifies a row."""

from __future__ import annotations

from typing import Any

from plugins.core.duck import quote
from plugins.review.evidence.comparison import Comparison
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.masking import mask
from plugins.review.evidence.sides import Sides, each_model

UNKNOWN = "no key is declared: add a unique test, a primary-key constraint or unique_key"


class KeyDiff:
    """Failed: duplicate or null keys at head that base had not. Changed: keys were added or removed."""

    kind = "keys"

    def collect(self, comparison: Comparison) -> list[Finding]:
        """One finding per model."""
        return each_model(self.kind, comparison, self._judge)

    def _judge(self, sides: Sides) -> list[Finding]:
        if not sides.key:
            return [self._finding(sides, Outcome.NOT_CHECKED, _why_unknown(sides))]
        facts = _count(sides)
        duplicates, nulls = facts["duplicates"], facts["nulls"]
        worse = []
        if duplicates["new"]:
            worse.append(f"{duplicates['head']:,} duplicate keys (base: {duplicates['base']:,})")
        if nulls["head"] > nulls["base"]:
            worse.append(f"{nulls['head']:,} rows with a null in the key (base: {nulls['base']:,})")
        if worse:
            return [self._finding(sides, Outcome.FAILED, "; ".join(worse), facts)]
        key = ", ".join(column.head for column in sides.key)
        if facts["added"] or facts["removed"]:
            samples = _samples(sides, "added") + _samples(sides, "removed")
            detail = f"{facts['added']:,} keys added, {facts['removed']:,} removed ({key})"
            return [self._finding(sides, Outcome.CHANGED, detail, facts, samples)]
        return [self._finding(sides, Outcome.PASSED, f"0 added, 0 removed ({key})", facts)]

    def _finding(
        self,
        sides: Sides,
        outcome: Outcome,
        detail: str,
        facts: dict[str, Any] | None = None,
        samples: list[dict[str, Any]] | None = None,
    ) -> Finding:
        return Finding(
            kind=self.kind,
            subject=sides.model.name,
            outcome=outcome,
            detail=detail,
            facts=facts or {},
            samples=tuple(samples or ()),
            is_exact=not sides.key or sides.one_in == 1,
        )


def _why_unknown(sides: Sides) -> str:
    if not sides.model.key:
        return UNKNOWN
    lacking = [
        f"{column} is not at {side}"
        for side, columns in (("base", sides.base_columns), ("head", sides.head_columns))
        for column in sides.model.key
        if column.lower() not in {name.lower() for name in columns}
    ]
    return f"the key can't be compared: {', '.join(lacking)}"


def grouped_keys(sides: Sides, side: str) -> str:
    """SQL: each key of one side as k0, k1, …, with the number of its rows, `n`."""
    names = [quote(column.base if side == "base" else column.head) for column in sides.key]
    listed = ", ".join(f"{name} as k{position}" for position, name in enumerate(names))
    return f"(select {listed}, count(*) as n from {sides.rows(side)} group by all)"


def same_key(sides: Sides) -> str:
    """SQL: the join condition of `b` and `h`; nulls equal each other."""
    return " and ".join(f"b.k{n} is not distinct from h.k{n}" for n in range(len(sides.key)))


def _count(sides: Sides) -> dict[str, Any]:
    nulls = " or ".join(f"k{position} is null" for position in range(len(sides.key)))
    row = sides.con.execute(
        f"""
        with b as materialized {grouped_keys(sides, "base")}, h as materialized {grouped_keys(sides, "head")}
        select
            (select count(*) from h anti join b on {same_key(sides)}),
            (select count(*) from b anti join h on {same_key(sides)}),
            (select count(*) filter (where n > 1) from b), (select count(*) filter (where n > 1) from h),
            (select count(*) from h anti join (from b where n > 1) as b on {same_key(sides)} where h.n > 1),
            (select coalesce(sum(n) filter (where {nulls}), 0)::bigint from b),
            (select coalesce(sum(n) filter (where {nulls}), 0)::bigint from h)
        """
    ).fetchall()[0]
    return {
        "key": [column.head for column in sides.key],
        "added": row[0],
        "removed": row[1],
        "duplicates": {"base": row[2], "head": row[3], "new": row[4]},
        "nulls": {"base": row[5], "head": row[6]},
    }


def _samples(sides: Sides, change: str) -> list[dict[str, Any]]:
    mine, other = ("head", "base") if change == "added" else ("base", "head")
    names = [column.head for column in sides.key]
    keys = ", ".join(f"h.k{n}" for n in range(len(names)))
    rows = sides.con.execute(
        f"with h as {grouped_keys(sides, mine)}, b as {grouped_keys(sides, other)} "
        f"select {keys} from h anti join b on {same_key(sides)} "
        f"order by all limit {sides.comparison.limits.samples}"
    ).fetchall()
    pii = sides.model.pii
    return [
        {"change": change, **{n: mask(v, n, n.lower() in pii) for n, v in zip(names, row, strict=True)}}
        for row in rows
    ]
