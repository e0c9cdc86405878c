"""Tests share the observed projects, whichever folder pytest is started in."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from observed_smelt import SmeltShop
from observed_warehouse import Warehouse

from plugins.core.ledger import new_id


@pytest.fixture(autouse=True)
def _no_project_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMELT_PROJECT_DIR", "SMELT_FAILPOINT", "SMELT_PINS", "SMELT_WAREHOUSE", "SMELT_TARGET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A dbt project on DuckDB, whose sources are in the schema `raw`."""
    return Warehouse.make(tmp_path / "project")


@pytest.fixture
def smelt(tmp_path: Path, postgres: str) -> SmeltShop:
    """A Smelt project that loads streams from a schema of its own in a real PostgreSQL."""
    made = SmeltShop.make(tmp_path / "shop", postgres, f"s_{new_id().lower()}")
    with psycopg.connect(postgres, autocommit=True) as con:
        con.execute(f'create schema "{made.schema}"')  # type: ignore[arg-type]
    return made
