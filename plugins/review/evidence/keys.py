"""Keys: which rows came, which went, and whether the key still identifies a row."""

from __future__ import annotations

from typing import Any

from plugins.review.evidence.comparison import Comparison
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.judging import each_model, say
from plugins.review.evidence.masking import mask
from plugins.review.evidence.matching import Matching
from plugins.review.evidence.sides import Sides

UNKNOWN = "no key is declared: add a unique test, a primary-key constraint or unique_key"


class KeyDiff:
    """Failed: duplicate or null keys at head that base had not. Changed: keys were added or removed."""

    kind = "keys"

    def collect(self, comparison: Comparison) -> list[Finding]:
        """One finding per model."""
        return each_model(self.kind, comparison, self._judge)

    def _judge(self, sides: Sides) -> list[Finding]:
        if not sides.key:
            lacking = f"the key can't be compared: {sides.lacking_key}" if sides.lacking_key else ""
            return [say(sides, self.kind, Outcome.NOT_CHECKED, lacking or UNKNOWN)]
        matching = sides.matching
        facts = _facts(sides, matching)
        if not matching.base.rows and not matching.head.rows:
            return [say(sides, self.kind, Outcome.NOT_CHECKED, no_rows(sides), facts)]
        if worse := _worse(matching):
            return [say(sides, self.kind, Outcome.FAILED, worse, facts, _samples(sides, "duplicated"))]
        key = ", ".join(facts["key"])
        if matching.added or matching.removed:
            samples = _samples(sides, "added") + _samples(sides, "removed")
            detail = f"{matching.added:,} keys added, {matching.removed:,} removed ({key})"
            return [say(sides, self.kind, Outcome.CHANGED, detail, facts, samples)]
        return [say(sides, self.kind, Outcome.PASSED, f"0 added, 0 removed ({key})", facts)]


def no_rows(sides: Sides) -> str:
    """Why nothing was compared, if what was to be compared has no rows."""
    return f"the sample of 1 in {sides.one_in} keys has no rows" if any(sides.counts) else "neither side has rows"


def _facts(sides: Sides, matching: Matching) -> dict[str, Any]:
    base, head = matching.base, matching.head
    return {
        "key": [column.head for column in sides.key],
        "added": matching.added,
        "removed": matching.removed,
        "duplicates": {"base": base.duplicates, "head": head.duplicates, "new": matching.new_duplicates},
        "nulls": {"base": base.nulls, "head": head.nulls},
    }


def _worse(matching: Matching) -> str:
    """What the key promises that head breaks and base did not."""
    base, head = matching.base, matching.head
    parts = []
    if matching.new_duplicates:
        parts.append(f"{head.duplicates:,} duplicate keys (base: {base.duplicates:,})")
    if head.nulls > base.nulls:
        parts.append(f"{head.nulls:,} rows with a null in the key (base: {base.nulls:,})")
    return "; ".join(parts)


def _samples(sides: Sides, change: str) -> list[dict[str, Any]]:
    names = [column.head for column in sides.key]
    wanted = "is_new_duplicate" if change == "duplicated" else f"change = '{change}'"
    rows = sides.con.execute(
        f"select {', '.join(f'k{n}' for n in range(len(names)))} from {sides.matching.differing} where {wanted} "
        f"order by all limit {sides.comparison.limits.samples}"
    ).fetchall()
    pii = sides.model.pii
    return [
        {"change": change, **{n: mask(v, n, n.lower() in pii) for n, v in zip(names, row, strict=True)}}
        for row in rows
    ]
