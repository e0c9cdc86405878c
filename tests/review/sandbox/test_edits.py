"""What a machine may edit in files that people wrote: their Jinja stays, and nothing is smuggled in beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from plugins.review import FileChange
from plugins.review.sandbox.machine_written import check_machine_written
from plugins.review.sandbox.places import Places

HERE = Path(__file__).parent
ATTACKS: list[str] = YAML(typ="safe").load((HERE / "attacks.yaml").read_text())
COLUMNS = ("unit_price", "cents", "payment_method")
MODEL = """{{ config(materialized='table', unique_key='unit_price', pre_hook="grant select on x to y") }}
{% set kinds = dbt_utils.get_column_values(ref('a'), 'payment_method') %}
{%- set home = env_var('SCHEMA', 'x') %}
{% if var('is_new', false) and adapter.get_relation(database=this.database, schema='a', identifier='b') %}
select {{ dollars('unit_price') }} as unit_price, {{ loop_of(kinds) }} from {{ source('shop', 'lines') }}
{% else %}
select
{% for kind in kinds %} sum(case when payment_method = '{{ kind | replace("-", "_") }}' then cents end),
{% endfor %}
unit_price from {{ ref('a') }}
{% endif %}
"""


def _refused(path: str, before: str | None, after: str | None, places: Places | None = None) -> list[str]:
    change = FileChange(path=path, before=before, after=after)
    macros = ["dollars", "gold_convert"]
    return [str(v) for v in check_machine_written([change], macros, places=places, columns=COLUMNS)]


FINE = [
    ("sum(case when payment_method", "sum(case when method"),
    ("dollars('unit_price')", "dollars('price_gbp')"),
    ("unique_key='unit_price'", "unique_key='price_gbp'"),
    ("get_column_values(ref('a'), 'payment_method')", "get_column_values(ref('a'), 'method')"),
    ("unit_price from", 'price_gbp as unit_price, "it\'s; a {name}" from'),
    ("{{ dollars('unit_price') }} as unit_price, ", ""),
    ("select {{ dollars", "select {{ dollars('cents') }}, {{ dollars"),
    ("{{ ref('a') }}\n", "{{ ref('a') }} where {{ dbt.date_trunc('month', 'x') }} > 1\n"),
]


@pytest.mark.parametrize(("old", "new"), FINE)
def test_what_a_colleague_would_type_passes(old: str, new: str) -> None:
    assert old in MODEL
    assert _refused("models/m.sql", MODEL, MODEL.replace(old, new, 1)) == []


SMUGGLED = [
    ("env_var('SCHEMA', 'x')", "env_var('SECRET', 'x')"),
    ('pre_hook="grant select on x to y"', 'pre_hook="drop table x"'),
    ("unique_key='unit_price'", "unique_key='unit_price', post_hook='drop table x'"),
    ("unique_key='unit_price'", "unique_key='a; drop table x'"),
    ("dollars('unit_price')", "run_query('unit_price')"),
    ("dollars('unit_price')", "dollars('unit_price') | attr('x')"),
    ("dollars('unit_price')", "dollars(env_var('x'))"),
    ("dollars('unit_price')", "dollars('x\") }}{{ y')"),
    ("get_column_values(ref('a'), 'payment_method')", "get_column_values(ref('a'), 'other', 'more')"),
    ("var('is_new', false)", "var('is_new', true)"),
    ("identifier='b'", "identifier='secrets'"),
    ("{{ loop_of(kinds) }}", "{{ loop_of(kinds) }}{{ loop_of(kinds) }}"),
    ('replace("-", "_")', 'replace("-", "\'")'),
    ("unit_price from", "unit_price; drop table x; select 1 from"),
    ("unit_price from", "\"a}} {{ env_var('X') }}\" from"),
    ("unit_price from", '"a }} b" from'),
    ("{% endif %}", "{% endif %}{% do run_query('x') %}"),
    ("{% else %}", "{% elif env_var('X') %} select 2 {% else %}"),
]


@pytest.mark.parametrize(("old", "new"), SMUGGLED)
def test_nothing_is_smuggled_in_beside_it(old: str, new: str) -> None:
    assert old in MODEL
    assert _refused("models/m.sql", MODEL, MODEL.replace(old, new, 1))


@given(st.sampled_from(ATTACKS), st.integers(0, len(MODEL)))
@settings(max_examples=300, deadline=None)
def test_no_attack_hides_in_an_edit(attack: str, place: int) -> None:
    assert _refused("models/m.sql", MODEL, MODEL[:place] + attack + MODEL[place:])


# Where the name of a column stands, as a patch would write it.
NAMED = ['\n  "%s" as unit_price,', "{{ dollars('%s') }},", "-- %s\n", "{{ config(unique_key='%s') }}"]
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.builds("{}{}{}".format, st.text(max_size=8), st.sampled_from(ATTACKS), st.text(max_size=8)),
    st.builds(
        "{}{}".format, st.sampled_from(["'", '"', "')", "') }}", "%}", "{{", "}}", "#}"]), st.text(max_size=30)
    ),
)


def _calls(text: str) -> list[str]:
    """Everything in the template that is called, filtered or done, by what dbt parses."""
    from dbt_common.clients.jinja import get_environment
    from jinja2 import nodes

    tree = get_environment(None, capture_macros=False).parse(text)
    kinds = (nodes.Call, nodes.Filter, nodes.Test, nodes.Stmt)
    found = [node for node in tree.find_all(kinds) if not isinstance(node, (nodes.Output, nodes.Template))]
    return sorted(
        f"{type(node).__name__} {getattr(node, 'name', '')} {getattr(getattr(node, 'node', None), 'name', '')}"
        for node in found
    )


@given(HOSTILE, st.sampled_from(NAMED), st.sampled_from(["select", "unit_price from", "{% endif %}"]))
@settings(max_examples=400, deadline=None)
def test_a_columns_name_brings_no_jinja(name: str, written: str, place: str) -> None:
    after = MODEL.replace(place, place + written.replace("%s", name), 1)
    if not _refused("models/m.sql", MODEL, after):
        allowed = {"Call  dollars", "Call  config"}
        more = list(_calls(after))
        for call in _calls(MODEL):
            more.remove(call)
        assert set(more) <= allowed


MACRO = "{% macro dollars(column) %}({{ column }} / 100 + unit_price){% endmacro %}"
SNAPSHOT = (
    "{% snapshot s %}{{ config(unique_key='id', check_cols=['cents'], strategy='check') }}"
    "select cents from x{% endsnapshot %}"
)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("macros/dollars.sql", MACRO, MACRO.replace("unit_price", "price_gbp")),
        ("snapshots/s.sql", SNAPSHOT, SNAPSHOT.replace("select cents", "select pence as cents")),
        ("snapshots/s.sql", SNAPSHOT, SNAPSHOT.replace("cents", "pence")),
        ("analyses/a.sql", "select cents", "select pence"),
        ("models/x.md", "{% docs a %}cents {{ x }}{% enddocs %}", "{% docs a %}pence {{ x }}{% enddocs %}"),
        ("models/p.py", "def model(dbt, s):\n    return f(dbt.ref('a').cents, 'cents')",
         "def model(dbt, s):\n    return f(dbt.ref('a').pence, 'pence')"),
        ("models/m.yml", "models:\n- name: a\n  config: {pre_hook: x, unique_key: cents}",
         "models:\n- name: a\n  config: {pre_hook: x, unique_key: pence}"),
        ("models/m.yml", "snapshots:\n- name: a\n  config: {check_cols: [cents], strategy: check}",
         "snapshots:\n- name: a\n  config: {check_cols: [pence], strategy: check}"),
        ("models/m.yml", "a: &a [cents]\nmodels: [*a]", "a: &a [cents]\nmodels: [*a, 1]"),
        ("models/m.yml", "sources:\n- name: a\n  schema: \"{{ var('x') }}\"\n  tables: [{name: b}]",
         "sources:\n- name: a\n  schema: \"{{ var('x') }}\"\n  tables: [{name: c}]"),
        ("models/m.yml", "models:\n- t: \"{{ m('cents') }} > 0\"", "models:\n- t: \"{{ m('pence') }} > 0\""),
        ("models/u.yml", "unit_tests:\n- given: [{format: sql, rows: select 1 as cents}]",
         "unit_tests:\n- given: [{format: sql, rows: select 1 as pence}]"),
    ],
)  # fmt: skip
def test_files_that_people_wrote_may_be_edited(path: str, before: str, after: str) -> None:
    assert before != after
    assert _refused(path, before, after) == []


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("macros/dollars.sql", MACRO, MACRO.replace("{{ column }}", "1")),
        ("macros/dollars.sql", MACRO, MACRO.replace("unit_price", "{{ ref('x') }}")),
        ("macros/dollars.sql", MACRO, MACRO + "{% macro ref(x) %}{% endmacro %}"),
        ("macros/dollars.sql", MACRO, MACRO.replace("macro dollars", "macro ref")),
        ("macros/q.sql", "{% set q %}select 1{% endset %}{% do run_query(q) %}",
         "{% set q %}drop table x{% endset %}{% do run_query(q) %}"),
        ("macros/q.sql", "{% set q %}select 1{% endset %}{% do run_query(q) %}",
         "{% set q %}select 1; drop table x{% endset %}{% do run_query(q) %}"),
        ("macros/new.sql", None, "select 1"),
        ("snapshots/new.sql", None, SNAPSHOT),
        ("snapshots/s.sql", SNAPSHOT, SNAPSHOT.replace("snapshot s ", "snapshot t ")),
        ("models/new.py", None, "def model(dbt, session): return 1"),
        ("dbt_project.yml", "name: a", "name: b"),
        ("profiles.yml", "a: b", "a: c"),
        ("models/x.md", "{% docs a %}cents {{ x }}{% enddocs %}", "{% docs a %}{{ env_var('x') }}{% enddocs %}"),
        ("models/m.yml", "models:\n- name: a\n  config: {pre_hook: x}",
         "models:\n- name: a\n  config: {pre_hook: y}"),
        ("models/m.yml", "models:\n- name: a", "models:\n- name: a\n  config: {pre_hook: y}"),
        ("models/m.yml", "models:\n- name: a\n  config: {unique_key: cents}",
         "models:\n- name: a\n  config: {unique_key: cents, schema: y}"),
        ("models/m.yml", "snapshots:\n- config: {check_cols: [cents]}",
         "snapshots:\n- config: {check_cols: [\"a; drop table x\"]}"),
        ("models/m.yml", "a: &a [cents]\nmodels: [*a]", "a: &a [cents]\nmodels: [*a, *a]"),
        ("models/m.yml", "on-run-start: [x]", "on-run-start: [y]"),
        ("models/m.yml", "models:\n- t: \"{{ m('cents') }} > 0\"", "models:\n- t: \"{{ n('pence') }} > 0\""),
        ("models/m.yml", "models:\n- t: \"{{ m('cents') }} > 0\"",
         "models:\n- t: \"{{ m('cents') }}{{ m('cents') }}\""),
        ("models/u.yml", "unit_tests:\n- given: [{format: sql, rows: select 1 as cents}]",
         "unit_tests:\n- given: [{format: sql, rows: \"select * from '/etc/passwd'\"}]"),
        ("models/u.yml", "unit_tests:\n- given: [{format: sql, rows: select 1 as cents}]",
         "unit_tests:\n- given: [{format: sql, rows: \"select * from read_text('/etc/passwd')\"}]"),
    ],
)  # fmt: skip
def test_but_not_to_do_something_else(path: str, before: str | None, after: str) -> None:
    assert _refused(path, before, after)


PYTHON = """import pandas as pd
def model(dbt, session):
    frame = dbt.ref("orders").df()
    frame["unit_price"] = frame.cents.apply(str) + frame["cents"]
    session.execute("select cents")
    return frame.rename(columns={"payment_method": "x"}).cents()
"""


@pytest.mark.parametrize(
    ("old", "new", "is_fine"),
    [
        ('frame["cents"]', 'frame["pence"]', True),
        ("frame.cents.apply", "frame.pence.apply", True),
        ('{"payment_method":', '{"method":', True),
        ('frame["cents"]', 'frame["it\'s"]', False),
        ("frame.cents.apply", "frame.__class__.apply", False),
        ('x"}).cents()', 'x"}).to_csv()', False),
        ("apply(str)", "apply(eval)", False),
        ('"select cents"', '"drop table x"', False),
        ("import pandas as pd", "import os", False),
        ('frame["cents"]', 'frame["cents"] + open("x").read()', False),
        ("return frame", "exec('x')\n    return frame", False),
        ('ref("orders")', 'ref("secrets")', False),
    ],
)
def test_python_changes_names_of_columns_only(old: str, new: str, is_fine: bool) -> None:
    assert old in PYTHON
    assert (_refused("models/p.py", PYTHON, PYTHON.replace(old, new, 1)) == []) is is_fine


@given(st.one_of(HOSTILE, st.sampled_from(["system", "__import__", "x')+exec('y", "a\nimport os"])))
@settings(max_examples=200, deadline=None)
def test_a_columns_name_brings_no_python(name: str) -> None:
    import ast

    after = PYTHON.replace('frame["cents"]', f'frame["{name}"]', 1).replace("frame.cents.", f"frame.{name}.", 1)
    if not _refused("models/p.py", PYTHON, after):
        kinds = [[type(node).__name__ for node in ast.walk(ast.parse(text))] for text in (PYTHON, after)]
        assert kinds[0] == kinds[1]


def test_the_projects_own_folders() -> None:
    places = Places.read("model-paths: [transform, '../out', '.']\nmacro-paths: [lib/macros]\n")
    assert _refused("transform/m.sql", "select 1", "select 2", places) == []
    assert _refused("lib/macros/m.sql", MACRO, MACRO.replace("unit_price", "y"), places) == []
    assert _refused("transform/new.sql", None, "select 2", places)
    assert _refused("macros/m.sql", MACRO, MACRO.replace("unit_price", "y"), places)
    assert _refused("anything.sql", "select 1", "select 2", places)
