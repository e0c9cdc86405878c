"""Tests of relationships where a part of the parent's rows was left out: which of the orphans are made by that.

Sides with inputs of their own read the rows that both times have. A child that nobody cut may well point to a row
that came since, so that the test fails here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from plugins.core import duck
from plugins.core.lake import scan_sql
from plugins.core.lineage import Place
from plugins.core.lineage.kinds import Kind
from plugins.lineage import Loaded
from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.sandbox.production import Production
from plugins.review.sandbox.tasks import KEPT_SCHEMA

_QUOTED = re.compile(r"['\"]([^'\"]+)['\"]")
_BROKEN = ("fail", "error", "runtime error")


@dataclass(frozen=True)
class _Test:
    """A child's column that must be in the parent's. cut: sources above the parent of which rows were left out."""

    id: str
    child: Place
    parent: Place
    cut: tuple[str, ...]


def judge_relationships(
    findings: Sequence[Finding], change: ReviewedChange, production: Production
) -> list[Finding]:
    """The same findings, where a relationship that fails for rows that were left out is not judged.

    Orphans that the parent has in production speak for no side; all others stay what they were said to be.
    """
    if change.sources is None or not change.sources.left_out:
        return list(findings)
    tests = dict(_tests(change))
    wanted = [f.subject for f in findings if f.kind == "tests" and "failures" in f.facts and f.subject in tests]
    if not wanted:
        return list(findings)
    with duckdb.connect() as con:
        _attach(con, change, production, [tests[name] for name in wanted])
        rows = _Rows(con, change, production)
        return [
            _judged(rows, finding, tests[finding.subject])
            if finding.kind == "tests" and finding.subject in wanted
            else finding
            for finding in findings
        ]


def _tests(change: ReviewedChange) -> Iterator[tuple[str, _Test]]:
    """By name: tests at head whose parent stands on a source of which rows were left out."""
    loaded, left_out = change.head.loaded, change.sources.left_out if change.sources else {}
    for entry in loaded.manifest.of_type("test"):
        told = entry.get("test_metadata") or {}
        arguments = told.get("kwargs") or {}
        nodes = (entry.get("depends_on") or {}).get("nodes") or []
        named = _QUOTED.findall(str(arguments.get("to", "")))
        parent = next((node for node in nodes if named and node.split(".")[-1] == named[-1]), None)
        if told.get("name") != "relationships" or parent is None or "field" not in arguments:
            continue
        child = next((node for node in nodes if node != parent), parent)
        cut = (loaded.graph.ancestors([parent]) | {parent}) & left_out.keys()
        if cut:
            column = str(arguments.get("column_name") or entry.get("column_name") or "")
            places = (child, _bare(column)), (parent, _bare(str(arguments["field"])))
            yield entry["name"], _Test(entry["unique_id"], *places, tuple(sorted(cut)))


def _attach(
    con: duckdb.DuckDBPyConnection, change: ReviewedChange, production: Production, tests: Sequence[_Test]
) -> None:
    """Let the connection read what was built, the sides' own inputs of the tested nodes, and production."""
    assert change.sources is not None
    nodes = {node for test in tests for node in (test.child[0], test.parent[0], *test.cut)}
    for name, compiled, inputs in (
        ("base", change.base, change.sources.base),
        ("head", change.head, change.sources.head),
    ):
        if compiled.side.warehouse.is_file():
            con.execute(f"attach {duck.literal(str(compiled.side.warehouse))} as {name} (read_only)")
        wanted = {r.relation[1:] for r in map(compiled.loaded.manifest.resources.get, nodes) if r and r.relation}
        told = {
            (schema, table): sql for schema, table, sql in inputs.told if (schema.lower(), table.lower()) in wanted
        }
        _load(con, f"{name}_inputs", told)
    if production.path is not None:
        alias = duck.quote(production.alias)
        con.execute(f"attach {duck.literal(str(production.path))} as {alias} (read_only)")
    cut = {node for test in tests for node in test.cut}
    resources = change.head.loaded.manifest.resources
    places = {r.relation[1:] for r in map(resources.get, cut) if r and r.relation}
    pins = [pin for pin in change.sources.head.pins or () if (pin.namespace, pin.table) in places]
    if pins:
        duck.load_extensions(con, duck.LAKE_EXTENSIONS)
        _load(con, "pinned", {(pin.namespace, pin.table): f"select * from {scan_sql(pin)}" for pin in pins})
    # Views that a machine's SQL has made are among what is read.
    con.execute("set enable_external_access = false")


def _load(con: duckdb.DuckDBPyConnection, database: str, tables: Mapping[tuple[str, str], str]) -> None:
    con.execute(f"attach ':memory:' as {database}")
    for (schema, name), sql in tables.items():
        con.execute(f"create schema if not exists {database}.{duck.quote(schema)}")
        con.execute(f"create table {database}.{duck.quote(schema)}.{duck.quote(name)} as {sql}")


def _origin(loaded: Loaded, place: Place) -> Place | None:
    """The column of a source that a column is, as it is; None: it is made of something."""
    seen = {place}
    while True:
        known = loaded.manifest.resources.get(place[0])
        if known is not None and known.kind == "source":
            return place
        edges = loaded.graph.into.get(place, ())
        if len(edges) != 1 or edges[0].kind is not Kind.IDENTITY:
            return None
        place = (edges[0].from_node, edges[0].from_column)
        if place in seen:
            return None
        seen.add(place)


def _bare(column: str) -> str:
    return column.strip('"`').lower()


def _judged(rows: _Rows, finding: Finding, test: _Test) -> Finding:
    head, base = rows.orphans("head", test), rows.orphans("base", test)
    failures = finding.facts["failures"]
    if head is None:
        return finding if rows.must_hold(test) else _not_judged(finding, rows, test, "those may be what it misses")
    own, owed = head
    if not owed:
        return finding
    if not own:
        said = f"all {failures:,} rows that fail here refer to those, which production has"
        return _not_judged(finding, rows, test, said)
    refer = "row refers" if own == 1 else "rows refer"
    detail = f"{own:,} {refer} to nothing; {owed:,} more fail only as {rows.told(test)} not compared"
    outcome = Outcome.CHANGED if base is not None and base[0] >= own else Outcome.FAILED
    if outcome is Outcome.CHANGED:
        detail = f"fails, as it did at base: {detail}"
    return finding.model_copy(update={"outcome": outcome, "detail": detail, "facts": {"failures": own}})


def _not_judged(finding: Finding, rows: _Rows, test: _Test, said: str) -> Finding:
    detail = f"not judged: {rows.told(test)} not compared, and {said}"
    facts = {"not_judged": finding.facts["failures"]}
    return finding.model_copy(update={"outcome": Outcome.NOT_CHECKED, "detail": detail, "facts": facts})


@dataclass(frozen=True)
class _Rows:
    con: duckdb.DuckDBPyConnection
    change: ReviewedChange
    production: Production

    def told(self, test: _Test) -> str:
        """`20 rows of shop.customers were`."""
        counts = [self.change.sources.left_out[node] if self.change.sources else 0 for node in test.cut]
        names = ", ".join(".".join(node.split(".")[-2:]) for node in test.cut)
        known = sum(count or 0 for count in counts)
        if None in counts or not known:
            return f"a part of the rows of {names} was"
        return f"{known:,} {'row' if known == 1 else 'rows'} of {names} {'was' if known == 1 else 'were'}"

    def must_hold(self, test: _Test) -> bool:
        """Whether what was left out is missing at base alike, where the test passed."""
        status = {node["id"]: node["status"] for node in self.change.built["base"].nodes}.get(test.id)
        graph, sources = self.change.head.loaded.graph, self.change.sources
        above = graph.ancestors([test.child[0], test.parent[0]]) | {test.child[0], test.parent[0]}
        unmatched = sources.unmatched if sources is not None else frozenset()
        return status is not None and status not in _BROKEN and above.isdisjoint(unmatched)

    def orphans(self, side: str, test: _Test) -> tuple[int, int] | None:
        """Rows of the child that refer to nothing at all, and to what was left out; None: that can't be told."""
        loaded = (self.change.head if side == "head" else self.change.base).loaded
        now, then = _origin(self.change.head.loaded, test.parent), _origin(loaded, test.parent)
        if now is None or then is None:
            return None
        child, parent, given = (self._read(side, node) for node in (test.child[0], test.parent[0], then[0]))
        whole = self._whole(now[0])
        if child is None or parent is None or given is None or whole is None:
            return None
        names = [duck.quote(name) for name in (test.child[1], test.parent[1], now[1], then[1])]
        known = f"select {names[1]} from {parent} where {names[1]} is not null"
        lacks = f"{names[0]} is not null and {names[0]} not in ({known})"
        cut = f"select {names[2]}::varchar from {whole} except select {names[3]}::varchar from {given}"
        there = f"{names[0]}::varchar in ({cut})"
        with suppress(duckdb.Error):
            owed, total = self.con.execute(
                f"select count(*) filter (where {there}), count(*) from {child} where {lacks}"
            ).fetchall()[0]
            return total - owed, owed
        return None

    def _read(self, side: str, node: str) -> str | None:
        """Where a node's rows on a side can be read: its input, what was built, or what production has."""
        loaded = self.change.head.loaded if side == "head" else self.change.base.loaded
        resource = loaded.manifest.resources.get(node)
        if resource is None or resource.relation is None:
            return None
        _, schema, name = resource.relation
        for place in (
            (f"{side}_inputs", schema, name),
            (side, schema, name),
            (side, KEPT_SCHEMA, f"{schema}.{name}"),
        ):
            if self._has_table(*place):
                return ".".join(map(duck.quote, place))
        is_built = node in self.change.built[side].plan.select
        return None if is_built else self._whole(node)

    def _whole(self, node: str) -> str | None:
        """A node's rows as production has them, all of them."""
        resource = self.change.head.loaded.manifest.resources.get(node)
        place = resource.relation[1:] if resource is not None and resource.relation is not None else None
        if place is None:
            return None
        if self._has_table("pinned", *place):
            return ".".join(map(duck.quote, ("pinned", *place)))
        return (
            ".".join(map(duck.quote, (self.production.alias, *place))) if place in self.production.tables else None
        )

    def _has_table(self, database: str, schema: str, name: str) -> bool:
        found = self.con.execute(
            "select 1 from duckdb_tables() "
            "where (database_name, lower(schema_name), lower(table_name)) = (?, lower(?), lower(?))",
            [database, schema, name],
        )
        return bool(found.fetchall())
