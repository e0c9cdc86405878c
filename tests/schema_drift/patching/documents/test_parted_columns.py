"""What is said of a column that fell into others, and which columns are marked as personal data."""

from __future__ import annotations

import pytest

from plugins.schema_drift.change import Kind
from tests.schema_drift.patching.documents.conftest import MODEL, SOURCE, Built, after_of, change, table

BEFORE = table({"id": "bigint", "name": "varchar"})
AFTER = table({"id": "bigint", "first_name": "varchar", "last_name": "varchar"})
HEAD = """sources:
  - name: shop
    tables:
      - name: order_lines
        columns:
"""
NAME = "          - name: name\n            description: Who ordered.\n"


def _split(text: str) -> str:
    patch = Built({"models/s.yml": HEAD + text}, (BEFORE,), (AFTER,)).patch(
        change(Kind.COLUMN_SPLIT, ["name"], ["first_name", "last_name"])
    )
    return after_of(patch, "models/s.yml").removeprefix(HEAD)


def test_parts_say_what_they_were_and_are_not_marked_unasked() -> None:
    assert _split(NAME) == (
        "          - name: first_name\n"
        "            description: First name, a part of what was `name` (Who ordered).\n"
        "          - name: last_name\n"
        "            description: Last name, a part of what was `name` (Who ordered).\n"
    )


@pytest.mark.parametrize("mark", ["meta: {pii: true}", "config: {meta: {contains_pii: true}}", "tags: [pii]"])
def test_parts_carry_the_mark_of_the_whole(mark: str) -> None:
    assert _split(f"{NAME}            {mark}\n").count("pii") == 2


def test_where_others_are_marked_so_are_new_columns_of_personal_names() -> None:
    other = "          - name: email\n            tags: [pii]\n"
    assert _split(NAME + other).count("pii") == 3


def test_a_merged_column_says_what_it_is_made_of() -> None:
    text = HEAD + (
        "          - name: first_name\n            description: Given.\n"
        "          - name: last_name\n            description: Family.\n"
    )
    patch = Built({"models/s.yml": text}, (AFTER,), (BEFORE,)).patch(
        change(Kind.COLUMNS_MERGED, ["first_name", "last_name"], ["name"])
    )
    assert after_of(patch, "models/s.yml").removeprefix(HEAD) == (
        "          - name: name\n"
        "            description: Name, made of what was `first_name` and `last_name` (Given; Family).\n"
    )


@pytest.mark.parametrize(
    ("entry", "now"),
    [
        ("      - name: id\n", "      - name: id\n      - name: who\n        description: Who ordered.\n"),
        ("      - name: who\n", "      - name: who\n        description: Who ordered.\n"),
        ("      - name: who\n        description: The buyer.\n", None),
    ],
)
def test_the_model_that_makes_it_again_keeps_the_description(entry: str, now: str | None) -> None:
    head = "models:\n  - name: stg_lines\n    columns:\n"
    built = Built(
        {"models/m.yml": head + entry}, (BEFORE,), (AFTER,), {MODEL: ["id", "who"]},
        identity=[(SOURCE, "name", MODEL, "who")], described={"name": "Who ordered."},
    )  # fmt: skip
    patch = built.patch(change(Kind.COLUMN_SPLIT, ["name"], ["first_name", "last_name"]))
    assert [one.after for one in patch.changes] == ([head + now] if now is not None else [])
