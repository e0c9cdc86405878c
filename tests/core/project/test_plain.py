"""Targets that are read without dbt are what dbt reads; where only dbt can tell, nothing is said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from plugins.core.project import Project
from plugins.core.project.plain import plain_target

PROJECT = "name: shop\nprofile: shop\n"
PROFILE = """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: dev.duckdb, schema: main}
    many: {type: duckdb, path: ../the data/a.v2.db, schema: "{{ env_var('SHOP_SCHEMA', 'ann') }}", threads: 4}
    more: {type: duckdb, path: more.duckdb, settings: {preserve_insertion_order: false}}
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
    found = plain_target(folder, folder, target, {**os.environ, "SMELT_PROJECT_DIR": str(folder)})
    return found.path if found is not None else None


def read_by_dbt(folder: Path, target: str | None) -> dict[str, Any]:
    """What dbt takes the target for."""
    profile = Project(folder, target)._profile
    credentials = profile.credentials
    return {
        "names": (profile.profile_name, profile.target_name, profile.threads),
        "path": credentials.path,
        "database": credentials.database,
        "schema": credentials.schema,
    }


@pytest.mark.parametrize("target", [None, "dev", "named", "below", "many", "more"])
@pytest.mark.parametrize("file", [None, "env.duckdb"])
def test_what_is_read_is_what_dbt_reads(
    folder: Path, monkeypatch: pytest.MonkeyPatch, target: str | None, file: str | None
) -> None:
    monkeypatch.setenv("SHOP_FILE", file) if file else monkeypatch.delenv("SHOP_FILE", raising=False)
    known = read_by_dbt(folder, target)
    project = Project(folder, target)
    assert read(folder, target) == known["path"]
    assert (project.profile_name, project.target_name, project.threads) == known["names"]
    assert {key: project.credentials[key] for key in ("path", "database", "schema")} == {
        key: known[key] for key in ("path", "database", "schema")
    }


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
