"""Real builds: what is downstream of a patched boundary has the same values as before the drift."""

from __future__ import annotations

from pathlib import Path

import pytest
from built import BuiltShop, shop
from drifted import change

from plugins.schema_drift.change import Change
from plugins.schema_drift.patching.patch import Mode
from plugins.schema_drift.table import History

# Each builds with dbt, or starts a server or a process.
pytestmark = pytest.mark.full

_TABLES = """
create schema raw;
create table raw.customers as select i as id, 'name ' || i as name, 'x' as country from range(20) t(i);
create table raw.orders as
select i as id, i % 20 as customer_id, (i % 7)::decimal(10, 2) as unit_price, i % 5 as qty,
       case when i % 3 = 0 then 'shipped' else 'open' end as status,
       case when i % 4 = 0 then 'GB' else 'FR' end as country, 'A ' || i as customer_name,
       strftime(date '2026-01-01' + i::int, '%Y-%m-%d') as ordered_on
from range(200) t(i);
"""

_FILES = {
    "macros/text.sql": "{% macro text_or_null(column) %}nullif(trim({{ column }}), ''){% endmacro %}\n",
    "models/staging/stg_orders.sql": """with

source as (

    select * from {{ source('shop', 'orders') }}

),

renamed as (

    select
        id as order_id,
        customer_id,
        unit_price,
        qty,
        cast(unit_price as double) * qty as net,
        {{ text_or_null('status') }} as status,
        upper(country) as country,
        customer_name,
        cast(ordered_on as date) as ordered_on
    from source

)

select * from renamed
""",
    "models/staging/stg_star.sql": "select * from {{ source('shop', 'orders') }}\n",
    "models/staging/eph_orders.sql": """{{ config(materialized='ephemeral') }}
select o.*, unit_price > 3 as is_dear from {{ source('shop', 'orders') }} as o
""",
    "models/direct.sql": """select o.country, c.name, sum(unit_price * qty) as revenue, count(distinct status) as n
from {{ source('shop', 'orders') }} o
join {{ source('shop', 'customers') }} c on c.id = o.customer_id
where status <> 'x'
group by o.country, c.name
""",
    "models/united.sql": """select id, unit_price, status from {{ source('shop', 'orders') }} where country = 'GB'
union all
select id, unit_price, status from {{ source('shop', 'orders') }} where country = 'FR'
""",
    "models/all_of_it.sql": """select * from {{ ref('stg_star') }}
union all
select * from {{ source('shop', 'orders') }}
""",
    "models/looped.sql": """{%- set statuses = ['shipped', 'open'] -%}
select
    customer_id,
    {%- for s in statuses %}
    sum(case when status = '{{ s }}' then unit_price end) as {{ s }}_price
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from {{ source('shop', 'orders') }}
group by customer_id
""",
    "models/listed.sql": """{%- set wanted = ['unit_price', 'status', 'country'] -%}
select id, {% for c in wanted %}cast({{ c }} as varchar) as {{ c }}{{ ', ' if not loop.last }}{% endfor %}
from {{ source('shop', 'orders') }}
""",
    "models/inc.sql": """{{ config(materialized='incremental', unique_key='id') }}
select id, unit_price, ordered_on from {{ source('shop', 'orders') }}
{% if is_incremental() %}
where ordered_on > (select max(ordered_on) from {{ this }})
{% endif %}
""",
    "models/latest.sql": """select *
from (
    select *, row_number() over (partition by customer_id order by ordered_on desc, unit_price) as rn
    from {{ source('shop', 'orders') }}
) as ranked
where rn = 1
""",
    "models/marts/fct.sql": """select o.order_id, o.net, o.country, e.is_dear, e.unit_price, e.customer_name
from {{ ref('stg_orders') }} o join {{ ref('eph_orders') }} e on e.id = o.order_id
""",
    "tests/no_negative_price.sql": "select * from {{ source('shop', 'orders') }} where unit_price < 0\n",
    "snapshots/orders_snapshot.sql": """{% snapshot orders_snapshot %}
{{ config(target_schema='main', unique_key='id', strategy='check', check_cols=['unit_price', 'status']) }}
select id, unit_price, status from {{ source('shop', 'orders') }}
{% endsnapshot %}
""",
}
_MODELS = ("stg_orders", "stg_star", "direct", "united", "all_of_it", "looped", "listed", "inc", "latest", "fct")

_RENAMED = "alter table raw.orders rename unit_price to price_gbp"
_MOVED = """
create or replace table raw.orders as
select id, customer_id, qty, status, country, customer_name, ordered_on, unit_price as price_gbp from raw.orders
"""
_SPLIT = """
create or replace table raw.orders as
select * exclude (customer_name), split_part(customer_name, ' ', 1) as first_name,
       split_part(customer_name, ' ', 2) as last_name from raw.orders
"""
_PENCE = "update raw.orders set unit_price = unit_price * 100"
_VALUES = "update raw.orders set status = case status when 'shipped' then 'S' else 'O' end"
_DATES = "update raw.orders set ordered_on = strftime(ordered_on::date, '%d/%m/%Y')"
_TEXT = "alter table raw.orders alter unit_price type varchar"
_ADDED = "alter table raw.orders add column channel varchar default 'web'"

_DRIFTS = {
    "a column is renamed": ([_RENAMED], ["column_renamed unit_price -> price_gbp"]),
    "a column is renamed and moved": ([_MOVED], ["column_renamed unit_price -> price_gbp"]),
    "a name is split": ([_SPLIT], ["column_split customer_name: first_name || ' ' || last_name"]),
    "pounds become pence": ([_PENCE], ["unit_changed unit_price: cast(unit_price / 100 as decimal(10, 2))"]),
    "values are renamed": (
        [_VALUES],
        ["values_renamed status: case status when 'S' then 'shipped' when 'O' then 'open' else status end"],
    ),
    "dates are written otherwise": (
        [_DATES],
        ["format_changed ordered_on: strftime(strptime(ordered_on, '%d/%m/%Y'), '%Y-%m-%d')"],
    ),
    "a number becomes text": ([_TEXT], ["type_changed unit_price"]),
    "several at once": (
        [_RENAMED, _SPLIT, _VALUES, _ADDED],
        [
            "column_renamed unit_price -> price_gbp",
            "column_split customer_name: first_name || ' ' || last_name",
            "values_renamed status: case status when 'S' then 'shipped' when 'O' then 'open' else status end",
            "column_added channel",
        ],
    ),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltShop:
    made = shop(tmp_path_factory.mktemp("shop"), _FILES, _TABLES)
    assert made.build() == []
    return made


def _copied(built: BuiltShop, folder: Path) -> BuiltShop:
    import shutil

    shutil.copytree(built.folder, folder, dirs_exist_ok=True)
    made = object.__new__(BuiltShop)
    made.folder, made.files, made.tables = folder, dict(built.files), built.tables
    return made


def _changes(texts: list[str]) -> list[Change]:
    return [change(one) for one in texts]


@pytest.mark.parametrize(
    "drift", [one if one == "several at once" else pytest.param(one, marks=pytest.mark.full) for one in _DRIFTS]
)
def test_what_is_downstream_keeps_its_values(built: BuiltShop, tmp_path: Path, drift: str) -> None:
    project = _copied(built, tmp_path / "p")
    state = project.read()
    before = project.table()
    statements, texts = _DRIFTS[drift]
    was = {model: (project.names(model), project.rows(model)) for model in _MODELS}
    for statement in statements:
        project.sql(statement)
    made = project.patch(state, before, project.table(), _changes(texts), Mode.ABSORB)
    assert made.changes
    # The snapshot's and the incremental model's own rows stay: they are not built anew.
    assert project.build() == [], made.told
    for model, (names, rows) in was.items():
        assert set(names) <= set(project.names(model)), (drift, model)
        listed = ", ".join(f'"{name}"' for name in names)
        assert project.sql(f"select {listed} from main.{model} order by all") == rows, (drift, model)
    [(versions,)] = project.sql("select count(*) from main.orders_snapshot")
    assert versions == 200
    again = project.patch(project.read(), before, project.table(), _changes(texts), Mode.ABSORB)
    assert not again.changes, [one.after for one in again.changes]


def test_without_the_patch_the_build_breaks(built: BuiltShop, tmp_path: Path) -> None:
    project = _copied(built, tmp_path / "p")
    project.sql(_RENAMED)
    assert project.build() != []


def test_a_new_name_goes_through_and_the_build_holds(built: BuiltShop, tmp_path: Path) -> None:
    project = _copied(built, tmp_path / "p")
    state, before = project.read(), project.table()
    was = project.sql("select order_id, net, unit_price from main.fct order by all")
    project.sql(_RENAMED)
    texts = ["column_renamed unit_price -> price_gbp"]
    made = project.patch(state, before, project.table(), _changes(texts), Mode.PROPAGATE)
    assert project.build() == []
    assert project.sql("select order_id, net, price_gbp from main.fct order by all") == was
    assert made.interfaces["model.p.fct"].renamed == {"unit_price": "price_gbp"}
    assert "model.p.inc" not in made.interfaces


def test_bronze_holds_rows_of_both_times(built: BuiltShop, tmp_path: Path) -> None:
    project = _copied(built, tmp_path / "p")
    state, before = project.read(), project.table()
    was = project.rows("stg_orders")
    project.sql("alter table raw.orders add column price_gbp decimal(10, 2)")
    project.sql("update raw.orders set price_gbp = unit_price, unit_price = null where id % 2 = 0")
    after = project.table(history=History(kept=frozenset(["unit_price"])))
    made = project.patch(state, before, after, _changes(["column_renamed unit_price -> price_gbp"]), Mode.ABSORB)
    # What the incremental model took in the meantime is told; nothing else is asked.
    assert {question.path for question in made.questions} <= {"models/inc.sql", "snapshots/orders_snapshot.sql"}
    assert project.build() == []
    assert project.rows("stg_orders") == was


def test_rows_since_the_change_are_told_apart(built: BuiltShop, tmp_path: Path) -> None:
    project = _copied(built, tmp_path / "p")
    was = project.rows("stg_orders")
    project.sql("alter table raw.orders add column _batch varchar default 'b1'")
    state, before = project.read(), project.table()
    project.sql("update raw.orders set unit_price = unit_price * 100, _batch = 'b2' where id % 2 = 0")
    after = project.table(history=History(since="_batch >= 'b2'"))
    texts = ["unit_changed unit_price: cast(unit_price / 100 as decimal(10, 2))"]
    project.patch(state, before, after, _changes(texts), Mode.ABSORB)
    assert project.build() == []
    assert project.rows("stg_orders") == was
