"""Whether a table may be another one under the same name: no row, or no column, of before is in it any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plugins.schema_drift.change import Change, Fact, Kind, Severity
from plugins.schema_drift.table import Table

from .columns import Understood

_MOST_SURE = 0.75
_KEPT = 0.3
_SURE = 0.8
_LEAST_COLUMNS = 2


def doubted(known: Understood, table: Table, changes: Sequence[Change]) -> tuple[list[Change], list[str]]:
    """Changes as they are where rows or columns bind both times together; else thin, with a fact and a note."""
    told = [one for one in changes if one.severity is not Severity.SILENT]
    if not told:
        return list(changes), []
    if not known.match.rows:
        text, is_other = "no row of before could be found among those of now", _all_gone(known)
    elif _nothing_kept(known):
        text = f"of {known.match.rows:,} rows with the same key, none has kept the values of any other column"
        is_other = True
    else:
        return list(changes), []
    thin = Fact("thin", f"thin evidence: {text}", 0.0, known.match.rows)
    may_be = "; it may be another table" if is_other else ""
    doubtful = [_thin(one, thin) for one in changes]
    if is_other:
        first = next(n for n, one in enumerate(doubtful) if one.severity is not Severity.SILENT)
        asked = f"{table.name}: {text}. Is it another table under the same name?"
        doubtful[first] = replace(doubtful[first], question=asked)
    return doubtful, [f"{table.name}: {text}{may_be}"]


def asked(change: Change, table: Table) -> Change:
    """With a question where a change that can be absorbed is less than sure: nobody's guess is merged unasked."""
    if change.question is not None or change.confidence >= _SURE or not change.restores:
        return change
    made = ", ".join(f"`{one.column}` from `{one.sql}`" for one in change.restores)
    why = next((fact.text for fact in change.facts if fact.name == "thin"), change.facts[0].text)
    about = change.before[0] if change.before else change.restores[0].column
    question = f"`{about}` of {table.name}: is it right to make {made} from now on? {why[0].upper()}{why[1:]}."
    return replace(change, question=question)


def _thin(change: Change, fact: Fact) -> Change:
    """Declared facts stay as sure as they are."""
    if change.kind in (Kind.NULLABILITY_CHANGED, Kind.DEFAULT_CHANGED, Kind.COLUMNS_REORDERED):
        return change
    facts = (*(one for one in change.facts if one.name != "thin"), fact)
    return replace(change, is_thin=True, confidence=min(change.confidence, _MOST_SURE), facts=facts)


def _all_gone(known: Understood) -> bool:
    """Whether most columns are gone, or hold something else."""
    count = len(known.old.names)
    gone = len(known.pairing.removed) + len(known.meanings)
    return count >= _LEAST_COLUMNS and gone >= 0.5 * count


def _nothing_kept(known: Understood) -> bool:
    if known.match.key is None or known.several:
        return False
    rest = [one for one in range(len(known.old.names)) if one not in known.match.key.before]
    kept = [
        one
        for one in rest
        if (pair := known.pairing.pairs.get(one)) and one not in known.meanings
        if one in known.recipes or (pair.share or 0.0) > _KEPT or not pair.compared
    ]
    return not kept and len(rest) >= _LEAST_COLUMNS
