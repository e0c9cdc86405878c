"""Quality scores per dataset; docs/reference/quality-scores.md says how each is computed, and why so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

import duckdb
from sqlalchemy import select

from plugins.core.duck import quote
from plugins.core.ledger import TABLES, Ledger, Run
from plugins.core.project import Node, Project
from plugins.core.settings import Settings
from plugins.quality.contract import Contract
from plugins.quality.freshness import stream_freshness
from plugins.quality.gate import Check, GateResult

_CONSISTENCY = ("unique", "relationships", "unique_combination_of_columns")


@dataclass(frozen=True)
class Score:
    """Scores of one dataset, each 0..1 or None where there is nothing to measure it by; `score` is their mean."""

    dataset: str
    rows: int
    completeness: float | None
    accuracy: float | None
    consistency: float | None
    timeliness: float | None
    score: float | None


def write_scores(
    settings: Settings,
    project: Project,
    cursor: duckdb.DuckDBPyConnection,
    run: Run,
    contracts: Sequence[Contract],
    gates: Sequence[GateResult],
    nodes: Iterable[Node],
) -> list[Score]:
    """Score every dataset that has a contract, and append the scores to the ledger."""
    checks = [check for gate in gates for check in gate.checks]
    tests = _consistency_tests(project, nodes)
    timely = _timeliness_by_dataset(settings, project, run)
    scores = [
        _score(cursor, contract, checks, tests.get(contract.dataset, []), timely.get(contract.dataset))
        for contract in contracts
    ]
    run.append("quality_scores", *({**asdict(score), "detail": None} for score in scores))
    return scores


def latest_scores(ledger: Ledger) -> list[Score]:
    """The newest score of each dataset, by name."""
    scores = TABLES["quality_scores"]
    newest: dict[str, Score] = {}
    for row in ledger.read(select(scores).order_by(scores.c.event_id.desc()).limit(1000)):
        newest.setdefault(row["dataset"], Score(**{name: row[name] for name in Score.__dataclass_fields__}))
    return [newest[dataset] for dataset in sorted(newest)]


def _score(
    cursor: duckdb.DuckDBPyConnection,
    contract: Contract,
    checks: Sequence[Check],
    tests: Sequence[bool],
    timeliness: float | None,
) -> Score:
    own = [check for check in checks if check.dataset == contract.dataset]
    rows, completeness = _completeness(cursor, contract)
    unique = [check.outcome == "passed" for check in own if check.type == "duplicate"]
    consistency = _mean([*map(float, unique), *map(float, tests)])
    accuracy = _accuracy(cursor, contract, rows, own)
    parts = [part for part in (completeness, accuracy, consistency, timeliness) if part is not None]
    return Score(contract.dataset, rows, completeness, accuracy, consistency, timeliness, _mean(parts))


def _completeness(cursor: duckdb.DuckDBPyConnection, contract: Contract) -> tuple[int, float | None]:
    """Rows, and the non-null share over the columns that the contract checks for missing values; one scan."""
    required = [
        column["name"]
        for column in contract.document.get("columns") or []
        if any("missing" in check for check in column.get("checks") or [])
    ]
    counts = "".join(f", count({quote(name)})" for name in required)
    relation = f"{quote(contract.schema)}.{quote(contract.table)}"
    rows, *present = cursor.execute(f"select count(*){counts} from {relation}").fetchall()[0]
    return rows, sum(present) / (rows * len(required)) if rows and required else None


def _accuracy(
    cursor: duckdb.DuckDBPyConnection, contract: Contract, rows: int, checks: Sequence[Check]
) -> float | None:
    """Silver: the share that broke no row rule. Else: the share that validity checks accept, on average."""
    quarantine = f"quarantine_{contract.table}"
    exists = cursor.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
        [contract.schema, quarantine],
    ).fetchone()
    if exists:
        broken = cursor.execute(f"select count(*) from {quote(contract.schema)}.{quote(quarantine)}").fetchall()[
            0
        ][0]
        return rows / (rows + broken) if rows + broken else None
    return _mean(
        [1 - check.broken_share for check in checks if check.type == "invalid" and check.broken_share is not None]
    )


def _consistency_tests(project: Project, nodes: Iterable[Node]) -> dict[str, list[bool]]:
    """Dataset → whether each of its dbt uniqueness and relationship tests passed."""
    manifest, found = project.manifest, {}
    for node in nodes:
        test = manifest.nodes.get(node.unique_id)
        metadata = getattr(test, "test_metadata", None)
        model = manifest.nodes.get(getattr(test, "attached_node", None) or "")
        if metadata and model and metadata.name in _CONSISTENCY:
            found.setdefault(f"{model.schema}.{model.alias}", []).append(node.status == "pass")
    return found


def _timeliness_by_dataset(settings: Settings, project: Project, run: Run) -> dict[str, float]:
    """Dataset → the worst timeliness of the streams that it is made from."""
    fresh = stream_freshness(settings, run.ledger)
    manifest = project.manifest
    parents = {key: node.depends_on_nodes for key, node in manifest.nodes.items()}
    timely: dict[str, float] = {}
    for key, node in manifest.nodes.items():
        if str(node.resource_type) != "model":
            continue
        sources = [manifest.sources[found] for found in _ancestors(key, parents) if found in manifest.sources]
        known = [fresh.get(source.identifier.replace("__", ".", 1)) for source in sources]
        values = [item.timeliness for item in known if item is not None and item.timeliness is not None]
        if values:
            timely[f"{node.schema}.{node.alias}"] = min(values)
    return timely


def _ancestors(key: str, parents: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [key]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return seen


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
