"""Which columns hold another's values as they came: through joins, unions and stars, and not through functions."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.core.lineage import Columns, LineageCache, ProjectLineage, holders
from plugins.core.project import Manifest

SOURCE = "source.p.shop.orders"
SURE, DOUBTFUL = True, False


def _held(*queries: str) -> dict[str, bool]:
    """Columns of a chain of models m1, m2, …, each of which may read `orders` and those before it."""
    names = {"orders": SOURCE, **{f"m{n}": f"model.p.m{n}" for n in range(1, len(queries) + 1)}}
    nodes: dict[str, Any] = {
        f"model.p.m{n}": {
            "unique_id": f"model.p.m{n}", "name": f"m{n}", "resource_type": "model", "database": "db",
            "schema": "main", "config": {}, "language": "sql", "compiled_code": sql,
            "columns": {"status": {"name": "status"}},
            "depends_on": {"nodes": [id for name, id in names.items() if f" {name}" in sql]},
        }
        for n, sql in enumerate(queries, 1)
    }  # fmt: skip
    source = {
        "unique_id": SOURCE, "resource_type": "source", "source_name": "shop", "name": "orders",
        "identifier": "orders", "database": "db", "schema": "main",
    }  # fmt: skip
    manifest = Manifest({"metadata": {}, "nodes": nodes, "sources": {SOURCE: source}})
    columns: Columns = dict.fromkeys(("id", "status", "old_status", "amount"))
    graph = ProjectLineage(manifest, {SOURCE: columns}, LineageCache()).read()
    found = holders(manifest, graph, (SOURCE, "status"))
    return {f"{node.rpartition('.')[2]}.{column}": sure for (node, column), sure in found.items()}


@pytest.mark.parametrize(
    ("sql", "held"),
    [
        ("select status from orders", SURE),
        ("select o.* exclude (status), o.status as status from orders as o", SURE),
        ("select * from orders", SURE),
        ("with a as (select * from orders) select a.status from a join orders as b using (id)", SURE),
        ("select old_status as status from orders union all select status from orders", SURE),
        ("select (cast(status as varchar)) as status from orders", SURE),
        ("select coalesce(trim(status), 'none') as status from orders", SURE),
        ("select coalesce(old_status, status) as status from orders", DOUBTFUL),
        ("select case when amount > 0 then status else 'none' end as status from orders", DOUBTFUL),
        ("select upper(status) as status from orders", DOUBTFUL),
        ("select id, max(status) as status from orders group by id", DOUBTFUL),
        ("select id, first_value(status) over (partition by id) as status from orders", DOUBTFUL),
        ("select status from orders where status in ('open', 'done')", DOUBTFUL),
        ("select case when status = 'open' then 'yes' else 'no' end as status from orders", None),
        ("select status || '!' as status from orders", None),
        ("select length(status) as status from orders", None),
        ("select count(status) as status from orders", None),
        ("select old_status as status from orders where status = 'open'", None),
    ],
)
def test_what_a_column_holds(sql: str, held: bool | None) -> None:
    assert _held(sql).get("m1.status") is held


def test_through_models_one_doubt_on_the_way_stays_and_another_way_may_be_sure() -> None:
    found = _held(
        "select upper(status) as loud, status as state from orders",
        "select loud, state from m1",
        "select a.loud as either from m2 as a union all select state from m2",
    )
    assert (found["m2.loud"], found["m2.state"], found["m3.either"]) == (DOUBTFUL, SURE, SURE)


def test_a_model_that_cannot_be_read_may_hold_a_column_of_the_name() -> None:
    assert _held("select status from orders", "select status from m1 where ((") == {
        "m1.status": SURE,
        "m2.status": DOUBTFUL,
    }
