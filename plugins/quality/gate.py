"""The gate: Soda contracts over the warehouse, all in one session, with the rows that break a check."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from plugins.core.errors import SmeltError
from plugins.core.ledger import Run
from plugins.quality.contract import Contract
from plugins.quality.failing_rows import failing_rows_sql, locate

_SHOWN = 10
_OUTCOMES = {"PASSED": "passed", "WARN": "warned", "FAILED": "failed"}


@dataclass(frozen=True)
class Check:
    """One check's outcome: passed, warned, failed or not_evaluated.

    broken_share: part of the tested rows that break it, 0..1, where Soda counts them.
    columns, rows: up to ten rows that break it.
    """

    dataset: str
    contract: str
    line: int | None
    name: str
    type: str
    column: str | None
    outcome: str
    value: float | None
    message: str
    broken_share: float | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()

    @property
    def stops(self) -> bool:
        """Whether what is downstream must not go on: failed, or could not be evaluated."""
        return self.outcome in ("failed", "not_evaluated")


@dataclass(frozen=True)
class GateResult:
    """All checks of one gate; `name` is the layer or what was asked for."""

    name: str
    contracts: int
    checks: tuple[Check, ...]
    seconds: float

    @property
    def stopping(self) -> tuple[Check, ...]:
        """Checks that close the gate."""
        return tuple(check for check in self.checks if check.stops)

    @property
    def is_open(self) -> bool:
        """Whether what is downstream may go on."""
        return not self.stopping

    def count(self, outcome: str) -> int:
        """How many checks came out so."""
        return sum(check.outcome == outcome for check in self.checks)


def load_soda() -> None:
    """Import Soda (a second); may be called from a thread while the warehouse is busy."""
    # Without this it tries for six seconds to reach a telemetry host.
    os.environ.setdefault("SODA_CORE_TELEMETRY_ENABLED", "false")
    # Soda finds data sources by entry point; to import one first would import it in the middle of itself.
    import soda_core.contracts.contract_verification
    import soda_core.contracts.impl.contract_verification_impl  # noqa: F401

    # Everything that it logs is also in its results, from where it is shown.
    logging.getLogger("soda").setLevel(logging.CRITICAL)


def run_gate(
    connection: duckdb.DuckDBPyConnection, name: str, contracts: Sequence[Contract], project_dir: Path
) -> GateResult:
    """Verify `contracts` over `connection`. Raises SmeltError if Soda refuses a contract outright."""
    started = time.monotonic()
    load_soda()
    from soda_core.common.exceptions import SodaCoreException
    from soda_core.common.yaml import ContractYamlSource
    from soda_core.contracts.contract_verification import ContractVerificationSession
    from soda_core.contracts.impl.contract_verification_impl import CheckImpl
    from soda_duckdb.common.data_sources.duckdb_data_source import DuckDBDataSourceImpl

    for contract in contracts:
        # Soda drops a check of a kind that it doesn't know, without a word.
        contract.refuse_unknown_checks(set(CheckImpl.get_check_type_names()))
    checks: list[Check] = []
    if contracts:
        files: Any = [ContractYamlSource.from_file_path(str(contract.path)) for contract in contracts]
        source = DuckDBDataSourceImpl.from_existing_cursor(connection, name="lake")
        try:
            session = ContractVerificationSession.execute(contract_yaml_sources=files, data_source_impls=[source])
        except SodaCoreException as error:
            raise SmeltError(f"a contract cannot be used: {error}", "correct the contract") from error
        for contract, verified in zip(contracts, session.contract_verification_results, strict=True):
            checks += _checks(connection, contract, verified, project_dir)
    return GateResult(name, len(contracts), tuple(checks), time.monotonic() - started)


def _checks(
    connection: duckdb.DuckDBPyConnection, contract: Contract, verified: Any, project_dir: Path
) -> list[Check]:
    path = os.path.relpath(contract.path, project_dir)
    message = _why_not_evaluated(connection, contract, verified)
    if message:
        return [Check(contract.dataset, path, None, "contract", "contract", None, "not_evaluated", None, message)]
    return [_check(connection, contract, path, result) for result in verified.check_results]


def _why_not_evaluated(connection: duckdb.DuckDBPyConnection, contract: Contract, verified: Any) -> str | None:
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
        [contract.schema, contract.table],
    ).fetchone()
    if not found:
        return f"there is no table {contract.dataset} in the warehouse"
    return (verified.get_errors_str() or "it could not be evaluated") if verified.has_errors else None


def _check(connection: duckdb.DuckDBPyConnection, contract: Contract, path: str, result: Any) -> Check:
    outcome = _OUTCOMES.get(result.outcome.value, "not_evaluated")
    described = result.check
    columns, rows = (), ()
    if outcome in ("failed", "warned"):
        columns, rows = _failing_rows(connection, contract, described)
    return Check(
        dataset=contract.dataset,
        contract=path,
        line=locate(contract, described.type, described.column_name, described.contract_file_line)[0],
        name=described.name,
        type=described.type,
        column=described.column_name,
        outcome=outcome,
        value=float(result.threshold_value) if result.threshold_value is not None else None,
        message=_message(described, result),
        broken_share=_broken_share(described.type, result.diagnostic_metric_values or {}),
        columns=columns,
        rows=rows,
    )


def _broken_share(check_type: str, figures: Mapping[str, Any]) -> float | None:
    percent = figures.get(f"{check_type}_percent")
    return float(percent) / 100 if percent is not None else None


def _message(described: Any, result: Any) -> str:
    where = f"{described.column_name}: " if described.column_name else ""
    figures: Mapping[str, Any] = result.diagnostic_metric_values or {}
    told = ", ".join(f"{key} = {value:,.6g}" for key, value in figures.items() if isinstance(value, int | float))
    return f"{where}{described.name}" + (f" ({told})" if told else "")


def _failing_rows(
    connection: duckdb.DuckDBPyConnection, contract: Contract, described: Any
) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
    sql = failing_rows_sql(contract, described.type, described.column_name, described.contract_file_line)
    if sql is None:
        return (), ()
    try:
        cursor = connection.execute(f"select * from ({sql}) limit {_SHOWN}")
    except duckdb.Error as error:
        raise SmeltError(
            f"{contract.path}:{described.contract_file_line}: the failing rows cannot be queried: {error}",
            "check the values of this check in the contract",
        ) from error
    return tuple(column[0] for column in cursor.description or ()), tuple(cursor.fetchall())


def record(run: Run, gate: GateResult) -> None:
    """Append each check's outcome to the ledger."""
    run.append(
        "gate_results",
        *(
            {
                "gate": gate.name,
                "dataset": check.dataset,
                "contract": check.contract,
                "check_name": f"{check.column}: {check.name}" if check.column else check.name,
                "check_type": check.type,
                "outcome": check.outcome,
                "value": check.value,
                "message": check.message,
            }
            for check in gate.checks
        ),
    )
