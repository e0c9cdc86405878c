"""Snapshots in YAML: they take a table as it is, and no edit of SQL comes between the two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.schema_drift.patching.sql.files import SqlFiles
from plugins.schema_drift.patching.sql.plan import TablePlan
from plugins.schema_drift.patching.sql.work import Work


def yaml_snapshots(files: SqlFiles, node: str) -> list[Mapping[str, Any]]:
    """Snapshots that take a node's rows without a query of their own."""
    entries = (files.nodes[one] for one in files.readers(node))
    return [
        one
        for one in entries
        if one.get("resource_type") == "snapshot" and not str(one.get("original_file_path", "")).endswith(".sql")
    ]


def is_snapshotted(files: SqlFiles, node: str) -> bool:
    """Whether a snapshot in YAML takes a node's rows."""
    return bool(yaml_snapshots(files, node))


def ask_about_snapshots(work: Work, plan: TablePlan) -> bool:
    """A question for each snapshot whose history would go on in other columns or meanings; whether any is so.

    What was kept has the old columns and what comes has the new ones, so that whatever is made of one file alone
    is wrong for some rows of the models below.
    """
    wanted = [*(target.column for target in plan.targets.values()), *plan.failed]
    found = yaml_snapshots(work.files, plan.table.id) if wanted else []
    for entry in found:
        name, path = str(entry["name"]), str(entry.get("original_file_path", ""))
        text = work.text(path) if path in work.project.paths else ""
        at = text.find(f"name: {name}")
        columns = ", ".join(f"`{column}`" for column in dict.fromkeys(wanted))
        below = sorted(work.project.graph.children.get(str(entry["unique_id"]), ()))
        readers = ", ".join(f"`{one.split('.')[-1]}`" for one in below)
        work.ask(
            f"the snapshot `{name}` takes {plan.table.name} as it is: it will add new columns beside the old "
            f"ones, and {columns} will not be filled or not mean the same. A model between the two, of which it "
            "takes its rows, keeps its history consistent; until there is one nothing was changed"
            f"{f', and {readers} must not take new rows from it' if readers else ''}. Shall there be one?",
            path,
            text.count("\n", 0, at) + 1 if at >= 0 else 0,
        )
    return bool(found)
