"""Turning failed nodes and closed gates into messages with the rows to blame."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from plugins.build.result import Failure
from plugins.core.project import Node
from plugins.quality import GateResult

_SHOWN = 10


def of_nodes(nodes: Iterable[Node], cursor: duckdb.DuckDBPyConnection | None) -> tuple[Failure, ...]:
    """One failure for each broken node; a failing data test shows the rows that its query finds."""
    return tuple(_of_node(node, cursor) for node in nodes)


def _of_node(node: Node, cursor: duckdb.DuckDBPyConnection | None) -> Failure:
    kind = node.resource_type.replace("_", " ")
    columns: tuple[str, ...] = ()
    rows: tuple[tuple, ...] = ()
    if node.resource_type == "test" and node.status == "fail" and node.sql and cursor is not None:
        try:
            found = cursor.execute(f"select * from ({node.sql.strip().rstrip(';')}) limit {_SHOWN}")
            columns, rows = tuple(column[0] for column in found.description or ()), tuple(found.fetchall())
        except duckdb.Error:
            # The query did run in dbt: what it says about the failure is all there is to show.
            columns, rows = (), ()
    return Failure(f"{kind} {node.name}", node.path, node.message.strip(), columns, rows)


def of_gate(gate: GateResult) -> tuple[Failure, ...]:
    """One failure for each check that closes the gate."""
    return tuple(
        Failure(
            f"{gate.name} gate: {check.dataset}",
            f"{check.contract}:{check.line}" if check.line else check.contract,
            check.message,
            check.columns,
            check.rows,
        )
        for check in gate.stopping
    )
