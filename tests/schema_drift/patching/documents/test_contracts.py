"""Soda contracts, and Smelt's own documents of a source."""

from __future__ import annotations

import pytest

from plugins.schema_drift.change import Kind
from plugins.schema_drift.patching.patch import Interface
from plugins.schema_drift.table import History
from tests.schema_drift.patching.documents.conftest import (
    MODEL,
    Built,
    after_of,
    change,
    only_lines,
    renamed,
    table,
)

BEFORE = table({"order_id": "bigint", "unit_price": "decimal(12,4)", "placed": "timestamp", "name": "varchar"})
AFTER = table({"order_id": "bigint", "price_gbp": "decimal(12,4)", "placed_at": "timestamp", "name": "varchar"})
MODELS = {MODEL: ["order_id", "unit_price", "name"]}

CONTRACT = """dataset: lake/silver/stg_lines
description: Lines.

checks:
  - schema:
  - duplicate:
      columns: [order_id, unit_price]
  - failed_rows:
      expression: unit_price <= 0 or name = 'unit_price'
  - failed_rows:
      query: |
        select * from silver.stg_lines
        where stg_lines.unit_price < 0   -- never
  - failed_rows:
      query: select * from a join b using (unit_price)

columns:
  - name: order_id
    data_type: bigint
  - name: "unit_price"   # pounds
    data_type: decimal
    numeric_precision: 12
    numeric_scale: 4
    checks:
      - missing:
      - invalid:
          valid_min: 0
          filter: unit_price is not null
  - name: _smelt_batch_id
    data_type: varchar
"""


def test_a_contract_follows_a_renamed_and_an_added_column():
    interface = Interface(renamed={"unit_price": "price_gbp"}, added={"tax": "decimal(6,3)"})
    patch = Built({"contracts/silver/stg_lines.yml": CONTRACT}, (BEFORE,), (AFTER,), MODELS).patch(
        interfaces={MODEL: interface}
    )
    assert only_lines(CONTRACT, after_of(patch, "contracts/silver/stg_lines.yml")) == [
        "-       columns: [order_id, unit_price]",
        "+       columns: [order_id, price_gbp]",
        "-       expression: unit_price <= 0 or name = 'unit_price'",
        "+       expression: price_gbp <= 0 or name = 'unit_price'",
        "-         where stg_lines.unit_price < 0   -- never",
        "+         where stg_lines.price_gbp < 0   -- never",
        '-   - name: "unit_price"   # pounds',
        '+   - name: "price_gbp"   # pounds',
        "-           filter: unit_price is not null",
        "+           filter: price_gbp is not null",
        "+   - name: tax",
        "+     data_type: decimal",
        "+     numeric_precision: 6",
        "+     numeric_scale: 3",
    ]
    assert [one.line for one in patch.questions] == [15]


def test_a_contract_follows_a_wider_type_and_a_column_that_is_gone():
    interface = Interface(retyped={"unit_price": "decimal(18, 6)"}, removed=frozenset({"order_id"}))
    patch = Built({"contracts/silver/stg_lines.yml": CONTRACT}, (BEFORE,), (AFTER,), MODELS).patch(
        interfaces={MODEL: interface}
    )
    assert only_lines(CONTRACT, after_of(patch, "contracts/silver/stg_lines.yml")) == [
        "-   - name: order_id",
        "-     data_type: bigint",
        "-     numeric_precision: 12",
        "-     numeric_scale: 4",
        "+     numeric_precision: 18",
        "+     numeric_scale: 6",
    ]
    assert [one.line for one in patch.questions] == [7]


def test_a_check_of_another_dataset_that_points_here():
    text = """dataset: lake/silver/other
columns:
  - name: unit_price
    checks:
      - invalid:
          valid_reference_data: {dataset: lake/silver/stg_lines, column: unit_price}
"""
    patch = Built({"contracts/o.yml": text}, (BEFORE,), (AFTER,), MODELS).patch(
        interfaces={MODEL: Interface(renamed={"unit_price": "price_gbp"})}
    )
    assert only_lines(text, after_of(patch, "contracts/o.yml"))[1:] == [
        "+           valid_reference_data: {dataset: lake/silver/stg_lines, column: price_gbp}"
    ]


SPEC = """kind: postgres   # the shop's own
streams:
  - name: orders
    primary_key: [order_id]
    cursor: {column: placed}
  - name: order_lines
    table: shop.order_lines
    primary_key: [order_id, "unit_price"]
    cursor: {column: placed, lag: P1D}
    files: {glob: x, columns: [order_id, unit_price, placed, name]}
    pii: [name]
"""
SPLIT_AFTER = table(
    {
        "order_id": "bigint",
        "price_gbp": "decimal(12,4)",
        "placed_at": "timestamp",
        "first": "varchar",
        "last": "varchar",
    }
)


@pytest.mark.parametrize("history", [None, History(frozenset({"unit_price", "placed", "name"}))])
def test_a_spec_names_the_source_as_it_is(history: History | None):
    after = table({c.name: c.type for c in SPLIT_AFTER.columns}, history)
    patch = Built({"sources/shop/source.yml": SPEC}, (BEFORE,), (after,)).patch(
        renamed("unit_price", "price_gbp"),
        renamed("placed", "placed_at"),
        change(Kind.COLUMN_SPLIT, ["name"], ["first", "last"]),
        change(Kind.TABLE_RENAMED, ["shop.order_lines"], ["shop.lines"]),
    )
    assert [line for line in only_lines(SPEC, after_of(patch, "sources/shop/source.yml")) if line[0] == "+"] == [
        "+     table: shop.lines",
        '+     primary_key: [order_id, "price_gbp"]',
        "+     cursor: {column: placed_at, lag: P1D}",
        "+     files: {glob: x, columns: [order_id, price_gbp, placed_at, first, last]}",
        "+     pii: [first, last]",
    ]
    assert patch.questions == ()


CONNECTOR = """type: DeclarativeSource
definitions:
  lines_schema:
    type: object
    required: [order_id, unit_price]
    properties:
      order_id: {type: integer}
      unit_price: {type: number}   # pounds
      name: {type: string}
streams:
  - type: DeclarativeStream
    name: order_lines
    primary_key: [[order_id], [unit_price]]
    retriever:
      record_selector:
        record_filter: {condition: "{{ record.unit_price > 0 }}"}
        extractor: {type: DpathExtractor, field_path: [data, name]}
    incremental_sync: {type: DatetimeBasedCursor, cursor_field: placed}
    schema_loader:
      type: InlineSchemaLoader
      schema: {$ref: "#/definitions/lines_schema"}
"""


def test_a_connector_names_the_fields_of_now():
    files = {"sources/shop/source.yml": SPEC, "sources/shop/connector.yml": CONNECTOR}
    patch = Built(files, (BEFORE,), (SPLIT_AFTER,)).patch(
        renamed("unit_price", "price_gbp"),
        renamed("placed", "placed_at"),
        change(Kind.COLUMN_SPLIT, ["name"], ["first", "last"]),
    )
    assert only_lines(CONNECTOR, after_of(patch, "sources/shop/connector.yml")) == [
        "-     required: [order_id, unit_price]",
        "+     required: [order_id, price_gbp]",
        "-       unit_price: {type: number}   # pounds",
        "-       name: {type: string}",
        "+       price_gbp: {type: number}   # pounds",
        "+       first: {type: string}",
        "+       last: {type: string}",
        "-     primary_key: [[order_id], [unit_price]]",
        "+     primary_key: [[order_id], [price_gbp]]",
        "-     incremental_sync: {type: DatetimeBasedCursor, cursor_field: placed}",
        "+     incremental_sync: {type: DatetimeBasedCursor, cursor_field: placed_at}",
    ]
    assert [(one.path, one.line) for one in patch.questions] == [
        ("sources/shop/connector.yml", 16),
        ("sources/shop/connector.yml", 17),
    ]


def test_a_mapping_keeps_its_reviewer():
    text = """streams:
  - stream: orders
    columns:
      - {column: unit_price, maps_to: price}
  - stream: order_lines
    reviewer: ada
    columns:
      - column: unit_price     # approved
        maps_to: unit_price
        confidence: 0.98
        reviewer: ada
"""
    files = {"sources/shop/source.yml": SPEC, "sources/shop/mapping.yml": text}
    patch = Built(files, (BEFORE,), (AFTER,)).patch(renamed("unit_price", "price_gbp"))
    assert only_lines(text, after_of(patch, "sources/shop/mapping.yml")) == [
        "-       - column: unit_price     # approved",
        "+       - column: price_gbp     # approved",
    ]
