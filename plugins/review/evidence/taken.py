"""What production's incremental tables and snapshots took of a change before it was patched, by their keys."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from plugins.core import duck
from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.keys import find_key
from plugins.review.sandbox.production import Production

_UNKNOWN = ", unless it was built since the change came"
_OPEN = "dbt_valid_to is null"


@dataclass(frozen=True)
class _Taken:
    """rows: of production that base has too. differing: of these, with other values in `columns`. new: all others,
    as long as base has read all rows of before.

    since: when the first version that differs began, of a snapshot.
    """

    columns: tuple[str, ...]
    rows: int
    differing: int
    new: int
    since: str | None = None


def judge_taken(findings: Sequence[Finding], change: ReviewedChange, production: Production) -> list[Finding]:
    """The same findings; those about history say what production's tables hold, and ask where that is wrong."""
    nodes = {
        change.name(entry["node"]): entry["node"] for entry in (change.later.continued if change.later else ())
    }
    if change.sources is None or production.path is None or not nodes or not change.base.side.warehouse.is_file():
        return list(findings)
    with duckdb.connect() as con:
        con.execute(f"attach {duck.literal(str(change.base.side.warehouse))} as base (read_only)")
        alias = duck.quote(production.alias)
        con.execute(f"attach {duck.literal(str(production.path))} as {alias} (read_only)")
        # Tables are read, and views that a machine's SQL has made are not.
        con.execute("set enable_external_access = false")
        return [
            _told(con, finding, change, production, nodes[finding.subject])
            if finding.kind == "history" and finding.subject in nodes
            else finding
            for finding in findings
        ]


def _told(
    con: duckdb.DuckDBPyConnection, finding: Finding, change: ReviewedChange, production: Production, node: str
) -> Finding:
    found = None
    with suppress(duckdb.Error):
        found = _compare(con, change, production, node)
    if found is None:
        return finding
    names = ", ".join(f"`{name}`" for name in found.columns)
    doubtful = found.new if _may_be_wrong(change) else 0
    facts = {**finding.facts, "differing": found.differing, "new": found.new}
    if not found.differing and not doubtful:
        said = f"; the {found.rows:,} rows of before that production has hold the values of before in {names}"
        return finding.model_copy(update={"detail": finding.detail.replace(_UNKNOWN, said), "facts": facts})
    told = []
    if found.differing:
        told.append(
            f"{found.differing:,} of its {found.rows:,} rows hold other values in {names} than before the change"
        )
    if doubtful:
        told.append(f"{doubtful:,} came since, and {'hold' if told else 'may hold'} them as they came")
    built = f"production's own table was built since the state before: {'; '.join(told)}"
    detail = f"{finding.detail.replace(': nothing to backfill' + _UNKNOWN, '')}; {built}"
    facts |= {"question": _question(change, node, built, found)}
    outcome = Outcome.CHANGED if finding.outcome is Outcome.PASSED else finding.outcome
    return finding.model_copy(update={"outcome": outcome, "detail": detail, "facts": facts})


def _question(change: ReviewedChange, node: str, built: str, found: _Taken) -> str:
    resource = change.head.loaded.manifest.resources[node]
    if resource.kind != "snapshot":
        way = f"Shall it be built anew after the merge: `dbt run --full-refresh --select {resource.name}`?"
        return f"`{resource.name}`: {built}. {way}"
    _, schema, table = resource.relation or ("", "", resource.identifier)
    where = f"dbt_valid_from >= timestamp '{found.since}'" if found.since else _OPEN
    return (
        f"`{resource.name}`: {built}. No build corrects versions in a snapshot; "
        f"`select * from {schema}.{table} where {where}` lists them. Which are to be deleted, and the versions "
        "before them opened again?"
    )


def _compare(
    con: duckdb.DuckDBPyConnection, change: ReviewedChange, production: Production, node: str
) -> _Taken | None:
    """None: its key is not known, or a side has no such table."""
    loaded = change.head.loaded
    entry, columns = loaded.manifest.document["nodes"][node], _columns(change, node)
    place = (entry["schema"], entry.get("alias") or entry["name"])
    if (place[0].lower(), place[1].lower()) not in production.tables:
        return None
    base, there = (".".join(map(duck.quote, (one, *place))) for one in ("base", production.alias))
    types = [
        {row[0].lower(): row[1] for row in con.execute(f"describe {one}").fetchall()} for one in (base, there)
    ]
    key = [name.lower() for name in find_key(loaded.manifest, node, loaded.graph.nodes[node].columns)]
    touched = tuple(
        name
        for name in types[0]
        if name in types[1] and (not columns or name in columns) and name not in key and name[:4] != "dbt_"
    )
    if not key or not touched or not all(name in one for name in key for one in types):
        return None
    is_snapshot = "dbt_valid_from" in types[1]
    where = f" where {_OPEN}" if is_snapshot else ""
    on = " and ".join(f"b.{duck.quote(name)} is not distinct from p.{duck.quote(name)}" for name in key)
    differs = " or ".join(_differs(duck.quote(name), types[0][name]) for name in touched)
    since = f"min(p.dbt_valid_from) filter (where {differs})::varchar" if is_snapshot else "null"
    both = f"(select * from {there}{where}) as p join (select * from {base}{where}) as b on {on}"
    rows, differing, first = con.execute(
        f"select count(*), count(*) filter (where {differs}), {since} from {both}"
    ).fetchall()[0]
    total = con.execute(f"select count(*) from {there}{where}").fetchall()[0][0]
    return _Taken(touched, rows, differing, max(0, total - rows), first)


def _columns(change: ReviewedChange, node: str) -> frozenset[str]:
    """Which columns the change touches; empty: any may be."""
    found = change.selection.columns.get(node)
    if found is None and change.sources is not None:
        # The node itself is patched, such as to read another table: what it took came from the source's columns.
        reach = change.base.loaded.graph.downstream(set(change.sources.before))
        found = frozenset(column for one, column in reach.direct | reach.indirect if one == node)
    return found or frozenset()


def _differs(name: str, kind: str) -> str:
    if kind in ("DOUBLE", "FLOAT"):
        close = f"abs(p.{name} - b.{name}) <= 1e-9 * greatest(abs(p.{name}), abs(b.{name}))"
        return f"(p.{name} is distinct from b.{name} and not coalesce({close}, false))"
    return f"p.{name} is distinct from b.{name}"


def _may_be_wrong(change: ReviewedChange) -> bool:
    """Whether what was there before the patch builds on rows of now: it names no column that is gone.

    Where base reads a sample, rows of before are among those that it lacks.
    """
    sources = change.sources
    if sources is None or None in sources.left_out.values():
        return False
    return bool(sources.before) and sources.before <= sources.after
