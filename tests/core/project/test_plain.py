"""Targets that are read without dbt are what dbt reads; where only dbt can tell, nothing is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugins.core.project import Project
from plugins.core.project.plain import duckdb_path

PROJECT = "name: shop\nprofile: shop\n"
PROFILE = """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: dev.duckdb, schema: main}
    named: {type: duckdb, path: "{{ env_var('SHOP_FILE', 'shop.duckdb') }}"}
    below: {type: duckdb, path: "{{ env_var('SMELT_PROJECT_DIR') }}/{{ env_var(\\"SHOP_FILE\\", \\"b.db\\") }}"}
    unset: {type: duckdb, path: "{{ env_var('SHOP_UNSET') }}"}
    other: {type: duckdb, path: "{{ env_var('SHOP_FILE') | upper }}"}
    memory: {type: duckdb}
    away: {type: duckdb, path: "md:shop"}
    server: {type: postgres, host: localhost, user: me, password: secret, port: 5432, dbname: shop, schema: main}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dbt_project.yml").write_text(PROJECT)
    (tmp_path / "profiles.yml").write_text(PROFILE)
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.delenv("SHOP_UNSET", raising=False)
    return tmp_path


def read(folder: Path, target: str | None) -> str | None:
    return duckdb_path(folder, folder, target, {**os.environ, "SMELT_PROJECT_DIR": str(folder)})


@pytest.mark.parametrize("target", [None, "dev", "named", "below"])
@pytest.mark.parametrize("file", [None, "env.duckdb"])
def test_what_is_read_is_what_dbt_reads(
    folder: Path, monkeypatch: pytest.MonkeyPatch, target: str | None, file: str | None
) -> None:
    monkeypatch.setenv("SHOP_FILE", file) if file else monkeypatch.delenv("SHOP_FILE", raising=False)
    assert read(folder, target) == Project(folder, target).credentials["path"]


@pytest.mark.parametrize("target", ["unset", "other", "memory", "away", "server", "missing"])
def test_where_only_dbt_can_tell_nothing_is_said(folder: Path, target: str) -> None:
    assert read(folder, target) is None


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("profiles.yml", "shop: ["),
        ("profiles.yml", "- shop"),
        ("profiles.yml", ""),
        ("profiles.yml", "shop: {outputs: {default: {type: duckdb, path: a.duckdb}}}"),
        ("dbt_project.yml", "name: shop"),
        ("dbt_project.yml", "profile: [shop]"),
        ("dbt_project.yml", "profile: \"{{ var('profile') }}\""),
    ],
)
def test_what_is_wrong_is_left_to_dbt(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)
    assert read(folder, None) is None


def test_the_warehouse_of_a_plain_target_is_below_the_project(folder: Path) -> None:
    project = Project(folder)
    assert (project.adapter, project.warehouse) == ("duckdb", folder.resolve() / "dev.duckdb")
