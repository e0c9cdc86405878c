"""From what is understood of one table to its changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb

from plugins.core.duck import quote
from plugins.core.privacy import is_pii_name
from plugins.schema_drift.change import Change, Fact, Kind, Restored, Severity, Supplied
from plugins.schema_drift.factors import said
from plugins.schema_drift.table import Column, SeenTable, Table

from . import rivals, telling
from .another import asked, doubted
from .arriving import arrivals
from .columns import Understood, recipe_odds, understand
from .declared import declared_changes
from .header import compare_headers
from .keys import key_changes
from .mixed import unit_breaks
from .pairing import Pair
from .recipes import Found, restored, supplied
from .recipes.recipe import cast
from .sets import departures
from .types import Family, read_type
from .unfit import told_of_unfit

# Of rows since: fewer say little of a column that none of them fills; nor does what is likelier than this.
_ENOUGH_ROWS = 20
_CHANCE = 1e-3
_THIN_MOST = 0.6
# Where other columns keep their values in nearly all rows, a renamed one does too.
_STATIC = 0.985
_UPDATED = 0.9
# A cast that gives fewer old values back is no way to have them again.
_LEAST_CAST, _FEW_COMPARED = 0.5, 5


def compare_table(
    con: duckdb.DuckDBPyConnection, before: SeenTable, after: SeenTable
) -> tuple[list[Change], list[str]]:
    """The changes of one table that is there at both times, and what could not be compared."""
    if before.rows is None or after.rows is None:
        return compare_headers(before.table, after.table)
    known = understand(con, before, after)
    if not known.old.taken or not known.new.taken:
        empty = "before" if not known.old.taken else "now"
        changes, _ = compare_headers(before.table, after.table)
        return changes, [f"{before.table.name}: no rows {empty}, so that only columns were compared"]
    changes = _told(con, known, before.table, after.table)
    became = {known.old.names[one]: known.new.names[pair.new] for one, pair in known.pairing.pairs.items()}
    declared = declared_changes(before.table, after.table, became)
    if all(one.kind is not Kind.KEY_CHANGED for one in declared):
        declared += key_changes(known, before.table, after.table)
    changes, notes = doubted(known, before.table, [*changes, *declared])
    changes = [told_of_unfit(con, after, one, before.table.name) for one in changes]
    return [asked(one, before.table) for one in changes], [*known.notes, *notes]


def _told(con: duckdb.DuckDBPyConnection, known: Understood, before: Table, after: Table) -> list[Change]:
    changes: list[Change] = []
    for one in sorted(known.pairing.pairs):
        found = _pair_change(con, known, before, after, known.pairing.pairs[one])
        if found is not None:
            changes.append(found)
    changes += [_several_change(known, before, found) for found in known.several]
    broken = unit_breaks(known, before)
    units = {one.before for one in broken}
    # A number in another unit often has another type too: the unit is what matters.
    changes = [one for one in changes if one.before not in units or one.kind is Kind.COLUMN_RENAMED] + broken
    changes += [*arrivals(known, before), *departures(known, before)]
    went = [column for n in known.pairing.removed if (column := before.column(known.old.names[n]))]
    came = [column for n in known.pairing.added if (column := after.column(known.new.names[n]))]
    for column in went:
        changes.append(_removed(known, before, after, column, came))
    for column in came:
        sure, is_thin, thin = _left_over(known)
        facts, detail = _of_added(known, column)
        others = rivals.of_left_over(column, went, sure)
        changes.append(telling.added(before, column, (*facts, *thin), detail, sure, is_thin, others))
    return changes


def _removed(known: Understood, before: Table, after: Table, column: Column, came: Sequence[Column]) -> Change:
    sure, is_thin, thin = _left_over(known)
    doubt = _may_be_empty(known, after, column)
    question = None
    if doubt is not None:
        sure, is_thin, thin = min(sure, _THIN_MOST), True, (*thin, doubt)
        question = f"`{column.name}` of {before.name}: {doubt.text}. Is it gone, or only empty in these rows?"
    others = rivals.of_left_over(column, came, sure)
    if doubt is not None:
        others = (("nothing", round(1 - sure, 3)), *others)
    facts = (_no_partner(known, "now"), *thin)
    return telling.removed(before, column, facts, sure, is_thin, others, question)


def _may_be_empty(known: Understood, after: Table, column: Column) -> Fact | None:
    """Of a relation that still has the column: the fact that rows since could lack a value of it by chance.

    By the rule of succession (Laplace 1814), with what share of rows before had none.
    """
    if after.history is None or column.name not in after.history.kept or column.name not in known.old.names:
        return None
    hashes, rows = known.old.hashes([known.old.names.index(column.name)])[:, 0], known.new.rows
    empty = (int((hashes == 0).sum()) + 1) / (len(hashes) + 2)
    if rows >= _ENOUGH_ROWS and empty**rows < _CHANCE:
        return None
    share = float((hashes == 0).mean()) if len(hashes) else 0.0
    text = f"thin evidence: none of {rows:,} rows since fills it, and {share:.0%} of those before did not either"
    return Fact("thin", text, rows, rows)


def _several_change(known: Understood, table: Table, found: Found) -> Change:
    recipe, proof = found.recipe, found.proof
    assert recipe.kind is not None
    sure, is_thin, thin = telling.capped(telling.confidence_of(recipe_odds(found) + 1.5), proof.compared)
    question = None
    if recipe.kind in (Kind.NESTED_CHANGED, Kind.NESTED_MOVED) and None in recipe.restore:
        lost = ", ".join(f"`{name}`" for name in recipe.detail.get("removed_fields", ())) or "some fields"
        question = (
            f"`{known.old.names[recipe.old[0]]}` of {table.name}: {lost} of it can't be found any more. "
            "Who needs them?"
        )
    return telling.change(
        recipe.kind, table, [known.old.names[n] for n in recipe.old], [known.new.names[n] for n in recipe.new],
        sure,
        (telling.made_values(found, known.key), *thin), restores=restored(recipe, proof, known.old, known.new),
        supplies=supplied(recipe, known.old, known.new), detail=recipe.detail, is_thin=is_thin, question=question,
        alternatives=rivals.shared_out([(str(Kind.COLUMN_REMOVED), 0.0)], sure),
    )  # fmt: skip


def _left_over(known: Understood) -> tuple[float, bool, tuple[Fact, ...]]:
    rows = known.match.rows if known.match.key else None
    both = bool(known.pairing.removed) and bool(known.pairing.added)
    base = 0.99 if not both or rows else 0.8
    if rows is None:
        return base, False, ()
    return telling.capped(base, rows) if both else (base, False, ())


def _no_partner(known: Understood, when: str) -> Fact:
    if known.match.rows:
        text = f"no column {when} carries its values on {known.match.rows:,} rows that exist before and after"
        return Fact("same_values", text, 0.0, known.match.rows)
    return Fact("distinct_overlap", f"no column {when} holds the like of it; no rows could be matched", 0.0)


def _of_added(known: Understood, column: Column) -> tuple[tuple[Fact, ...], dict[str, Any]]:
    hashes = known.new.hashes([known.new.names.index(column.name)])[:, 0]
    share = float((hashes != 0).mean()) if len(hashes) else 0.0
    facts = [Fact("null_share", f"filled in {share:.0%} of {len(hashes):,} rows", 1 - share, len(hashes))]
    detail = {"pii": column.name} if is_pii_name(column.name) else {}
    return tuple(facts), detail


def _pair_change(
    con: duckdb.DuckDBPyConnection, known: Understood, before: Table, after: Table, pair: Pair
) -> Change | None:
    was, now = before.column(known.old.names[pair.old]), after.column(known.new.names[pair.new])
    if was is None or now is None:
        return None
    found = known.recipes.get(pair.old)
    type_kind = telling.type_kind(was.type, now.type)
    meaning = known.meanings.get(pair.old)
    if type_kind is not None and not known.new.hashes([pair.new]).any():
        # Values that did not survive another type were lost with it; that is asked about as such.
        meaning = None
    if meaning is not None:
        detail = {"type_before": was.type, "type_after": now.type, **meaning.detail}
        # Without a row in common the verdict itself says so, and no number of rows is to be told.
        sure, is_thin, thin = telling.capped(meaning.confidence, meaning.rows or telling.THIN_ROWS)
        if meaning.is_thin and not is_thin:
            fact = Fact(
                "thin", f"thin evidence: {meaning.rows} rows could be compared", meaning.rows, meaning.rows
            )
            is_thin, thin = True, (fact,)
        question = (
            f"`{was.name}` of {before.name} holds other values than before under the same name: {meaning.text}. "
            f"{meaning.asks}"
        )
        facts = (Fact("same_values", meaning.text, meaning.share, meaning.rows), *thin)
        return telling.change(
            Kind.MEANING_CHANGED, before, (was.name,), (now.name,), sure, facts, detail=detail, is_thin=is_thin,
            question=question, alternatives=rivals.shared_out([("updates of rows", 0.0)], sure),
        )  # fmt: skip
    kind = found.recipe.kind if found and found.recipe.kind else type_kind
    is_renamed = was.name != now.name
    if kind is None and not is_renamed:
        return None
    return _changed(con, known, before, pair, (was, now), found, Kind.COLUMN_RENAMED if is_renamed else kind, kind)


def _changed(
    con: duckdb.DuckDBPyConnection,
    known: Understood,
    table: Table,
    pair: Pair,
    columns: tuple[Column, Column],
    found: Found | None,
    kind: Kind | None,
    second: Kind | None,
) -> Change:
    was, now = columns
    assert kind is not None
    detail: dict[str, Any] = dict(found.recipe.detail) if found else {}
    facts: list[Fact] = []
    if found and found.recipe.kind:
        facts.append(telling.made_values(found, known.key))
        odds = recipe_odds(found) + 1.0
    else:
        odds = pair.log_odds
        if found and found.recipe.text and found.recipe.slack:
            facts.append(telling.made_values(found, known.key))
        elif pair.compared:
            facts.append(telling.same_values(pair, known.key))
    facts.append(telling.type_fact(was.type, now.type))
    if telling.type_kind(was.type, now.type):
        detail |= {"type_before": was.type, "type_after": now.type}
    is_renamed = kind is Kind.COLUMN_RENAMED
    if is_renamed:
        facts += _rename_facts(pair)
        if second is not None:
            detail["also"] = [str(second)]
        facts += _told_too(table, columns, detail)
    sure = telling.confidence_of(odds)
    question = (
        f"`{was.name}` of {table.name}: {found.recipe.question}" if found and found.recipe.question else None
    )
    if is_renamed and not (found and found.recipe.kind):
        sure, asked = _unequal(known, table, pair, sure)
        question = question or asked
    if is_renamed and pair.twins:
        sure, question = _twins(known, table, pair, sure, question)
    rows = pair.compared if pair.basis == "matched" else max(known.old.taken, 1)
    if second in telling.TYPE_KINDS and not is_renamed:
        sure = 0.99
        facts += _misfits(con, known, pair, was, now, detail)
        if found and second is not Kind.TYPE_WIDENED:
            found, question = _lossy(table, was, found, facts, question)
    sure, is_thin, thin = telling.capped(sure, rows)
    restores, supplies = _both_ways(known, pair, found, kind, columns)
    severity = telling.type_severity(was.type, now.type) if kind in telling.TYPE_KINDS else None
    # Where another column bears the old name now, everything builds, of the wrong values.
    others = {name.lower() for name in known.new.names} - {now.name.lower()}
    if is_renamed and (second in telling.DANGEROUS or was.name.lower() in others):
        severity = Severity.DANGEROUS
    return telling.change(
        kind, table, (was.name,), (now.name,), sure, (*facts, *thin), severity=severity, restores=restores,
        supplies=supplies, detail=detail, is_thin=is_thin, question=question,
        alternatives=rivals.of_pair(known, pair, found, kind, sure),
    )  # fmt: skip


def _lossy(
    table: Table, was: Column, found: Found, facts: list[Fact], question: str | None
) -> tuple[Found, str | None]:
    """A cast back that doesn't give the old values again is asked about; one that gives hardly any is none."""
    proof = found.proof
    if proof.compared < _FEW_COMPARED or proof.share >= _STATIC:
        return found, question
    text = f"turned back into `{was.type}`, {proof.equal:,} of {proof.compared:,} rows have their old values"
    facts.append(Fact("cast_back", text, round(proof.share, 4), proof.compared))
    if proof.share < _LEAST_CAST:
        found = replace(found, recipe=replace(found.recipe, restore=(None,), supply=(None,)))
    return found, question or f"`{was.name}` of {table.name}: {text}. Does anything need what is lost?"


def _rename_facts(pair: Pair) -> list[Fact]:
    facts = []
    if pair.basis == "unmatched":
        held = pair.evidence
        facts.append(Fact("distinct_overlap", f"{held['overlap']:.0%} of the values are shared", held["overlap"]))
        facts.append(Fact("distribution", f"the distributions are {held['shape']:.0%} alike", held["shape"]))
        facts.append(Fact("unmatched", "no rows could be matched by a key", 0.0))
    if "name" in pair.evidence:
        facts.append(Fact("name", f"the names are {pair.evidence['name']:.0%} alike", pair.evidence["name"]))
    return facts


def _told_too(table: Table, columns: tuple[Column, Column], detail: Mapping[str, Any]) -> list[Fact]:
    """What a renamed column is besides: in another unit."""
    if "factor" not in detail:
        return []
    was, now = columns
    units = f"is in {detail['unit_after']}, and" if detail.get("unit_after") else "is in another unit:"
    before = f"was in {detail['unit_before']}" if detail.get("unit_before") else "was not the same"
    text = f"`{now.name}` of {table.name} {units} `{was.name}` {before} ({said(detail['factor'])})"
    return [Fact("unit", text, float(detail["factor"]))]


def _unequal(known: Understood, table: Table, pair: Pair, sure: float) -> tuple[float, str | None]:
    """A rename that leaves more rows unequal than columns that kept their names do is in doubt."""
    share = pair.share
    if share is None or share >= _STATIC or pair.basis != "matched":
        return sure, None
    usual = [
        other.share or 0.0
        for one, other in known.pairing.pairs.items()
        if known.old.names[one] == known.new.names[other.new] and other.compared and one not in known.recipes
    ]
    # A table of which rows are updated has other columns that are: those say how many rows may differ.
    static = min((other for other in usual if other >= _UPDATED), default=1.0)
    if share >= static - 0.01:
        return min(sure, 0.98), None
    was, now = known.old.names[pair.old], known.new.names[pair.new]
    question = (
        f"`{was}` of {table.name}: is it `{now}` now? {share:.1%} of the rows carry the same value, where columns "
        f"that kept their names do so in {static:.1%}."
    )
    return min(sure, 0.9 if share >= 0.9 else 0.8), question


def _twins(
    known: Understood, table: Table, pair: Pair, sure: float, question: str | None
) -> tuple[float, str | None]:
    others = ", ".join(f"`{known.new.names[n]}`" for n in pair.twins)
    asked = (
        f"`{known.old.names[pair.old]}` of {table.name} could be `{known.new.names[pair.new]}` or {others}: they "
        "hold the same values on every matched row. Which one is it?"
    )
    return min(sure, 1 / (1 + 0.6 * len(pair.twins))), question or asked


def _misfits(
    con: duckdb.DuckDBPyConnection, known: Understood, pair: Pair, was: Column, now: Column, detail: dict[str, Any]
) -> list[Fact]:
    """Old values that don't fit the new type, counted on the rows of before."""
    if telling.type_kind(was.type, now.type) is Kind.TYPE_WIDENED:
        return []
    wanted, name = read_type(now.type), known.old.column(pair.old)
    if wanted.family is Family.TEXT and wanted.size:
        fails = f"length({name}::varchar) > {wanted.size}"
    elif wanted.family is Family.TEXT:
        return []
    else:
        target = (
            known.new.types[pair.new]
            if wanted.family is read_type(known.new.types[pair.new]).family
            else wanted.duck
        )
        fails = f"{name} is not null and try_cast({name} as {target}) is null"
    try:
        row = con.execute(
            f"select count(*) filter ({fails}), list(distinct {name}::varchar) filter ({fails}) "
            f"from {known.old.temp}"
        ).fetchone()
    except duckdb.Error:
        return []
    count, examples = row or (0, None)
    detail["misfits"] = {"count": count, "examples": sorted(examples or [])[:5]}
    text = f"{count:,} of {known.old.taken:,} values of before don't fit `{now.type}`"
    return [Fact("misfits", text, count, known.old.taken)]


def _both_ways(
    known: Understood, pair: Pair, found: Found | None, kind: Kind, columns: tuple[Column, Column]
) -> tuple[tuple[Restored, ...], tuple[Supplied, ...]]:
    was, now = columns
    if kind is Kind.TYPE_WIDENED:
        return (), ()
    if found is not None:
        return restored(found.recipe, found.proof, known.old, known.new), supplied(
            found.recipe, known.old, known.new
        )
    equal = round((pair.share or 0) * pair.compared)
    old_type, new_type = known.old.types[pair.old], known.new.types[pair.new]
    back, there = quote(now.name), quote(was.name)
    if old_type != new_type:
        back, there = cast(back, new_type, old_type), cast(there, old_type, new_type)
    return (Restored(was.name, back, (now.name,), pair.compared, equal),), (
        Supplied(now.name, there, (was.name,)),
    )
