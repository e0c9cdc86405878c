"""dbt sources whose columns are called differently."""

from __future__ import annotations

import pytest

from plugins.schema_drift.change import Kind
from plugins.schema_drift.table import History
from tests.schema_drift.patching.documents.conftest import (
    SOURCE,
    Built,
    after_of,
    change,
    only_lines,
    renamed,
    table,
)

BEFORE = table({"id": "bigint", "unit_price": "decimal(12,4)", "status": "varchar"})
AFTER = table({"id": "bigint", "price_gbp": "decimal(12,4)", "status": "varchar"})

BLOCK = """# Sources of the shop.
version: 2

sources:
  - name: shop   # the web shop
    tables:
      - name: orders
        columns:
          - name: unit_price
            description: Of an order; another table.
      - name: order_lines
        description: Lines; `unit_price` is in pounds.
        loaded_at_field: "unit_price"
        columns:
          - name: id
            tests: [unique, not_null]
          # what one piece costs
          - name: 'unit_price'  # in pounds
            description: Price of one unit.
            data_type: decimal(12, 4)
            data_tests:
              - not_null
              - dbt_utils.expression_is_true:
                  arguments:
                    expression: ">= 0"
          - name: status
        data_tests:
          - dbt_utils.expression_is_true:
              expression: "unit_price > 0 and status <> 'unit_price' and coalesce(order_lines.unit_price, 0) < 10"
          - dbt_utils.unique_combination_of_columns:
              arguments: {combination_of_columns: [id, unit_price]}
"""


def test_a_renamed_column_is_renamed_wherever_it_is_meant():
    patch = Built({"models/sources.yml": BLOCK}, (BEFORE,), (AFTER,)).patch(renamed("unit_price", "price_gbp"))
    assert only_lines(BLOCK, after_of(patch, "models/sources.yml")) == [
        "-         description: Lines; `unit_price` is in pounds.",
        '-         loaded_at_field: "unit_price"',
        "+         description: Lines; `price_gbp` is in pounds.",
        '+         loaded_at_field: "price_gbp"',
        "-           - name: 'unit_price'  # in pounds",
        "+           - name: 'price_gbp'  # in pounds",
        "-               expression: \"unit_price > 0 and status <> 'unit_price' and "
        'coalesce(order_lines.unit_price, 0) < 10"',
        "+               expression: \"price_gbp > 0 and status <> 'unit_price' and "
        'coalesce(order_lines.price_gbp, 0) < 10"',
        "-               arguments: {combination_of_columns: [id, unit_price]}",
        "+               arguments: {combination_of_columns: [id, price_gbp]}",
    ]
    assert patch.questions == ()


def test_flow_style_and_a_name_that_needs_quotes():
    text = "sources: [{name: shop, tables: [{name: order_lines, columns: [{name: unit_price}, {name: id}]}]}]\n"
    after = table({"id": "bigint", "no: yes": "decimal(12,4)", "status": "varchar"})
    patch = Built({"models/s.yml": text}, (BEFORE,), (after,)).patch(renamed("unit_price", "no: yes"))
    assert after_of(patch, "models/s.yml") == text.replace("unit_price", '"no: yes"')


def test_a_name_with_jinja_is_never_written():
    text = "sources: [{name: shop, tables: [{name: order_lines, columns: [{name: unit_price}]}]}]\n"
    hostile = "{{ env_var('SECRET') }}"
    after = table({"id": "bigint", hostile: "decimal(12,4)", "status": "varchar"})
    patch = Built({"models/s.yml": text}, (BEFORE,), (after,)).patch(renamed("unit_price", hostile))
    assert patch.changes == ()
    assert [(one.path, one.line) for one in patch.questions] == [("models/s.yml", 1)]


KEPT = """          # what one piece costs
          - name: 'unit_price'  # in pounds
            description: Price of one unit. Filled until 2024-11-20 14:24 UTC; `price_gbp` since.
            data_type: decimal(12, 4)
            data_tests:
              - not_null:
                  config:
                    where: not (_smelt_batch_id >= '01JD4ZB2V0000000000000000A')
              - dbt_utils.expression_is_true:
                  arguments:
                    expression: ">= 0"
          - name: price_gbp
            description: Price of one unit.
            data_type: decimal(12, 4)
            data_tests:
              - not_null:
                  config:
                    where: _smelt_batch_id >= '01JD4ZB2V0000000000000000A'
              - dbt_utils.expression_is_true:
                  arguments:
                    expression: ">= 0"
          - name: status
"""


def test_a_kept_column_says_until_when_it_was_filled():
    history = History(frozenset({"unit_price"}), "_smelt_batch_id >= '01JD4ZB2V0000000000000000A'")
    price = "decimal(12,4)"
    after = table({"id": "bigint", "unit_price": price, "price_gbp": price, "status": "varchar"}, history)
    patch = Built({"models/sources.yml": BLOCK}, (BEFORE,), (after,)).patch(renamed("unit_price", "price_gbp"))
    assert KEPT in after_of(patch, "models/sources.yml")
    assert 'loaded_at_field: "price_gbp"' in after_of(patch, "models/sources.yml")
    assert {one.line for one in patch.questions} >= {29, 31}


def test_added_removed_split_and_retyped_columns():
    before = table({"id": "bigint", "name": "varchar", "qty": "integer", "old": "varchar"})
    after = table({"id": "bigint", "first": "varchar", "last": "varchar", "qty": "bigint", "email": "varchar"})
    text = """sources:
- name: shop
  tables:
  - name: order_lines
    columns:
    - name: id
      description: Number.
      data_type: BIGINT
    - name: name
      description: Who.
      data_type: VARCHAR

    - name: qty
      data_type: INTEGER
    - name: old
      data_type: VARCHAR
"""
    patch = Built({"models/s.yml": text}, (before,), (after,)).patch(
        change(Kind.COLUMN_SPLIT, ["name"], ["first", "last"]),
        change(Kind.TYPE_WIDENED, ["qty"], ["qty"]),
        change(Kind.COLUMN_REMOVED, ["old"], []),
        change(Kind.COLUMN_ADDED, [], ["email"]),
    )
    assert (
        after_of(patch, "models/s.yml")
        == """sources:
- name: shop
  tables:
  - name: order_lines
    columns:
    - name: id
      description: Number.
      data_type: BIGINT
    - name: first
      description: First, a part of what was `name` (Who).
      data_type: VARCHAR
    - name: last
      description: Last, a part of what was `name` (Who).
      data_type: VARCHAR

    - name: qty
      data_type: BIGINT
    - name: email
      description: Email, as the source has it.
      data_type: VARCHAR
"""
    )


HEAD = "sources:\n  - name: shop\n    tables:\n      - name: order_lines\n"
JINJA = """        data_tests:
          - foo: {select: "{{ var('unit_price') }}", expression: "{{ var('unit_price') }} > 0"}
"""


@pytest.mark.parametrize(("text", "line"), [
    (HEAD + "        columns: &c\n          - name: unit_price\n      - name: orders\n        columns: *c\n", 6),
    (HEAD + "        columns:\n          - {name: unit_price\n", 0),
    (HEAD + JINJA, 6),
    (HEAD + "        data_tests:\n          - foo: {expression: other.unit_price > 0}\n", 6),
])  # fmt: skip
def test_what_is_not_sure_is_asked(text: str, line: int):
    patch = Built({"models/s.yml": text}, (BEFORE,), (AFTER,)).patch(renamed("unit_price", "price_gbp"))
    assert patch.changes == ()
    assert [(one.path, one.line) for one in patch.questions] == [("models/s.yml", line)]


def test_a_renamed_table_keeps_its_name_in_dbt():
    text = "sources:\n  - name: shop\n    tables:\n      - name: order_lines\n        description: Lines.\n"
    after = table(
        {"id": "bigint", "unit_price": "decimal(12,4)", "status": "varchar"}, id="source.p.shop.lines_v2"
    )
    patch = Built({"models/s.yml": text}, (BEFORE,), (after,)).patch(
        change(Kind.TABLE_RENAMED, ["shop.order_lines"], ["shop.lines_v2"])
    )
    assert only_lines(text, after_of(patch, "models/s.yml")) == ["+         identifier: lines_v2"]
    assert SOURCE not in patch.unpatched


def test_a_time_of_loading_that_all_tables_share():
    text = """sources:
  - name: shop
    config:
      loaded_at_field: status
    tables:
      - name: orders
      - name: order_lines
        columns:
          - name: id
"""
    after = table({"id": "bigint", "unit_price": "decimal(12,4)", "state": "varchar"})
    patch = Built({"models/s.yml": text}, (BEFORE,), (after,)).patch(renamed("status", "state"))
    assert only_lines(text, after_of(patch, "models/s.yml")) == [
        "+         config:",
        "+           loaded_at_field: state",
    ]


def test_comments_that_speak_of_what_is_gone_are_asked_about():
    text = """sources:
  - name: shop
    tables:
      - name: order_lines
        description: "no comment # unit_price"
        columns:
          # unit_price was net until 2019
          - name: unit_price  # `unit_price` is in pounds
          - name: id  # not unit_prices
"""
    patch = Built({"models/s.yml": text}, (BEFORE,), (AFTER,)).patch(renamed("unit_price", "price_gbp"))
    assert after_of(patch, "models/s.yml") == text.replace("- name: unit_price", "- name: price_gbp")
    assert [(one.line, one.is_minor) for one in patch.questions] == [(7, True), (8, True), (5, True)]


def test_a_table_that_is_gone_and_a_project_wide_configuration():
    project = "name: p\nmodels:\n  +unique_key: [id, unit_price]\n"
    text = "sources:\n  - name: shop\n    tables:\n      - name: order_lines\n"
    built = Built({"models/s.yml": text, "dbt_project.yml": project}, (BEFORE,), (AFTER,), {"model.p.stg": ["id"]})
    patch = built.patch(renamed("unit_price", "price_gbp"), change(Kind.TABLE_REMOVED, ["shop.order_lines"], []))
    assert patch.changes == ()
    assert [(one.path, one.line) for one in patch.questions] == [("dbt_project.yml", 3), ("models/s.yml", 4)]
    assert "`stg` read it" in patch.questions[1].text


def test_a_chain_of_names_and_names_that_were_swapped():
    text = """sources:
  - name: shop
    tables:
      - name: order_lines
        columns:
          - name: a
            description: Was first.
          - {name: b, description: Was second.}
          - name: c
"""
    before = table({"a": "bigint", "b": "bigint", "c": "bigint"})
    chained = Built({"models/s.yml": text}, (before,), (table({"b": "bigint", "c": "bigint", "d": "bigint"}),))
    patch = chained.patch(renamed("a", "b"), renamed("b", "c"), renamed("c", "d"))
    wanted = text.replace("name: c", "name: d").replace("name: b", "name: c").replace("name: a", "name: b")
    assert after_of(patch, "models/s.yml") == wanted
    swapped = Built({"models/s.yml": text}, (before,), (before,)).patch(renamed("a", "b"), renamed("b", "a"))
    assert after_of(swapped, "models/s.yml") == (
        text.replace("name: b", "name: x").replace("name: a", "name: b").replace("name: x", "name: a")
    )


def test_names_that_differ_in_case_only():
    text = (
        "sources: [{name: shop, tables: [{name: order_lines, columns: [{name: Id}, {name: id}, {name: ID}]}]}]\n"
    )
    before = table({"Id": "bigint", "id": "bigint"})
    patch = Built({"models/s.yml": text}, (before,), (table({"Id": "bigint", "key": "bigint"}),)).patch(
        renamed("id", "key")
    )
    assert after_of(patch, "models/s.yml") == text.replace("{name: id}", "{name: key}")
