"""The other way to build an incremental model: onto the table that is there.

A sandbox starts empty, so a build takes the branch of a first run. A second run over the same input takes the
other one, and should leave the table as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from plugins.core import duck
from plugins.core.project import Project

TAG = "smelt_review_again"
_KEPT = "smelt_review_first_run"


def is_tried(node: Any) -> bool:
    """Whether the node is built a second time: microbatches depend on the time of the run."""
    return node.config.materialized == "incremental" and node.config.incremental_strategy != "microbatch"


def keep_first(con: duckdb.DuckDBPyConnection, nodes: Sequence[Any]) -> None:
    """Copy the tables of the nodes aside."""
    con.execute(f"create schema if not exists {_KEPT}")
    for node in nodes:
        con.execute(f"create or replace table {kept(node)} as from {_table(node)}")


def build_again(project: Project, nodes: Sequence[Any]) -> dict[str, tuple[str, str]]:
    """Run the nodes onto their tables; returns dbt's status and message of each."""
    for node in nodes:
        node.tags.append(TAG)
    built = project.build(select=[f"tag:{TAG}"], without=("test", "unit_test"))
    return {result.unique_id: (result.status, result.message) for result in built.nodes}


def compare_and_restore(
    con: duckdb.DuckDBPyConnection, nodes: Sequence[Any], told: dict[str, tuple[str, str]]
) -> list[dict[str, Any]]:
    """What the second run did to each table, which is then as the first left it."""
    found: list[dict[str, Any]] = []
    for node in nodes:
        status, message = told.get(node.unique_id, ("skipped", "it was skipped"))
        entry = {"node": node.unique_id, "status": status, "message": message}
        if status == "success":
            entry |= _difference(con, node)
        con.execute(f"create or replace table {_table(node)} as from {kept(node)}")
        found.append(entry)
    con.execute(f"drop schema {_KEPT} cascade")
    return found


def _difference(con: duckdb.DuckDBPyConnection, node: Any) -> dict[str, Any]:
    first, second = kept(node), _table(node)
    rows = [con.execute(f"select count(*) from {table}").fetchall()[0][0] for table in (first, second)]
    names = [row[0] for row in con.execute(f"describe {first}").fetchall()]
    again = {row[0] for row in con.execute(f"describe {second}").fetchall()}
    columns = ", ".join(duck.quote(name) for name in names if name in again)
    lost = con.execute(
        f"select count(*) from (select {columns} from {first} except all select {columns} from {second})"
    ).fetchall()[0][0]
    return {"rows": rows, "lost": lost, "new_columns": sorted(again.symmetric_difference(names))}


def _table(node: Any) -> str:
    return f"{duck.quote(node.schema)}.{duck.quote(node.alias)}"


def kept(node: Any) -> str:
    """Where the first run's table is kept, in SQL."""
    return f"{_KEPT}.{duck.quote(f'{node.schema}.{node.alias}')}"
