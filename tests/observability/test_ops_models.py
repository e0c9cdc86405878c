"""models/ops over ledgers of every kind: none yet, SQLite, PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from plugins.core.errors import SmeltError
from plugins.core.ledger import Ledger, open_run
from plugins.core.project import Built, Project
from plugins.core.settings import load_settings

ROOT = Path(__file__).parents[2]
_PROJECT = """
name: smelt
version: "1.0.0"
profile: smelt
macro-paths: [macros]
models: {smelt: {ops: {+schema: ops, +materialized: table, +group: platform}}}
"""
_PROFILE = """
smelt:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: warehouse.duckdb
      threads: 2
      module_paths: ["."]
      plugins: [{module: plugins.core.warehouse.dbt_plugin}]
"""
_SOURCE = """
kind: postgres
connection: shop
owner: sales
streams:
  - {name: orders, primary_key: [id], freshness_sla: P1D}
  - {name: lines, primary_key: [id], freshness_sla: PT1H, owner: warehouse}
  - {name: notes, primary_key: [id]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project that has nothing but the ops models, with what they need."""
    shutil.copytree(ROOT / "models" / "ops", tmp_path / "models" / "ops")
    shutil.copy(ROOT / "models" / "_groups.yml", tmp_path / "models")
    for name in ("dbt/run_time.sql", "dbt/generate_schema_name.sql", "tests/unique_combination.sql"):
        (tmp_path / "macros" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "macros" / name, tmp_path / "macros" / name)
    (tmp_path / "dbt_project.yml").write_text(_PROJECT)
    (tmp_path / "profiles.yml").write_text(_PROFILE)
    (tmp_path / "smelt.toml").write_text("")
    (tmp_path / "sources" / "shop").mkdir(parents=True)
    (tmp_path / "sources" / "shop" / "source.yml").write_text(_SOURCE)
    return tmp_path


def _fill(folder: Path) -> None:
    """Five runs: two good ingests, a failed one, one that was killed, and a build."""
    ledger, now = Ledger(load_settings(folder)), datetime.now(UTC)
    for hours, rows in ((68, 10), (20, 30)):
        with open_run(ledger, "ingest") as run:
            load = {"source": "shop", "stream": "orders", "outcome": "loaded", "rows_loaded": rows, "bytes": 1}
            run.append("stream_loads", {**load, "at": now - timedelta(hours=hours)})
    with pytest.raises(RuntimeError):
        _fail(ledger)
    ledger.append("run_events", [{"kind": "ingest", "event": "start"}], run_id="01M7XTG1EEZPWQXZP58RSS35VP")
    check = {"gate": "gold", "dataset": "gold.fct_orders", "contract": "c.yml", "check_name": "rows"}
    account = {"stream": "shop.orders", "bronze": 5, "silver": 3, "quarantined": 1, "superseded": 1}
    with open_run(ledger, "build") as run:
        run.append("gate_results", {**check, "outcome": "failed", "at": now - timedelta(hours=1)})
        run.append("row_accounts", {**account, "tombstones": 0, "expired": 0, "is_balanced": True})
    with open_run(ledger, "gate") as run:
        run.append("gate_results", {**check, "outcome": "passed"})


def _fail(ledger: Ledger) -> None:
    with open_run(ledger, "ingest") as run:
        run.append("stream_loads", {"source": "shop", "stream": "lines", "outcome": "failed", "error": "gone"})
        raise RuntimeError("gone")


def _build(folder: Path) -> Built:
    project = Project(folder)
    try:
        return project.build()
    finally:
        project.release()


def _rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """As any analyst opens the file: without the ledger attached."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


def _check_filled(folder: Path) -> None:
    built = _build(folder)
    assert [(node.name, node.message) for node in built.broken] == []
    assert built.count("model") == 6
    assert built.count("unit_test") >= 3
    freshness = "select stream, owner, age_seconds // 3600, is_late from ops.ops_stream_freshness order by stream"
    assert _rows(folder, freshness) == [
        ("lines", "warehouse", None, True),
        ("notes", "sales", None, True),
        ("orders", "sales", 20, False),
    ]
    volume = "select rows_loaded, usual_rows, ratio_to_usual from ops.ops_load_volume order by load_date"
    assert _rows(folder, volume) == [(10, None, None), (30, 10, 3)]
    success = "select kind, run_count, complete_count, failed_count, unended_count from ops.ops_run_success_rate"
    assert _rows(folder, f"{success} where kind = 'ingest'") == [("ingest", 4, 2, 1, 1)]
    assert _rows(folder, "select run_count from ops.ops_run_duration where kind = 'ingest'") == [(2,)]
    assert _rows(folder, "select outcome from ops.ops_gate_results") == [("passed",)]
    accounts = "select stream, bronze_rows, silver_rows, is_balanced from ops.ops_row_accounting"
    assert _rows(folder, accounts) == [("shop.orders", 5, 3, True)]


def test_they_build_before_anything_ever_ran(folder: Path) -> None:
    built = _build(folder)
    assert [(node.name, node.message) for node in built.broken] == []
    assert not (folder / "lake" / "ledger.db").exists()
    assert _rows(folder, "select count(*) from ops.ops_run_success_rate") == [(0,)]
    assert _rows(folder, "select stream, is_late from ops.ops_stream_freshness order by stream") == [
        ("lines", True),
        ("notes", True),
        ("orders", True),
    ]


def test_they_report_what_a_sqlite_ledger_holds(folder: Path) -> None:
    _fill(folder)
    _check_filled(folder)


@pytest.mark.full
def test_they_report_what_a_postgresql_ledger_holds(folder: Path, postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as con:
        con.execute("drop database if exists ledger_of_ops")
        con.execute("create database ledger_of_ops")
    url = postgres.replace("postgresql://", "postgresql+psycopg://").rsplit("/", 1)[0] + "/ledger_of_ops"
    (folder / "smelt.toml").write_text(f'[ledger]\nurl = "{url}"\n')
    _fill(folder)
    _check_filled(folder)


@pytest.mark.full
def test_they_see_what_another_process_is_still_writing_beside(folder: Path) -> None:
    _fill(folder)
    with sqlite3.connect(folder / "lake" / "ledger.db") as writer:
        writer.execute("begin immediate")
        assert not _build(folder).broken
        writer.rollback()


def test_a_damaged_ledger_is_one_clear_message(folder: Path) -> None:
    (folder / "lake").mkdir()
    (folder / "lake" / "ledger.db").write_bytes(b"not a database, but long enough to look like a file" * 100)
    with pytest.raises(SmeltError, match="ledger"):
        _build(folder)
