"""What production will do once a change is merged: head on all of the sources, onto the tables that base has left.

Runs inside the sandbox's process. What was built before, to be compared, is as it was afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from plugins.core import duck
from plugins.core.project import Built, Project
from plugins.review.sandbox import incremental, tasks

_BASE = "smelt_review_base"
_ACCOUNTED = "stream, bronze_rows, silver_rows, quarantined_rows, superseded_rows, tombstone_rows, is_balanced"
_OF_SNAPSHOTS = ("dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to")


def build_later(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Build `select` anew; then `continued` (ids of incremental models and snapshots) onto the tables of base.

    base: base's DuckDB file. keys: key columns by node. accounting: [schema, name] of the model that accounts for
    rows, or nothing. is_tested: whether data tests of what is built are run, and `tests` on top. Returns the nodes
    that failed, results of tests, what continuing each table gave, and the accounts.
    """
    warehouse = Path(arguments["warehouse"])
    kept = warehouse.with_suffix(".compared")
    os.replace(warehouse, kept)
    try:
        return _build(arguments)
    finally:
        os.replace(kept, warehouse)


def _build(arguments: Mapping[str, Any]) -> dict[str, Any]:
    project = tasks.make_project(arguments)
    tasks.lay_all(project, arguments)
    tasks.mark(project, [*arguments["select"], *arguments["tests"]])
    built = project.build(select=[tasks.MARKED], without=tasks.TESTS)
    tests = _tested(project, built) if arguments["is_tested"] else []
    project.release()
    good = {node.unique_id for node in built.nodes if node.status == "success"}
    failed = [[node.unique_id, node.message] for node in built.nodes if node.is_broken]
    nodes = [project.manifest.nodes[node] for node in arguments["continued"] if node in good]
    with tasks.opened(arguments) as con:
        accounts = _accounts(con, arguments.get("accounting"))
        con.execute(f"attach {duck.literal(arguments['base'])} as {_BASE} (read_only)")
        there = [node for node in nodes if _is_there(con, node)]
        incremental.keep_first(con, there)
        closed = {node.unique_id: _closed(con, f"{_BASE}.{_place(node)}", node) for node in there}
        for node in there:
            con.execute(f"create or replace table {_place(node)} as from {_BASE}.{_place(node)}")
        con.execute(f"detach {_BASE}")
    continued = [_absent(node) for node in nodes if node not in there]
    if there:
        told = incremental.build_again(project, there)
        project.release()
        with tasks.opened_alone(arguments) as con:
            con.execute(f"attach {duck.literal(arguments['base'])} as {_BASE} (read_only)")
            for node in there:
                entry = _continued(con, node, told, arguments["keys"].get(node.unique_id, ()))
                continued.append({**entry, "closed": entry.get("closed", 0) - closed[node.unique_id]})
    return {"failed": failed, "tests": tests, "continued": continued, "accounts": accounts}


def _tested(project: Project, built: Built) -> list[dict[str, Any]]:
    """Results of data tests on what was built anew."""
    tested = project.test(select=[tasks.MARKED], without=("unit_test",))
    return [node for node in tasks.results(project, built, tested, {})["nodes"] if node["type"] == "test"]


def _continued(
    con: duckdb.DuckDBPyConnection, node: Any, told: Mapping[str, tuple[str, str]], key: Sequence[str]
) -> dict[str, Any]:
    """How the continued table differs from the one that was built anew."""
    status, message = told.get(node.unique_id, ("skipped", "it was skipped"))
    entry: dict[str, Any] = {"node": node.unique_id, "status": status, "message": message}
    if status != "success":
        return entry
    anew, place = incremental.kept(node), _place(node)
    names = [row[0] for row in con.execute(f"describe {anew}").fetchall()]
    types = {row[0]: row[1] for row in con.execute(f"describe {place}").fetchall()}
    common = [name for name in names if name in types and not (_is_snapshot(node) and name in _OF_SNAPSHOTS)]
    current = " where dbt_valid_to is null" if _is_snapshot(node) and "dbt_valid_to" in types else ""
    columns = ", ".join(_comparable(name, types[name]) for name in common)
    missing = f"select {columns} from {anew}{current} except all select {columns} from {place}{current}"
    extra = f"select {columns} from {place}{current} except all select {columns} from {anew}{current}"
    rows = [con.execute(f"select count(*) from {table}{current}").fetchall()[0][0] for table in (anew, place)]
    counts = [con.execute(f"select count(*) from ({sql})").fetchall()[0][0] for sql in (missing, extra)]
    return {
        **entry,
        "rows": rows,
        "missing": counts[0],
        "extra": counts[1],
        "late": _late(con, node, key, common, missing),
        "columns": sorted(set(names).symmetric_difference(types)),
        "closed": _closed(con, place, node),
    }


def _late(
    con: duckdb.DuckDBPyConnection, node: Any, key: Sequence[str], common: Sequence[str], missing: str
) -> int:
    """Of the rows that are missing, those that base has none of: its own filter passes over rows that are late."""
    if not key or not set(key) <= set(common):
        return 0
    on = " and ".join(f"b.{duck.quote(name)} is not distinct from m.{duck.quote(name)}" for name in key)
    return con.execute(
        f"select count(*) from ({missing}) as m "
        f"where not exists (select 1 from {_BASE}.{_place(node)} as b where {on})"
    ).fetchall()[0][0]


def _accounts(con: duckdb.DuckDBPyConnection, place: Sequence[str] | None) -> list[list[Any]] | None:
    """The rows of the model; None: it could not be built."""
    if not place:
        return []
    try:
        rows = con.execute(f"select {_ACCOUNTED} from {'.'.join(map(duck.quote, place))}").fetchall()
    except duckdb.Error:
        return None
    return [list(row) for row in rows]


def _closed(con: duckdb.DuckDBPyConnection, table: str, node: Any) -> int:
    """Versions of rows that a snapshot has closed."""
    if not _is_snapshot(node):
        return 0
    names = {row[0] for row in con.execute(f"describe {table}").fetchall()}
    if "dbt_valid_to" not in names:
        return 0
    return con.execute(f"select count(*) from {table} where dbt_valid_to is not null").fetchall()[0][0]


def _is_there(con: duckdb.DuckDBPyConnection, node: Any) -> bool:
    try:
        con.execute(f"describe {_BASE}.{_place(node)}")
    except duckdb.Error:
        return False
    return True


def _absent(node: Any) -> dict[str, Any]:
    return {
        "node": node.unique_id,
        "status": "absent",
        "message": "base could not build the table that it goes on from",
    }


def _comparable(name: str, kind: str) -> str:
    # Sums of floats depend on the order of rows.
    quoted = duck.quote(name)
    return f"printf('%.11e', {quoted}::double + 0) as {quoted}" if kind in ("DOUBLE", "FLOAT") else quoted


def _is_snapshot(node: Any) -> bool:
    return str(node.resource_type) == "snapshot"


def _place(node: Any) -> str:
    return f"{duck.quote(node.schema)}.{duck.quote(node.alias)}"
