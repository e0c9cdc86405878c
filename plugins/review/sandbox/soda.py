"""A Smelt project's Soda contracts in the sandbox: which nodes they are about, whether what was built holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from plugins.core.errors import SmeltError
from plugins.core.project import Manifest
from plugins.core.settings.model import FILE_NAME
from plugins.quality import Contract, find_contracts, run_gate

_FOLDER = "contracts"


def has_contracts(project_dir: Path) -> bool:
    """Whether it is a Smelt project with Soda contracts."""
    return (project_dir / FILE_NAME).is_file() and (project_dir / _FOLDER).is_dir()


def read_contracts(project_dir: Path) -> list[Contract]:
    """The Soda contracts of a Smelt project, none of another project; raises SmeltError for malformed ones."""
    return find_contracts(project_dir / _FOLDER) if has_contracts(project_dir) else []


def nodes_of_contracts(project_dir: Path, manifest: Manifest, changed: Collection[str]) -> frozenset[str]:
    """The nodes that the `changed` files (relative to the project) hold to a contract."""
    if not any(path.startswith(f"{_FOLDER}/") for path in changed):
        return frozenset()
    try:
        contracts = read_contracts(project_dir)
    except SmeltError:
        # The evidence about contracts says it.
        return frozenset()
    datasets = {(c.schema, c.table) for c in contracts if str(c.path.relative_to(project_dir)) in changed}
    return frozenset(
        node
        for node, resource in manifest.resources.items()
        if node in manifest.document["nodes"] and resource.relation and resource.relation[1:] in datasets
    )


def hold_to_contracts(
    con: duckdb.DuckDBPyConnection, project_dir: Path, built: Mapping[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """The outcomes of all checks of the contracts about what was built: (schema, table) → node id."""
    try:
        contracts = [c for c in read_contracts(project_dir) if (c.schema, c.table) in built]
        if not contracts:
            return []
        gate = run_gate(con, "review", contracts, project_dir)
    except SmeltError as error:
        refused = error.message.replace(f"{project_dir}/", "")
        return [{"node": None, "contract": "contracts", "outcome": "not_evaluated", "message": refused}]
    return [
        {
            **asdict(check),
            "node": built[_place(check.dataset)],
            "rows": [_row(check.columns, row) for row in check.rows],
        }
        for check in gate.checks
    ]


def _place(dataset: str) -> tuple[str, str]:
    schema, _, table = dataset.partition(".")
    return schema, table


def _row(columns: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    plain = (value if value is None or isinstance(value, (bool, int, float)) else str(value) for value in row)
    return dict(zip(columns, plain, strict=True))
