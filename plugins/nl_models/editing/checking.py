"""What running a model before and after its change shows: columns, rows, key, and whether totals are the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb
from sqlglot import exp

from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Limits, check, run
from plugins.nl_models.editing.applying import Edited
from plugins.nl_models.editing.putting import key_indexes
from plugins.nl_models.editing.tracing import Query, Tracer
from plugins.review import Finding, Outcome

# Figures whose totals a reader takes in at a glance.
_FEW = 4
_LIMITS = Limits(seconds=120.0, rows=1_000)
_NUMBERS = (
    "DECIMAL",
    "DOUBLE",
    "FLOAT",
    "BIGINT",
    "INTEGER",
    "HUGEINT",
    "SMALLINT",
    "TINYINT",
    "UBIGINT",
    "UINTEGER",
)


@dataclass(frozen=True)
class Runs:
    """A model before and after, as SQL. relations: what both may read. types_before, types_after: DuckDB's."""

    con: duckdb.DuckDBPyConnection
    before: str
    after: str
    relations: Collection[str]
    types_before: dict[str, str]
    types_after: dict[str, str]

    def ask(self, sql: str) -> tuple:
        """The first row of a query over `before` and `after`. Raises SmeltError if the guard refuses it."""
        whole = f"with before as ({self.before}\n), after as ({self.after}\n) {sql}"
        return run(self.con, check(whole, self.relations), _LIMITS).rows[0]


def compare(runs: Runs, edited: Edited, tracer: Tracer, model: str) -> list[Finding]:
    """Everything that was found, also what was not checked and why."""
    found = [schema_finding(runs.types_before, runs.types_after, edited, model)]
    rows = runs.ask("select (select count(*) from before), (select count(*) from after)")
    found.append(_rows(rows, edited, model))
    if edited.restrictions:
        found += _left(runs, tracer, model)
        reason = "other rows are meant to come out: their values have nothing to be compared with"
        found.append(Finding(kind="values", subject=model, outcome=Outcome.NOT_CHECKED, detail=reason))
    elif edited.keys or edited.grain is not None or set(edited.removed) & set(edited.grain_before):
        found += _totals(runs, edited, tracer, model)
    else:
        found.append(_same_values(runs, edited, model))
    if edited.grain_after and edited.grain_after != edited.grain_before and _was_key(runs, edited):
        found.append(_key(runs, edited, model))
    return found


def schema_finding(before: dict[str, str], after: dict[str, str], edited: Edited, model: str) -> Finding:
    """Columns that came, went, or have another type."""
    renamed = {new: old for old, new in edited.renamed.items()}
    added = [f"{name} {after[name].lower()}" for name in after if name not in before and name not in renamed]
    gone = [name for name in before if name not in after and name not in edited.renamed]
    retyped = [
        f"{name} {before[renamed.get(name, name)].lower()} → {kind.lower()}"
        for name, kind in after.items()
        if before.get(renamed.get(name, name), kind) != kind
    ]
    parts = [("new", added), ("gone", gone), ("renamed", [f"{o} → {n}" for o, n in edited.renamed.items()])]
    parts.append(("another type", retyped))
    said = "; ".join(f"{word}: {', '.join(names)}" for word, names in parts if names)
    outcome = Outcome.CHANGED if said else Outcome.PASSED
    return Finding(kind="schema", subject=model, outcome=outcome, detail=said or "the same columns and types")


def _rows(counts: tuple, edited: Edited, model: str) -> Finding:
    before, after = counts
    detail = f"{before:,} rows before, {after:,} after"
    outcome = Outcome.FAILED if before and not after else Outcome.PASSED if before == after else Outcome.CHANGED
    return Finding(
        kind="rows", subject=model, outcome=outcome, detail=detail, facts={"before": before, "after": after}
    )


def _was_key(runs: Runs, edited: Edited) -> bool:
    """Whether what the model is grouped by identified its rows before."""
    keys = ", ".join(map(quote, edited.grain_before))
    if not keys:
        return False
    return runs.ask(f"select count(*) from (select {keys} from before group by all having count(*) > 1) as d") == (
        0,
    )


def _key(runs: Runs, edited: Edited, model: str) -> Finding:
    keys = ", ".join(map(quote, edited.grain_after))
    ((doubled),) = runs.ask(
        f"select count(*) from (select {keys} from after group by all having count(*) > 1) as doubled"
    )
    named = " and ".join(edited.grain_after)
    outcome = Outcome.FAILED if doubled else Outcome.PASSED
    detail = (
        f"{named} occur once together"
        if not doubled
        else f"{doubled:,} combinations of {named} occur more than once"
    )
    return Finding(kind="keys", subject=model, outcome=outcome, detail=detail, facts={"doubled": doubled})


def _same_values(runs: Runs, edited: Edited, model: str) -> Finding:
    """What was there before is there still, row by row."""
    kept = [name for name in runs.types_before if name not in edited.removed]
    old = ", ".join(map(quote, kept))
    new = ", ".join(quote(edited.renamed.get(name, name)) for name in kept)
    (differing,) = runs.ask(
        f"select (select count(*) from (select {old} from before except all select {new} from after) as gone) "
        f"+ (select count(*) from (select {new} from after except all select {old} from before) as come)"
    )
    outcome = Outcome.FAILED if differing else Outcome.PASSED
    detail = (
        f"{differing:,} rows differ in columns that were there"
        if differing
        else "every row has the values that it had"
    )
    return Finding(kind="values", subject=model, outcome=outcome, detail=detail, facts={"differing": differing})


def _totals(runs: Runs, edited: Edited, tracer: Tracer, model: str) -> list[Finding]:
    """Whether what was split adds up to what it was."""
    shared = [key for key in edited.grain_before if key in runs.types_after and edited.grain is None]
    figures = [
        name
        for name, kind in runs.types_before.items()
        if name not in edited.grain_before and kind.upper().startswith(_NUMBERS) and name in runs.types_after
    ]
    adding = [name for name in figures if is_additive(tracer, tracer.top(), name)]
    found = [
        _total(runs, name, shared if not edited.removed else [k for k in shared if k not in edited.removed], model)
        for name in adding
    ]
    for name in figures:
        if name not in adding:
            reason = f"{name} is no plain sum or count: its parts do not add up to the whole"
            found.append(
                Finding(kind="totals", subject=f"{model}.{name}", outcome=Outcome.NOT_CHECKED, detail=reason)
            )
    return found


def _left(runs: Runs, tracer: Tracer, model: str) -> list[Finding]:
    """How much of each figure the restriction leaves."""
    numbers = [n for n, k in runs.types_before.items() if k.upper().startswith(_NUMBERS) and n in runs.types_after]
    adding = [n for n in numbers if is_additive(tracer, tracer.top(), n)][:_FEW]
    if not adding:
        return []
    sums = ", ".join(f"(select sum({quote(n)}) from {side})" for n in adding for side in ("before", "after"))
    values = runs.ask(f"select {sums}")
    pairs = [(n, values[2 * i], values[2 * i + 1]) for i, n in enumerate(adding)]
    detail = "; ".join(f"{n} {before:,} → {after or 0:,}" for n, before, after in pairs if before is not None)
    is_same = all(before == after for _, before, after in pairs)
    outcome = Outcome.PASSED if is_same else Outcome.CHANGED
    return [Finding(kind="totals", subject=model, outcome=outcome, detail=detail or "there are no figures yet")]


def _total(runs: Runs, name: str, keys: Sequence[str], model: str) -> Finding:
    column = quote(name)
    listed = ", ".join(map(quote, keys))
    group = f" group by {listed}" if keys else ""
    select = f"{listed}, " if keys else ""
    on = " and ".join(f"b.{quote(key)} is not distinct from a.{quote(key)}" for key in keys) or "true"
    # Each part may be rounded by half a unit of its last digit.
    differing, groups = runs.ask(
        "select count(*) filter (where abs(coalesce(b.total, 0) - coalesce(a.total, 0)) "
        "> 0.005 * coalesce(a.parts, 1)), "
        f"count(*) from (select {select}sum({column}) as total from before{group}) as b "
        f"full join (select {select}sum({column}) as total, count(*) as parts from after{group}) as a on {on}"
    )
    by = f" of each {' and '.join(keys)}" if keys else ""
    outcome = Outcome.FAILED if differing else Outcome.PASSED
    detail = (
        f"the total{by} is another in {differing:,} of {groups:,}"
        if differing
        else f"the total{by} is what it was ({groups:,} compared)"
    )
    facts = {"differing": differing, "compared": groups}
    return Finding(kind="totals", subject=f"{model}.{name}", outcome=outcome, detail=detail, facts=facts)


def is_additive(tracer: Tracer, query: Query, name: str) -> bool:
    """Whether a column is a plain sum or count, handed on to the end."""
    for select in query.branches:
        item = next((i for n, i in tracer.columns(select) if n == name), None)
        if item is None:
            return False
        tree = item.tree
        if tree.find(exp.Div, exp.Window) is not None:
            return False
        if select.is_aggregated and not item.is_star and select.items.index(item) not in key_indexes(select):
            aggregates = list(tree.find_all(exp.AggFunc))
            if len(aggregates) != 1 or not isinstance(aggregates[0], (exp.Sum, exp.Count)):
                return False
            if aggregates[0].find(exp.Distinct) is not None:
                return False
            continue
        columns = [name] if item.is_star else [c.name.lower() for c in tree.find_all(exp.Column)]
        sources = [s for s in select.sources for c in columns if c in tracer.outputs(tracer.target(s))]
        target = tracer.target(sources[0]) if len(set(columns)) == 1 and sources else None
        if not isinstance(target, Query) or not is_additive(tracer, target, columns[0]):
            return False
    return True


def describe(con: duckdb.DuckDBPyConnection, sql: str, relations: Collection[str]) -> dict[str, str]:
    """Types by column, lower case. Raises SmeltError if it may not be run, or cannot."""
    from plugins.nl_models.models.measuring import describe as described

    return {name.lower(): kind for name, kind in described(con, sql, relations).items()}


def not_run(model: str, error: SmeltError) -> Finding:
    """That nothing was compared."""
    return Finding(
        kind="values", subject=model, outcome=Outcome.NOT_CHECKED, detail=f"not run here: {error.message}"
    )
