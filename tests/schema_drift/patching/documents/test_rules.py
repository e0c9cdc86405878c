"""Rules about values, keys and nulls; and what documentation says in words."""

from __future__ import annotations

import pytest

from plugins.schema_drift.change import Kind, Restored, Supplied
from plugins.schema_drift.patching.patch import Interface
from tests.schema_drift.patching.documents.conftest import (
    MODEL,
    SOURCE,
    Built,
    after_of,
    change,
    only_lines,
    renamed,
    table,
)

TABLE = table({"id": "bigint", "status": "varchar", "line": "bigint"})
MODELS = {MODEL: ["id", "status"], "model.p.fct": ["id", "state"]}
IDENTITY = [(SOURCE, "status", MODEL, "status"), (MODEL, "status", "model.p.fct", "state")]
SOURCES = """sources:
  - name: shop
    tables:
      - name: order_lines
        data_tests:
          - unique_combination: {arguments: {columns: [id]}}
        columns:
          - name: id
            data_tests: [unique, not_null]
          - name: status
            data_tests:
              - accepted_values:
                  arguments:
                    values: ['open', 'paid']   # all of them
              - not_null
"""
FCT = """models:
  - name: fct
    columns:
      - name: state
        tests:
          - accepted_values: {values: [open, paid]}
          - not_null
"""
CONTRACT = """dataset: lake/silver/stg_lines
columns:
  - name: status
    checks:
      - missing:
      - invalid:
          valid_values:
            - open
            - paid
"""
FILES = {"models/s.yml": SOURCES, "models/fct.yml": FCT, "contracts/silver/stg_lines.yml": CONTRACT}


def _built() -> Built:
    return Built(FILES, (TABLE,), (TABLE,), MODELS, identity=IDENTITY)


def test_a_new_value_is_proposed_wherever_it_comes_and_asked_about_downstream():
    patch = _built().patch(
        change(Kind.VALUES_ADDED, ["status"], ["status"], detail={"added_values": ["refunded", "no"]})
    )
    assert only_lines(SOURCES, after_of(patch, "models/s.yml"))[1:] == [
        "+                     values: ['open', 'paid', \"refunded\", \"no\"]   # all of them"
    ]
    assert only_lines(FCT, after_of(patch, "models/fct.yml"))[1:] == [
        '+           - accepted_values: {values: [open, paid, refunded, "no"]}'
    ]
    assert only_lines(CONTRACT, after_of(patch, "contracts/silver/stg_lines.yml")) == [
        "+             - refunded",
        '+             - "no"',
    ]
    assert {(one.path, one.line) for one in patch.questions} == {
        ("models/fct.yml", 6),
        ("contracts/silver/stg_lines.yml", 8),
    }


def test_renamed_values_are_the_sources_alone():
    patch = _built().patch(
        change(Kind.VALUES_RENAMED, ["status"], ["status"], detail={"values": {"paid": "PAID", "open": "open"}})
    )
    assert [one.path for one in patch.changes] == ["models/s.yml"]
    assert only_lines(SOURCES, after_of(patch, "models/s.yml"))[1:] == [
        "+                     values: ['open', 'PAID']   # all of them"
    ]


def test_values_that_changed_places_stay_listed():
    """Both are values of the column still."""
    swapped = change(
        Kind.VALUES_RENAMED, ["status"], ["status"], detail={"values": {"open": "paid", "paid": "open"}}
    )
    assert _built().patch(swapped).changes == ()
    merged = change(
        Kind.VALUES_RENAMED, ["status"], ["status"], detail={"values": {"open": "paid", "paid": "done"}}
    )
    assert only_lines(SOURCES, after_of(_built().patch(merged), "models/s.yml"))[1:] == [
        "+                     values: ['done', 'paid']   # all of them"
    ]


def test_values_are_listed_as_the_source_writes_them_now():
    upper = change(
        Kind.FORMAT_CHANGED, ["status"], ["status"],
        restores=(Restored("status", "lower(status)", ("status",)),),
        supplies=(Supplied("status", 'upper("status")', ("status",)),),
    )  # fmt: skip
    patch = _built().patch(upper)
    assert only_lines(SOURCES, after_of(patch, "models/s.yml"))[1:] == [
        "+                     values: ['OPEN', 'PAID']   # all of them"
    ]
    assert [one.path for one in patch.changes] == ["models/s.yml"]
    unknown = change(Kind.FORMAT_CHANGED, ["status"], ["status"])
    asked = _built().patch(unknown)
    assert asked.changes == ()
    assert {(one.path, one.line) for one in asked.questions} == {("models/s.yml", 14)}


def test_a_tested_column_whose_name_needs_quotes_is_quoted():
    after = table({"id": "bigint", "Order State": "varchar", "line": "bigint"})
    patch = Built(FILES, (TABLE,), (after,), MODELS).patch(renamed("status", "Order State"))
    assert only_lines(SOURCES, after_of(patch, "models/s.yml"))[1:] == [
        "+           - name: Order State",
        "+             quote: true",
    ]


def test_values_with_jinja_are_not_written():
    patch = _built().patch(
        change(Kind.VALUES_ADDED, ["status"], ["status"], detail={"added_values": ["{{ env_var('X') }}"]})
    )
    assert patch.changes == ()
    assert len(patch.questions) == 3


def test_nulls_are_asked_about_wherever_they_were_refused():
    patch = _built().patch(
        change(Kind.NULLABILITY_CHANGED, ["status"], ["status"], detail={"nullable_after": True})
    )
    assert patch.changes == ()
    assert {(one.path, one.line) for one in patch.questions} == {
        ("models/s.yml", 15),
        ("models/fct.yml", 7),
        ("contracts/silver/stg_lines.yml", 5),
    }


def test_a_changed_key():
    spec = "streams:\n  - name: order_lines\n    primary_key: [id]  # one\n"
    built = Built({**FILES, "sources/shop/source.yml": spec}, (TABLE,), (TABLE,), MODELS)
    patch = built.patch(
        change(
            Kind.KEY_CHANGED, ["id"], ["id", "line"], detail={"key_before": ["id"], "key_after": ["id", "line"]}
        )
    )
    assert after_of(patch, "sources/shop/source.yml") == spec.replace("[id]", "[id, line]")
    assert only_lines(SOURCES, after_of(patch, "models/s.yml"))[1:] == [
        "+           - unique_combination: {arguments: {columns: [id, line]}}"
    ]
    assert [(one.path, one.line) for one in patch.questions] == [("models/s.yml", 9)]


DOCS = """{% docs own %}
The `status` of a line; status is a word, `id` is not.

| column | says |
|---|---|
| status | how it stands |
{% enddocs %}
{% docs shared %}
See `status`.
{% enddocs %}
"""
DESCRIBED = """models:
  - name: stg_lines
    description: "{{ doc('own') }}"
    columns:
      - {name: status, description: '{{ doc("shared") }}'}
  - name: fct
    description: "{{ doc('shared') }}"
"""


def test_docs_blocks_of_one_table_follow_and_shared_ones_are_asked_about():
    files = {"models/docs.md": DOCS, "models/m.yml": DESCRIBED}
    models = {MODEL: ["id", "status"], "model.p.fct": ["id", "status"]}
    patch = Built(files, (TABLE,), (TABLE,), models).patch(
        interfaces={MODEL: Interface(renamed={"status": "state"})}
    )
    assert after_of(patch, "models/docs.md") == DOCS.replace("The `status`", "The `state`").replace(
        "| status |", "| state |"
    )
    assert [(one.path, one.line, one.is_minor) for one in patch.questions] == [("models/docs.md", 9, True)]


SNAPSHOT = """snapshots:
  - name: snap
    relation: source('shop', 'order_lines')
    config:
      unique_key: id
      strategy: check
      check_cols: [status, line]
models:
  - name: stg_lines
    config: {unique_key: [id, status], partition_by: {field: status, data_type: date}, cluster_by: "lower(status)"}
    constraints:
      - {type: check, expression: "status <> ''"}
      - {type: primary_key, columns: [id, status]}
  - name: fct
    columns:
      - name: state
        data_tests:
          - relationships: {arguments: {to: ref('stg_lines'), field: status}}
          - relationships: {to: "source('shop', 'order_lines')", field: "status"}
seeds:
  - name: seeded
    config: {column_types: {status: varchar, id: bigint}}
"""


@pytest.mark.parametrize("is_propagated", [False, True])
def test_configuration_and_tests_that_point_here(is_propagated: bool):
    after = table({"id": "bigint", "state": "varchar", "line": "bigint"})
    models = {**MODELS, "snapshot.p.snap": ["id", "status", "line"], "seed.p.seeded": ["id", "status"]}
    interfaces = {
        MODEL: Interface(renamed={"status": "state"}),
        "seed.p.seeded": Interface(renamed={"status": "s"}),
    }
    patch = Built({"models/m.yml": SNAPSHOT}, (TABLE,), (after,), models).patch(
        change(Kind.COLUMN_RENAMED, ["status"], ["state"]), interfaces=interfaces if is_propagated else None
    )
    wanted = SNAPSHOT.replace("check_cols: [status", "check_cols: [state").replace(
        'field: "status"', 'field: "state"'
    )
    if is_propagated:
        for old, new in [
            ("unique_key: [id, status]", "unique_key: [id, state]"), ("{field: status, d", "{field: state, d"),
            ("lower(status)", "lower(state)"), ("\"status <> ''\"", "\"state <> ''\""),
            ("columns: [id, status]", "columns: [id, state]"), ("field: status}", "field: state}"),
            ("{status: varchar", "{s: varchar"),
        ]:  # fmt: skip
            wanted = wanted.replace(old, new)
    assert after_of(patch, "models/m.yml") == wanted
    assert [one.line for one in patch.questions] == [3]


REFUSING = """models:
  - name: fct
    data_tests:
      - accepted_values: {arguments: {column_name: state, values: [open, paid]}}
    columns:
      - name: state
        data_tests:
          - dbt_utils.not_accepted_values: {arguments: {values: [broken]}}
"""


def test_a_list_of_what_is_refused_takes_no_new_value_and_a_test_may_name_its_column():
    built = Built({"models/fct.yml": REFUSING}, (TABLE,), (TABLE,), MODELS, identity=IDENTITY)
    added = change(Kind.VALUES_ADDED, ["status"], ["status"], detail={"added_values": ["refunded"]})
    patch = built.patch(added)
    assert after_of(patch, "models/fct.yml") == REFUSING.replace("[open, paid]", "[open, paid, refunded]")
    assert [one.line for one in patch.questions] == [4]
