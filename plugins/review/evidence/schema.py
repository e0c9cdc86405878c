"""Columns and types: what a reader of the table sees first."""

from __future__ import annotations

from plugins.review.evidence.comparison import Comparison
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.judging import each_model
from plugins.review.evidence.sides import Sides

_TOLD = 12


class SchemaDiff:
    """Changed: columns were added, removed, retyped or moved, or the model came or went."""

    kind = "schema"

    def collect(self, comparison: Comparison) -> list[Finding]:
        """One finding per model."""
        return each_model(self.kind, comparison, self._judge, self._tell)

    def _judge(self, sides: Sides) -> list[Finding]:
        base = {name.lower() for name in sides.base_columns}
        head = {name.lower() for name in sides.head_columns}
        added = [name for name in sides.head_columns if name.lower() not in base]
        removed = [name for name in sides.base_columns if name.lower() not in head]
        types = {c.head: [sides.told_type("base", c.base), sides.told_type("head", c.head)] for c in sides.in_both}
        retyped = {name: pair for name, pair in types.items() if pair[0] != pair[1]}
        kept = [c.head.lower() for c in sides.in_both]
        moved = kept != [name.lower() for name in sides.base_columns if name.lower() in head]
        parts = [f"added {name} ({sides.told_type('head', name)})" for name in added]
        parts += [f"removed {name}" for name in removed]
        parts += [f"{name}: {before} → {after}" for name, (before, after) in retyped.items()]
        parts += ["other order of columns"] if moved else []
        return [
            Finding(
                kind=self.kind,
                subject=sides.model.name,
                outcome=Outcome.CHANGED if parts else Outcome.PASSED,
                detail="; ".join(parts) or f"{len(sides.in_both)} columns, same types and order",
                facts={"added": added, "removed": removed, "retyped": retyped, "reordered": moved},
            )
        ]

    def _tell(self, sides: Sides, side: str) -> Finding:
        """The columns of a model that is on one side only."""
        names = sides.head_columns if side == "head" else sides.base_columns
        columns = {name: sides.told_type(side, name) for name in names}
        told = ", ".join(f"{name} ({kind})" for name, kind in list(columns.items())[:_TOLD])
        told += f" and {len(columns) - _TOLD} more" if len(columns) > _TOLD else ""
        words = "new:" if side == "head" else "removed: it had"
        return Finding(
            kind=self.kind,
            subject=sides.model.name,
            outcome=Outcome.CHANGED,
            detail=f"{words} {len(columns)} columns: {told}",
            facts={"added" if side == "head" else "removed": list(columns), "types": columns},
        )
