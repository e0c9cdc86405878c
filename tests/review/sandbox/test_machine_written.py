"""What a machine may write; the attacks are in attacks.yaml and files.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from plugins.review import FileChange
from plugins.review.sandbox.machine_written import check_machine_written

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
ATTACKS: list[str] = YAML(typ="safe").load((HERE / "attacks.yaml").read_text())
FILES: list[dict[str, Any]] = YAML(typ="safe").load((HERE / "files.yaml").read_text())
MACROS = {
    name
    for path in (PROJECT / "macros").rglob("*.sql")
    for name in re.findall(r"{%-?\s*macro\s+(\w+)", path.read_text())
}


def _refused(path: str, text: str) -> list[str]:
    change = FileChange(path=path, before=None, after=text)
    return [str(violation) for violation in check_machine_written([change], MACROS)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_compiles(attack: str) -> None:
    assert _refused("models/m.sql", attack)


@pytest.mark.parametrize("attack", ATTACKS[:40])
def test_no_attack_compiles_amid_harmless_sql(attack: str) -> None:
    harmless = "{{ config(materialized='table') }}\nselect * from {{ ref('a') }}\nwhere x = 1\n"
    assert _refused("models/m.sql", harmless + attack + "\n-- and on")


@given(st.sampled_from([a for a in ATTACKS if "{{ " in a]), st.sampled_from([" ", "\n", "\t", "  \n "]))
@settings(max_examples=60)
def test_white_space_hides_nothing(attack: str, space: str) -> None:
    assert _refused("models/m.sql", attack.replace("{{ ", "{{" + space).replace(" }}", space + "}}"))


@pytest.mark.parametrize("case", FILES, ids=lambda case: f"{case['path']}: {case['text'][:50]}")
def test_no_such_file_is_written(case: dict[str, Any]) -> None:
    if case.get("invalid"):
        with pytest.raises(ValidationError):
            FileChange(path=case["path"], before=None, after=case["text"])
    else:
        assert _refused(case["path"], case["text"])


HARMLESS = [
    "select 1 as x",
    "select * from {{ ref('orders') }}",
    "select * from {{ ref('package', 'orders') }}",
    "select * from {{ ref('orders', v=2) }}",
    "select * from {{ source('shop', 'orders') }} -- the {source}",
    "{{ config(materialized='incremental', unique_key=['a', 'b'], tags=[\"x\"]) }}\nselect 1",
    "select 1 {% if is_incremental() %} where x > (select max(x) from {{ this }}) {% endif %}",
    "{% if not is_incremental() %}select 1{% else %}select 2{% endif %}",
    "{% set kinds = ['card', 'coupon'] %}{% for k in kinds %}x as {{ k }}{{ ',' if not loop.last }}{% endfor %}",
    "{% for a, b in [['x', 1], ['y', 2]] -%} {{ a }} as {{ b }}, {%- endfor %}",
    "{{ gold_convert('amount', 'rate') }}",
    "{{ dbt.date_trunc('month', 'ordered_at') }}",
    "{# a comment with {{ env_var }} #} select 1",
    "select '{}' as json, '{' || '}' as braces",
    "{{ ['a', 'b'] | join(', ') }}",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_careful_colleagues_write_passes(text: str) -> None:
    assert _refused("models/sales/m.sql", text) == []


# These use more of Jinja than a machine may; the models of events are incremental where the engine can be.
_CLEVER = {"customer_features.sql", "customer_features.yml", "dim_dates.sql"}
_CLEVER |= {"agg_revenue_7_days.yml", "agg_revenue_hourly.yml", "fct_purchase_sessions.yml"}
HOUSE = [
    path
    for folder in ("models", "tests/assertions", "contracts", "sources")
    for path in sorted((PROJECT / folder).rglob("*"))
    if path.is_file() and path.suffix in (".sql", ".yml") and path.name not in _CLEVER
]


@pytest.mark.parametrize("path", HOUSE, ids=lambda path: path.name)
def test_the_models_of_this_project_pass(path: Path) -> None:
    assert _refused(path.relative_to(PROJECT).as_posix(), path.read_text()) == []


def test_the_message_names_file_line_and_what() -> None:
    assert _refused("models/m.sql", "select 1\n, '{{ env_var(\"HOME\") }}'") == [
        "models/m.sql:2: machine-written SQL may not use a call of 'env_var'"
    ]
