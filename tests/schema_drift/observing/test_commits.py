"""What a commit declares, or holds a snapshot of, beside the warehouse now."""

from __future__ import annotations

import subprocess

import pytest
from observed_warehouse import Warehouse, names, rows, side

from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings
from plugins.schema_drift.drifting import check
from plugins.schema_drift.table import Column

_DECLARED = """
sources:
- name: raw
  tables:
  - name: orders
    columns:
    - {name: id, data_type: int, data_tests: [unique], constraints: [{type: not_null}]}
    - {name: amount, data_type: "decimal(8, 2)"}
    - {name: note, data_tests: [not_null]}
  - name: lines
    columns: [{name: order_id}, {name: line_no}]
    data_tests: [{dbt_utils.unique_combination_of_columns: {combination_of_columns: [order_id, line_no]}}]
  - name: bare
"""


def _git(warehouse: Warehouse, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(command, cwd=warehouse.folder, check=True, capture_output=True, text=True).stdout.strip()


def _commit(warehouse: Warehouse, *paths: str) -> str:
    _git(warehouse, "add", "-f", *paths)
    _git(warehouse, "commit", "-qm", "work")
    return _git(warehouse, "rev-parse", "HEAD")


@pytest.fixture
def committed(warehouse: Warehouse) -> Warehouse:
    """A project in a repository, whose sources are as declared."""
    warehouse.write("models/sources.yml", _DECLARED.replace("    data_tests: [{dbt_utils", "    # [{dbt_utils"))
    warehouse.sql(
        "create table raw.orders (id int, amount decimal(8, 2), note varchar)",
        "insert into raw.orders values (1, 2.5, 'a')",
        "create table raw.lines (order_id int, line_no int)",
        "create table raw.bare (id int)",
    )
    _git(warehouse, "init", "-q", "-b", "main")
    return warehouse


def test_columns_as_a_commit_declared_them(committed: Warehouse) -> None:
    now = (committed.folder / "models/sources.yml").read_text()
    committed.write("models/sources.yml", _DECLARED)
    _commit(committed, "models", "dbt_project.yml")
    _git(committed, "tag", "before")
    committed.write("models/sources.yml", now)
    committed.sql(
        "alter table raw.orders rename amount to price", "alter table raw.orders alter note type int using 1"
    )
    with committed.pair("before") as pair:
        before, after = side(pair.before, "raw.orders"), side(pair.after, "raw.orders")
        assert before.rows is None
        assert before.table.columns == (
            Column("id", "integer", False),
            Column("amount", "decimal(8, 2)"),
            Column("note", "integer"),
        )
        assert before.table.key == ("id",)
        assert names(after) == ["id", "price", "note"]
        assert len(rows(pair, after)) == 1
        assert side(pair.before, "raw.lines").table.key == ("order_id", "line_no")
        assert [one.table.name for one in pair.after] == ["raw.lines", "raw.orders"]
        assert any("raw.bare: that commit lists no columns" in note for note in pair.notes)
        assert any("no rows" in note for note in pair.notes)


@pytest.mark.parametrize(("config", "is_told"), [("", False), (", config: {contract: {enforced: true}}", True)])
def test_columns_that_nobody_listed_are_new_only_where_the_list_was_whole(
    warehouse: Warehouse, config: str, is_told: bool
) -> None:
    warehouse.sources(f"{{name: orders, columns: [{{name: id}}, {{name: amount}}]{config}}}")
    warehouse.sql("create table raw.orders (id int, amount int, note varchar)")
    _git(warehouse, "init", "-q", "-b", "main")
    _commit(warehouse, "models", "dbt_project.yml")
    found = check(warehouse.project, load_settings(warehouse.folder), before="HEAD")
    assert [(str(one.kind), one.after) for one in found.drift.changes] == [("column_added", ("note",))] * is_told
    assert any("note may have been there before" in note for note in found.notes) is not is_told


def test_a_snapshot_that_was_committed_is_compared_with(committed: Warehouse) -> None:
    committed.write("smelt.toml", '[drift]\nsnapshot = "drift/sources.duckdb"\n')
    committed.snapshot()
    commit = _commit(committed, "drift", "models", "smelt.toml")
    committed.sql("alter table raw.orders rename amount to price")
    committed.snapshot()
    with committed.pair(commit[:12]) as pair:
        assert names(side(pair.before, "raw.orders")) == ["id", "amount", "note"]
        assert len(rows(pair, side(pair.before, "raw.orders"))) == 1
    with committed.pair() as pair:
        assert names(side(pair.before, "raw.orders")) == ["id", "price", "note"]


def test_what_is_neither_a_file_nor_a_commit(committed: Warehouse) -> None:
    _commit(committed, "models")
    for name in ("nothing", "--all", "2024-01-01", "a" * 26):
        with pytest.raises(SmeltError, match="nothing to compare") as error, committed.pair(name):
            pass
        assert error.value.hint == "give a snapshot's file, a branch, tag or commit"
