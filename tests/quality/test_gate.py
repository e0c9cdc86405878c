"""Contracts: what passes, warns and fails, which rows are to blame, and what a malformed one says."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from plugins.core.errors import SmeltError
from plugins.quality import find_contracts, run_gate

ROWS = """
    create schema silver;
    create table silver.things as from (values
        (1, 'a', 5, date '2026-01-01'), (2, 'b', 50, date '2026-01-02'), (2, null, -1, null), (null, 'zz', 7, null)
    ) as rows(id, code, amount, day);
    create table silver.codes as select 'a' as code;
"""


def _gate(folder: Path, checks: str, name: str = "things") -> list:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yml").write_text(
        f"dataset: lake/silver/{name}\n\n{checks}" + ("" if "columns:" in checks else "columns: []\n")
    )
    con = duckdb.connect()
    con.execute(ROWS)
    return list(run_gate(con, "silver", find_contracts(folder), folder).checks)


@pytest.mark.parametrize(
    ("column", "check", "ids"),
    [
        ("id", "missing:", [None]),
        ("id", "duplicate:", [2, 2]),
        ("amount", "invalid: {valid_min: 0, valid_max: 10}", [2, 2]),
        ("code", "invalid: {valid_values: [a, b]}", [None]),
        ("code", "invalid: {invalid_values: [b]}", [2]),
        ("code", "invalid: {valid_max_length: 1}", [None]),
        ("code", "invalid: {valid_format: {name: short, regex: '^.$'}}", [None]),
        ("code", "missing: {missing_values: [zz]}", [2, None]),
    ],
)
def test_the_rows_that_break_a_check_are_shown(tmp_path: Path, column: str, check: str, ids: list) -> None:
    (found,) = _gate(tmp_path, f"columns:\n  - name: {column}\n    checks:\n      - {check}\n")
    assert found.outcome == "failed"
    assert found.line == 6
    assert sorted((row[0] for row in found.rows), key=str) == sorted(ids, key=str)
    assert f"{found.type}_count = {found.value:g}" in found.message


def test_failed_rows_of_an_expression_are_shown(tmp_path: Path) -> None:
    (found,) = _gate(
        tmp_path, "checks:\n  - failed_rows:\n      name: not negative\n      expression: amount < 0\n"
    )
    assert (found.outcome, [row[2] for row in found.rows]) == ("failed", [-1])


def test_a_warning_is_not_a_failure(tmp_path: Path) -> None:
    checks = "columns:\n  - name: id\n    checks:\n      - missing: {threshold: {level: warn}}\n"
    (found,) = _gate(tmp_path, checks)
    assert (found.outcome, found.stops) == ("warned", False)


def test_a_missing_table_closes_the_gate(tmp_path: Path) -> None:
    (found,) = _gate(tmp_path, "checks:\n  - row_count:\n", name="absent")
    assert (found.outcome, found.stops) == ("not_evaluated", True)
    assert found.message == "there is no table silver.absent in the warehouse"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset: lake/silver/things\ncolumns:\n  - name: id\n   checks: []\n", r"bad\.yml:4: not valid YAML"),
        ("columns: []\n", r"bad\.yml:1: a contract needs a `dataset`"),
        ("# about\ndataset: lake/db/silver/things\n", r"bad\.yml:2: dataset .* is not of the form"),
        (
            "dataset: lake/silver/things\nchecks:\n  - row_cuont:\n",
            r"bad\.yml:3: there is no check called 'row_cuont'",
        ),
        ("dataset: lake/silver/things\nchecks:\n  - row_count:\n", r"missing the required 'columns' .*bad\.yml"),
    ],
)
def test_a_malformed_contract_names_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.yml").write_text(text)
    con = duckdb.connect()
    con.execute(ROWS)
    with pytest.raises(SmeltError, match=message):
        run_gate(con, "silver", find_contracts(tmp_path), tmp_path)


def test_contracts_are_chosen_by_layer_and_by_dataset(tmp_path: Path) -> None:
    for schema, table in (("silver", "orders"), ("gold", "fct_orders")):
        (tmp_path / f"{table}.yml").write_text(f"dataset: lake/{schema}/{table}\n")
    assert [c.dataset for c in find_contracts(tmp_path, ["silver"])] == ["silver.orders"]
    assert [c.dataset for c in find_contracts(tmp_path, ["gold.fct_orders", "orders"])] == [
        "gold.fct_orders", "silver.orders"]  # fmt: skip
    with pytest.raises(SmeltError, match="no contract is about 'bronze'"):
        find_contracts(tmp_path, ["bronze"])
