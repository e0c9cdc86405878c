"""A table that fell into parts, which a base model puts together again."""

from __future__ import annotations

from dataclasses import replace

from drifted import SOURCE, columns, project, table

from plugins.schema_drift.change import Change, Drift, Kind, Severity
from plugins.schema_drift.patching import Mode, Patch, make_patch
from plugins.schema_drift.table import Table

DECLARED = """sources:
  - name: shop
    schema: raw
    tables:
      # orders of all years
      - name: orders   # one row each
        columns:
          - name: id
            data_tests: [unique]
      - name: others
"""
FILES = {
    "models/sources.yml": DECLARED,
    "models/stg_orders.sql": "select id, amount\nfrom {{ source('shop', 'orders') }} as o\nwhere amount > 0\n",
    "models/raw_orders.sql": 'select {{ dbt_utils.star(source("shop", "orders")) }} from raw.orders\n',
    "models/py_orders.py": 'def model(dbt, session):\n    return dbt.source("shop", "orders").df()\n',
    "models/others.sql": "select * from {{ ref('labels') }}\n",
    "snapshots/orders.yml": "snapshots:\n  - name: orders_snapshot\n    relation: source('shop', 'orders')\n",
}


def _part(name: str, listed: str) -> Table:
    return Table(f"raw.{name}", f"raw.{name}", ("raw", name), columns(listed))


def _patch(
    *parts: Table, files: dict[str, str] | None = None, is_merge: bool = False
) -> tuple[dict[str, str], Patch]:
    before = table("id, amount:int")
    given = FILES if files is None else files
    known = project(given, before, before)
    document = known.manifest.document
    document["sources"][SOURCE]["original_file_path"] = "models/sources.yml"
    manifest = type(known.manifest)(document)
    split = Change(
        Kind.TABLE_SPLIT, SOURCE, (before.name,), tuple(one.name for one in parts), 0.99, Severity.BREAKING,
        detail={"is_merge": is_merge, "before_ids": [SOURCE], "after_ids": [one.id for one in parts]},
    )  # fmt: skip
    made = make_patch(replace(known, manifest=manifest, after=parts), Drift((split,)), Mode.ABSORB)
    return {one.path: one.after or "" for one in made.changes}, made


def test_everything_reads_the_parts_together() -> None:
    files, made = _patch(_part("orders_2024", "id, amount:int"), _part("orders_2025", "id, amount:int"))
    assert files["models/base_shop__orders.sql"] == (
        "{{ config(materialized='view') }}\n\n"
        "select * from {{ source('shop', 'orders_2024') }}\n\nunion all\n\n"
        "select * from {{ source('shop', 'orders_2025') }}\n"
    )
    entry = "# one row each\n        columns:\n          - name: id\n            data_tests: [unique]\n"
    assert files["models/sources.yml"] == DECLARED.replace(
        f"- name: orders   {entry}", f"- name: orders_2024   {entry}      - name: orders_2025   {entry}"
    )
    assert "from {{ ref('base_shop__orders') }} as o" in files["models/stg_orders.sql"]
    assert 'star(ref("base_shop__orders"))' in files["models/raw_orders.sql"]
    assert 'dbt.ref("base_shop__orders").df()' in files["models/py_orders.py"]
    assert "relation: ref('base_shop__orders')" in files["snapshots/orders.yml"]
    assert "models/others.sql" not in files
    [asked] = made.questions
    assert (asked.path, asked.line) == ("models/raw_orders.sql", 1)
    assert "by its name in the warehouse" in asked.text


def test_parts_with_columns_in_another_order_are_put_together_by_name() -> None:
    files, _ = _patch(_part("orders_a", "id, amount:int"), _part("orders_b", "amount:int, id, more"))
    assert files["models/base_shop__orders.sql"].count("select\n    id,\n    amount\nfrom") == 2


def test_a_table_that_keeps_some_rows_stays_declared() -> None:
    files, _ = _patch(table("id, amount:int"), _part("orders_old", "id, amount:int"))
    assert files["models/sources.yml"].count("- name: orders   #") == 1
    assert files["models/sources.yml"].count("- name: orders_old   #") == 1
    base = files["models/base_shop__orders.sql"]
    assert "source('shop', 'orders')" in base
    assert "source('shop', 'orders_old')" in base


def test_parts_that_lack_a_column_are_asked_about() -> None:
    files, made = _patch(_part("orders_a", "id, amount:int"), _part("orders_b", "id"))
    assert files == {}
    assert any("models/stg_orders.sql" in str(one) for one in made.questions)
    assert SOURCE in made.unpatched


def test_tables_that_became_one_are_asked_about() -> None:
    files, made = _patch(_part("all_orders", "id, amount:int"), is_merge=True)
    assert files == {}
    assert made.questions
