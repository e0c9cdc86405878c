"""Unit tests and semantic models of a project whose columns are called, or given, differently."""

from __future__ import annotations

import pytest

from plugins.schema_drift.change import Kind, Restored, Supplied
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

BEFORE = table({"id": "bigint", "unit_price": "decimal(12,4)", "name": "varchar"})
AFTER = table({"id": "bigint", "price_gbp": "decimal(12,4)", "name": "varchar"})
PENCE = table({"id": "bigint", "price_pence": "bigint", "name": "varchar"})
MODELS = {MODEL: ["id", "unit_price", "name"]}

UNIT = """unit_tests:
  - name: t
    model: stg_lines
    given:
      - input: source('shop', 'order_lines')   # raw
        rows:
          - {id: 1, unit_price: 2.55, name: "no"}
          - {id: 2, unit_price: "0.5" , name: x}   # a text
          - id: 3
            unit_price: null
      - input: ref('other')
        rows: [{unit_price: 1}]
    expect:
      rows:
        - {id: 1, unit_price: 2.55}
"""
IN_PENCE = change(
    Kind.UNIT_CHANGED, ["unit_price"], ["price_pence"],
    restores=(Restored("unit_price", '"price_pence" / 100', ("price_pence",)),),
    supplies=(Supplied("price_pence", '"unit_price" * 100', ("unit_price",)),),
)  # fmt: skip


def test_given_rows_get_the_name_of_now_and_expected_rows_stay():
    patch = Built({"models/u.yml": UNIT}, (BEFORE,), (AFTER,), MODELS).patch(renamed("unit_price", "price_gbp"))
    assert only_lines(UNIT, after_of(patch, "models/u.yml")) == [
        '-           - {id: 1, unit_price: 2.55, name: "no"}',
        '-           - {id: 2, unit_price: "0.5" , name: x}   # a text',
        '+           - {id: 1, price_gbp: 2.55, name: "no"}',
        '+           - {id: 2, price_gbp: "0.5" , name: x}   # a text',
        "-             unit_price: null",
        "+             price_gbp: null",
    ]


def test_given_values_are_converted():
    patch = Built({"models/u.yml": UNIT}, (BEFORE,), (PENCE,), MODELS).patch(IN_PENCE)
    assert only_lines(UNIT, after_of(patch, "models/u.yml"))[2:] == [
        '+           - {id: 1, price_pence: 255, name: "no"}',
        '+           - {id: 2, price_pence: "50" , name: x}   # a text',
        "-             unit_price: null",
        "+             price_pence: null",
    ]


def test_rows_of_a_table_that_kept_the_column_stay():
    history = History(frozenset({"unit_price"}))
    after = table({"id": "bigint", "unit_price": "decimal(12,4)", "price_gbp": "decimal(12,4)", "name": "varchar"},
                  history)  # fmt: skip
    patch = Built({"models/u.yml": UNIT}, (BEFORE,), (after,), MODELS).patch(renamed("unit_price", "price_gbp"))
    assert patch.changes == ()


def test_expected_rows_of_a_renamed_model_and_rows_that_read_it():
    text = UNIT.replace("ref('other')", 'ref("stg_lines")')
    patch = Built({"models/u.yml": text}, (BEFORE,), (AFTER,), MODELS).patch(
        renamed("unit_price", "price_gbp"), interfaces={MODEL: Interface(renamed={"unit_price": "price_gbp"})}
    )
    assert "unit_price" not in after_of(patch, "models/u.yml")
    assert after_of(patch, "models/u.yml") == text.replace("unit_price", "price_gbp")


SPLIT = change(
    Kind.COLUMN_SPLIT, ["name"], ["first", "last"],
    supplies=(
        Supplied("first", "split_part(\"name\", ' ', 1)", ("name",)),
        Supplied("last", "split_part(\"name\", ' ', 2)", ("name",)),
    ),
)  # fmt: skip
SPLIT_AFTER = table({"id": "bigint", "unit_price": "decimal(12,4)", "first": "varchar", "last": "varchar"})


@pytest.mark.parametrize(("rows", "wanted"), [
    ("[{id: 1, name: Ada Lovelace, unit_price: 1}]", "[{id: 1, first: Ada, last: Lovelace, unit_price: 1}]"),
    ("[{name: 'No Yes'}]", '[{first: "No", last: "Yes"}]'),
    ("[{id: 1, unit_price: 1}]", None),
    (
        "\n          - id: 1\n            name: Ada L\n",
        "\n          - id: 1\n            first: Ada\n            last: L\n",
    ),
])  # fmt: skip
def test_split_values(rows: str, wanted: str | None):
    text = (
        "unit_tests:\n  - name: t\n    model: stg_lines\n    given:\n"
        f"      - input: source('shop','order_lines')\n        rows: {rows}\n"
    )
    patch = Built({"models/u.yml": text}, (BEFORE,), (SPLIT_AFTER,), MODELS).patch(SPLIT)
    if wanted is None:
        assert patch.changes == ()
    else:
        assert after_of(patch, "models/u.yml") == text.replace(rows, wanted)


SQL = """unit_tests:
  - name: t
    model: stg_lines
    given:
      - input: source('shop', 'order_lines')
        format: sql
        rows: |
          -- two rows
          select 1 as id, 2.55::decimal(8, 2) as unit_price, 'x' as name
          union all select 2 as id, null as unit_price, 'it''s' as name
"""


def test_rows_as_sql_are_converted():
    patch = Built({"models/u.yml": SQL}, (BEFORE,), (PENCE,), MODELS).patch(IN_PENCE)
    assert only_lines(SQL, after_of(patch, "models/u.yml"))[2:] == [
        "+           select 1 as id, 255::decimal(8, 2) as price_pence, 'x' as name",
        "+           union all select 2 as id, null as price_pence, 'it''s' as name",
    ]
    assert patch.questions == ()


@pytest.mark.parametrize(
    "value", ["1 + 1 as unit_price", "cast(2.55 as decimal(8, 2)) as unit_price", "unit_price"]
)
def test_rows_as_sql_that_are_no_literals_are_asked_about(value: str):
    text = SQL.replace("2.55::decimal(8, 2) as unit_price", value)
    patch = Built({"models/u.yml": text}, (BEFORE,), (PENCE,), MODELS).patch(IN_PENCE)
    assert [one.line for one in patch.questions] == [7]


CSV = """unit_tests:
  - name: t
    model: stg_lines
    given:
      - input: source('shop', 'order_lines')
        format: csv
        rows: |
          id,unit_price,name
          1,2.55,"a, b"
          2,,c
      - input: source('shop', 'order_lines')
        format: csv
        fixture: raw_lines
"""
FIXTURE = "id,unit_price,name\r\n1,2.55,x\r\n"


def test_rows_as_csv_here_and_in_fixtures():
    files = {"models/u.yml": CSV, "tests/fixtures/raw_lines.csv": FIXTURE}
    patch = Built(files, (BEFORE,), (PENCE,), MODELS).patch(IN_PENCE)
    assert only_lines(CSV, after_of(patch, "models/u.yml")) == [
        "-           id,unit_price,name",
        '-           1,2.55,"a, b"',
        "+           id,price_pence,name",
        '+           1,255,"a, b"',
    ]
    assert after_of(patch, "tests/fixtures/raw_lines.csv") == "id,price_pence,name\r\n1,255,x\r\n"


def test_rows_as_csv_of_a_split_column():
    files = {"models/u.yml": CSV.replace("2,,c", "2,,c d"), "tests/fixtures/raw_lines.csv": FIXTURE}
    patch = Built(files, (BEFORE,), (SPLIT_AFTER,), MODELS).patch(SPLIT)
    assert [line for line in only_lines(CSV, after_of(patch, "models/u.yml")) if line[0] == "+"] == [
        "+           id,unit_price,first,last",
        '+           1,2.55,"a,",b',
        "+           2,,c,d",
    ]


def test_a_semantic_model_keeps_its_names():
    text = """semantic_models:
  - name: lines
    model: ref('stg_lines')
    defaults: {agg_time_dimension: sold_at}
    entities:
      - {name: name, type: foreign}
    dimensions:
      - name: unit_price
        type: categorical
    measures:
      - name: turnover
        agg: sum
        expr: unit_price * case when name = 'unit_price' then 1 end
metrics:
  - name: m
    type: simple
    type_params: {measure: turnover}
    filter: "{{ Dimension('lines__unit_price') }} > 1"
  - name: raw
    type: simple
    type_params: {measure: turnover}
    filter: unit_price > 0
exposures:
  - name: e
    description: Shows `unit_price` by day.
    depends_on: [ref('stg_lines')]
"""
    patch = Built({"models/m.yml": text}, (BEFORE,), (AFTER,), MODELS).patch(
        interfaces={MODEL: Interface(renamed={"unit_price": "price_gbp", "name": "first name"})}
    )
    assert only_lines(text, after_of(patch, "models/m.yml")) == [
        "-       - {name: name, type: foreign}",
        '+       - {name: name, type: foreign, expr: "\\"first name\\""}',
        "+         expr: price_gbp",
        "-         expr: unit_price * case when name = 'unit_price' then 1 end",
        "+         expr: price_gbp * case when \"first name\" = 'unit_price' then 1 end",
        "-     description: Shows `unit_price` by day.",
        "+     description: Shows `price_gbp` by day.",
    ]
    assert [(one.line, one.is_minor) for one in patch.questions] == [(22, False)]
