"""A small project with one followed stream: orders, which must have an amount, and a sum of them in gold."""

from __future__ import annotations

import shutil
from pathlib import Path

from plugins.core.settings import Settings, load_settings
from plugins.core.warehouse.reader import open_published

REPOSITORY = Path(__file__).parents[1]
_FILES = {
    ".dbtignore": "source.yml\n",
    "dbt_project.yml": "name: small\nversion: '1.0'\nprofile: smelt\nmodel-paths: [models, sources]\n"
    "models:\n  small:\n    silver: {+schema: silver, +materialized: view}\n"
    "    gold: {+schema: gold, +materialized: table}\n",
    "profiles.yml": "smelt:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n"
    "      path: \"{{ env_var('SMELT_PROJECT_DIR', '.') }}/warehouse.duckdb\"\n      threads: 2\n"
    '      module_paths: ["."]\n      plugins:\n        - module: plugins.core.warehouse.dbt_plugin\n',
    "sources/shop/_shop__sources.yml": "sources:\n  - name: shop\n    schema: bronze\n    tables:\n"
    "      - {name: orders, identifier: shop__orders}\n",
    "models/silver/stg_shop__orders.sql": "select cast(id as integer) as order_id, customer, "
    "cast(amount as integer) as amount, _smelt_batch_id, _smelt_source_position, _smelt_loaded_at, _smelt_op "
    "from {{ source('shop', 'orders') }}\n",
    "models/silver/int_orders__checked.sql": "select *, "
    "{{ broken_rules({'amount_present': 'amount is not null'}) }} as _smelt_broken_rules "
    "from {{ ref('stg_shop__orders') }}\n",
    "models/silver/orders.sql": "{{ config(materialized='table') }}\n"
    "select order_id, customer, amount, amount * 2::hugeint as twice, {{ audit_columns() }} "
    "from ({{ latest_valid(ref('int_orders__checked'), ['order_id']) }}) as latest\n",
    "models/gold/agg_customers.sql": "select customer, count(*) as orders, sum(amount)::bigint as amount "
    "from {{ ref('orders') }} group by 1\n",
}


def new_project(folder: Path) -> Settings:
    """The project's files in `folder`; its lake is empty."""
    for name, text in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copytree(REPOSITORY / "macros", folder / "macros")
    (folder / "smelt.toml").touch()
    return load_settings(folder)


def published(settings: Settings, query: str) -> list[tuple]:
    """Rows of `query` over what readers see now."""
    with open_published(settings) as con:
        return con.execute(query).fetchall()
