"""The parts that a model is made of: expressions, conditions, values, YAML, style."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from ruamel.yaml import YAML

from plugins.core.editing.yaml_text import Flow, Folded, Quoted, lines, with_section
from plugins.nl_models.models.cases import conditions_of
from plugins.nl_models.models.contract_types import contract_types
from plugins.nl_models.models.expressions import of_tree, on_table, parse
from plugins.nl_models.models.searching import search
from plugins.nl_models.models.style import SqlStyle, learn_style

KINDS = "case when n is null then 'none' when n = 1 then 'first' else 'later' end"


@pytest.mark.parametrize(
    ("sql", "value", "said"),
    [
        (KINDS, "none", ("n is null",)),
        (KINDS, "first", ("n = 1",)),
        (KINDS, "later", ("n <> 1",)),
        (KINDS, "other", None),
        ("case when n > 5 then 'large' else 'small' end", "small", None),
        ("case when n = 1 then 'a' when m = 1 then 'b' else 'c' end", "b", None),
        ("case when n > 5 then 'a' when n > 3 then 'b' else 'c' end", "b", None),
        ("upper(n)", "A", None),
    ],
)
def test_a_kind_of_rows_is_a_condition(sql: str, value: str, said: tuple[str, ...] | None) -> None:
    assert conditions_of(sql, value) == said


def test_columns_get_their_table_and_strings_stay() -> None:
    sql = "CASE\n  WHEN a = 1 THEN 'A  Name'\n  ELSE COALESCE(b, c.d)\nEND"
    assert on_table(sql, "t") == "case when t.a = 1 then 'A  Name' else coalesce(t.b, c.d) end"


def test_negations_are_written_as_people_write_them() -> None:
    assert of_tree(parse("NOT a IN (1, 2) AND NOT b IS NULL AND c != 3")) == (
        "a not in (1, 2) and b is not null and c <> 3"
    )


def test_values_are_found_that_fail_one_condition_alone() -> None:
    conditions = ["t.d >= date '2024-01-01'", "t.d < date '2024-02-01'", "t.n <> 1"]
    good, bad = search(conditions, {"t.d": "DATE", "t.n": "INTEGER"}, {})
    assert good is not None
    assert all(found is not None and found.is_sharp for found in bad)


def test_values_for_what_cannot_hold_are_not_found() -> None:
    good, bad = search(["n > 5", "n < 3"], {"n": "INTEGER"}, {})
    assert good is None
    assert all(found is not None for found in bad)


def test_types_are_those_of_columns_like_it() -> None:
    known = {"revenue_eur": Counter({"decimal(18, 2)": 1}), "repeat_rate": Counter({"decimal(9, 6)": 1})}
    natural = {
        "cost_eur": "DECIMAL(38,4)",
        "cost_eur_previous_month": "DECIMAL(38,4)",
        "web_share": "DOUBLE",
        "orders": "HUGEINT",
        "weight": "DECIMAL(38,3)",
        "day": "DATE",
    }
    assert contract_types(natural, known, ["web_share"]) == {
        "cost_eur": "decimal(18, 2)",
        "cost_eur_previous_month": "decimal(18, 2)",
        "web_share": "decimal(9, 6)",
        "orders": "bigint",
        "weight": "decimal(18, 3)",
        "day": "date",
    }


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "8",
        "true",
        "null",
        "a: b",
        "a, b",
        "it's",
        "{x}",
        "- a",
        "#1",
        "",
        "2024-01-05",
        "é",
        'say "no"',
        "1e5",
    ],
)
def test_a_text_is_the_same_text_when_it_is_read_again(value: str) -> None:
    text = "\n".join(lines({"a": value, "rows": [Flow(b=value)], "list": [value]}))
    assert YAML(typ="safe", pure=True).load(text) == {"a": value, "rows": [{"b": value}], "list": [value]}


def test_numbers_are_short_and_long_texts_folded() -> None:
    entry = {"n": Decimal("10.50"), "asked": Quoted("why"), "text": Folded("One.\nTwo.")}
    assert list(lines(entry)) == ["n: 10.5", 'asked: "why"', "text: >", "  One.", "  Two."]


def test_a_model_is_added_to_a_shared_file_without_touching_the_rest() -> None:
    before = "version: 2\n\nmodels:\n- name: a   # kept\n\nexposures:\n- name: e\n"
    after = with_section(before, "models", [{"name": "b"}])
    assert after == "version: 2\n\nmodels:\n- name: a   # kept\n- name: b\n\nexposures:\n- name: e\n"


def test_sql_is_written_in_the_style_of_the_project() -> None:
    style = learn_style(["SELECT\n  a\nFROM {{ ref('select') }}\n", "SELECT b\n"])
    assert style == SqlStyle(is_upper=True, indent=2, has_groups=False)
    assert style.apply("select\n    'from' as a -- from\nfrom {{ ref('as') }}\n") == (
        "SELECT\n  'from' AS a -- from\nFROM {{ ref('as') }}\n"
    )
