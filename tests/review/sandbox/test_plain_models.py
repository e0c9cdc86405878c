"""Models created in one statement are as dbt makes them, and what is not plain is left to dbt."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from dbt.task.run import ModelRunner

from plugins.core.project import Built, Project
from plugins.review.sandbox import plain_models
from plugins.review.sandbox.plain_models import make_plain

PROJECT = "name: plain\nversion: '1.0'\nprofile: plain\n"
PROFILE = "plain: {target: dev, outputs: {dev: {type: duckdb, path: plain.duckdb}}}\n"
TABLE = "{{ config(materialized='table') }}\n"
MODELS = {
    "numbers": "select 1 as id, 'a' as name union all select 2, null -- the last line is a comment",
    "doubled": TABLE + "select id * 2::bigint as id, name from {{ ref('numbers') }}",
    "hidden": "{{ config(materialized='ephemeral') }} select id from {{ ref('doubled') }}",
    "named": "{{ config(materialized='table', alias='Other Name', schema='else') }} from {{ ref('hidden') }}",
    "looking": TABLE + "select {{ adapter.get_columns_in_relation(ref('doubled')) | length }} as columns",
    "broken": TABLE + "select no_such_column from {{ ref('doubled') }}",
    "below_broken": "select * from {{ ref('broken') }}",
}


@pytest.fixture
def created(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """dbt as the sandbox has it, for one test; the models that were created without its macros."""
    names: list[str] = []
    create = plain_models._create

    def told(runner: object, model: object) -> object:
        names.append(model.name)  # pyright: ignore[reportAttributeAccessIssue]
        return create(runner, model)

    monkeypatch.setattr(ModelRunner, "execute", ModelRunner.execute)
    monkeypatch.setattr(plain_models, "_create", told)
    return names


def _build(folder: Path, models: dict[str, str], files: dict[str, str] | None = None) -> Built:
    given = {f"models/{name}.sql": sql for name, sql in models.items()}
    for path, text in {"dbt_project.yml": PROJECT, "profiles.yml": PROFILE, **given, **(files or {})}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    project = Project(folder, writes_artifacts=False)
    built = project.build()
    project.release()
    return built


def _content(folder: Path) -> dict[str, object]:
    with duckdb.connect(str(folder / "plain.duckdb")) as con:
        found = con.execute(
            "select table_schema, table_name, table_type from information_schema.tables order by all"
        ).fetchall()
        places = {f'"{schema}"."{name}"': kind for schema, name, kind in found}
        return {
            place: (kind, con.execute(f"describe {place}").fetchall(), con.execute(f"from {place}").fetchall())
            for place, kind in places.items()
        }


def test_tables_views_errors_and_skips_are_as_dbt_makes_them(tmp_path: Path, created: list[str]) -> None:
    told = {}
    for name in ("dbt", "plain"):
        if name == "plain":
            make_plain()
        built = _build(tmp_path / name, MODELS)
        # DuckDB counts the lines of the statement around the model's SQL, too.
        told[name] = {node.name: (node.status, re.split(r"LINE \d+", node.message)[0]) for node in built.nodes}
    assert set(created) == set(MODELS) - {"hidden", "below_broken"}
    assert _content(tmp_path / "plain") == _content(tmp_path / "dbt")
    assert told["plain"] == told["dbt"]
    assert told["plain"]["broken"][0] == "error"
    assert told["plain"]["below_broken"][0] == "skipped"


@pytest.mark.full
@pytest.mark.parametrize(
    ("config", "left_behind"),
    [
        ("pre_hook='create table if not exists hooked as select 1 as x'", "hooked"),
        ("post_hook='create table if not exists hooked as select 1 as x'", "hooked"),
        ("indexes=[{'columns': ['id'], 'unique': true}]", None),
        ("materialized='incremental'", None),
        ("persist_docs={'relation': true}", None),
        ("owner='somebody'", None),
    ],
)
def test_configuration_that_says_more_is_left_to_dbt(
    tmp_path: Path, created: list[str], config: str, left_behind: str | None
) -> None:
    make_plain()
    kind = "" if "materialized" in config else "materialized='table', "
    built = _build(tmp_path, {"one": f"{{{{ config({kind}{config}) }}}} select 1 as id"})
    assert [node.status for node in built.nodes] == ["success"]
    assert created == []
    if left_behind is not None:
        assert f'"main"."{left_behind}"' in _content(tmp_path)


def test_contract_that_is_broken_still_fails(tmp_path: Path, created: list[str]) -> None:
    make_plain()
    columns = "[{name: id, data_type: varchar}]"
    document = f"models: [{{name: one, config: {{contract: {{enforced: true}}}}, columns: {columns}}}]"
    built = _build(tmp_path, {"one": TABLE + "select 1 as id"}, {"models/one.yml": document})
    assert created == []
    assert "contract" in built.broken[0].message


@pytest.mark.full
@pytest.mark.parametrize(
    "macro",
    [
        "{% macro create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none"
        ", sorted_by=none) %} create table {{ relation }} as select 42 as id {% endmacro %}",
        "{% materialization table, adapter='duckdb' %}{% call statement('main') %} create table {{ this }} as "
        "select 42 as id {% endcall %}{{ return({'relations': [this]}) }}{% endmaterialization %}",
        "{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none"
        ", sorted_by=none) %} create table {{ relation }} as select 42 as id {% endmacro %}",
    ],
)
def test_macros_of_the_project_are_used(tmp_path: Path, created: list[str], macro: str) -> None:
    _build(tmp_path / "dbt", {"one": TABLE + "select 1 as id"}, {"macros/own.sql": macro})
    make_plain()
    _build(tmp_path / "plain", {"one": TABLE + "select 1 as id"}, {"macros/own.sql": macro})
    assert created == []
    assert _content(tmp_path / "plain") == _content(tmp_path / "dbt")


@pytest.mark.full
def test_naming_macros_do_not_matter(tmp_path: Path, created: list[str]) -> None:
    make_plain()
    macro = "{% macro generate_schema_name(custom, node) %}mine{% endmacro %}"
    _build(tmp_path, {"one": TABLE + "select 1 as id"}, {"macros/own.sql": macro})
    assert created == ["one"]
    assert '"mine"."one"' in _content(tmp_path)


@pytest.mark.full
def test_materialisation_that_dbt_does_not_choose_is_not_used(tmp_path: Path, created: list[str]) -> None:
    macro = (
        "{% materialization table, default %}{% call statement('main') %} create table {{ this }} as "
        "select 42 as id {% endcall %}{{ return({'relations': [this]}) }}{% endmaterialization %}"
    )
    _build(tmp_path / "dbt", {"one": TABLE + "select 1 as id"}, {"macros/own.sql": macro})
    make_plain()
    _build(tmp_path / "plain", {"one": TABLE + "select 1 as id"}, {"macros/own.sql": macro})
    assert created == ["one"]
    assert _content(tmp_path / "plain") == _content(tmp_path / "dbt")
