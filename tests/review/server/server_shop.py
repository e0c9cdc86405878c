"""What the shop in PostgreSQL is made of."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parents[1] / "project"
PROFILE = """
shop:
  target: prod
  outputs:
    prod:
      type: postgres
      host: {host}
      port: {port}
      user: shopkeeper
      password: "{{{{ env_var('SHOP_PASSWORD') }}}}"
      dbname: postgres
      schema: analytics
      threads: 2
"""
PASSWORD = "canary-5d1f0c"

# A project may say where its models go, whatever the target; this one does as many do.
SCHEMAS = """
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or 'analytics' }}
{%- endmacro %}
"""
HISTORY = """
snapshots:
  - name: order_history
    relation: ref('stg_orders')
    config: {schema: history, unique_key: order_id, strategy: check, check_cols: [status, amount]}
"""
# Sums of integers are numeric of any scale in PostgreSQL.
TOTALS = """
{{ config(materialized='incremental', unique_key='customer_id', schema='marts') }}

select
    customer_id,
    sum(amount) as total,
    avg(amount) as mean,
    max(ordered_at) as last_order_at,
    array_agg(status order by order_id) as statuses,
    jsonb_build_object('n', count(*)) as facts,
    bool_or(status = 'open') as has_open
from {{ ref('stg_orders') }}
group by 1
"""
LOG_HOOK = """
on-run-end:
  - "insert into ops.runs (target) values ('{{ target.schema }}')"
"""
ROWS = """
create schema raw; create schema ops; create table ops.runs (target text);
create table raw.customers (id int primary key, name text, email text, country text);
insert into raw.customers values
    (1, 'Ann', 'ann@example.com', 'UK'), (2, 'Bob', 'bob@example.com', 'France'),
    (3, 'Cem', 'cem@example.com', 'Japan');
create table raw.orders as
select
    i as id, 1 + i % 3 as customer_id, i * 100 as cents,
    case when i % 4 = 0 then 'open' else 'paid' end as status,
    timestamp '2024-01-01' + i * interval '1 hour' as ordered_at
from generate_series(1, 100) as r(i);
"""
