"""Code and documents in one patch, of a project that dbt builds before and after."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from plugins.core.lineage import LineageCache, ProjectLineage, known_columns
from plugins.core.project import Manifest, Project
from plugins.schema_drift.change import Change, Drift, Kind, Restored, Severity, Supplied
from plugins.schema_drift.patching import Mode, PatchedProject, consumers, is_absorbed, make_patch
from plugins.schema_drift.table import Column, Table

# Each builds with dbt, or starts a server or a process.
pytestmark = pytest.mark.full

FILES = {
    "dbt_project.yml": "name: p\nversion: 1.0.0\nprofile: shop\nmodels: {p: {+materialized: table}}\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "models/_sources.yml": """sources:
  - name: shop
    schema: raw
    tables:
      - name: orders
        columns:
          - name: id
            description: Number.
            data_tests: [unique, not_null]
          - name: unit_price   # pounds
            description: What one costs.
            data_tests: [not_null]
""",
    "models/stg_orders.sql": """select
    id,
    unit_price
from {{ source('shop', 'orders') }}
""",
    "models/stg_orders.yml": """models:
  - name: stg_orders
    columns:
      - name: id
      - name: unit_price
        data_tests: [not_null]
unit_tests:
  - name: prices_stay
    model: stg_orders
    given:
      - input: source('shop', 'orders')
        rows:
          - {id: 1, unit_price: 2.5}
    expect:
      rows:
        - {id: 1, unit_price: 2.5}
""",
    "models/totals.sql": "select sum(unit_price) as total from {{ ref('stg_orders') }}\n",
    "models/totals.yml": """models:
  - name: totals
    columns:
      - name: total
        data_tests: [not_null]
exposures:
  - name: board
    type: dashboard
    owner: {name: a, email: a@example.com}
    depends_on: [ref('totals')]
""",
}
ID = "source.p.shop.orders"


class _Shop:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path, text in FILES.items():
            self.write(path, text)
        self.sql("create schema raw; create table raw.orders as select 1 as id, 2.50::decimal(8, 2) as unit_price")

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def sql(self, text: str) -> list:
        with duckdb.connect(str(self.folder / "shop.duckdb")) as con:
            return con.execute(text).fetchall()

    def table(self) -> Table:
        rows = self.sql(
            "select column_name, lower(data_type) from duckdb_columns() "
            "where schema_name = 'raw' order by column_index"
        )
        return Table(ID, "shop.orders", ("raw", "orders"), tuple(Column(*row) for row in rows))

    def build(self) -> list[str]:
        project = Project(self.folder, profiles_dir=self.folder)
        built = project.build()
        project.release()
        assert built.nodes
        return [f"{node.name}: {node.message}" for node in built.nodes if node.is_broken or node.failures]

    def project(self, before: Table, after: Table) -> PatchedProject:
        project = Project(self.folder, profiles_dir=self.folder)
        project.compile()
        project.release()
        manifest = Manifest.read(self.folder / "target" / "manifest.json")
        known = {**known_columns(manifest), ID: {one.name: one.type for one in before.columns}}
        graph = ProjectLineage(manifest, known, LineageCache(None)).read()
        paths = sorted(p.relative_to(self.folder).as_posix() for p in (self.folder / "models").iterdir())
        return PatchedProject(manifest, graph, paths, lambda p: (self.folder / p).read_text(), [before], [after])


@pytest.fixture
def shop(tmp_path: Path) -> _Shop:
    return _Shop(tmp_path)


IN_PENCE = Change(
    Kind.UNIT_CHANGED, ID, ("unit_price",), ("price_pence",), 0.99, Severity.DANGEROUS,
    restores=(Restored("unit_price", "cast(price_pence / 100 as decimal(8, 2))", ("price_pence",)),),
    supplies=(Supplied("price_pence", "cast(unit_price * 100 as bigint)", ("unit_price",)),),
)  # fmt: skip
RENAMED = Change(
    Kind.COLUMN_RENAMED, ID, ("unit_price",), ("price_gbp",), 0.99, Severity.BREAKING,
    restores=(Restored("unit_price", "price_gbp", ("price_gbp",)),),
    supplies=(Supplied("price_gbp", "unit_price", ("unit_price",)),),
)  # fmt: skip


@pytest.mark.parametrize(("change", "sql"), [
    (RENAMED, "alter table raw.orders rename unit_price to price_gbp"),
    (
        IN_PENCE,
        "create or replace table raw.orders as "
        "select id, (unit_price * 100)::bigint as price_pence from raw.orders",
    ),
])  # fmt: skip
def test_a_project_builds_again_with_the_same_values(shop: _Shop, change: Change, sql: str):
    before = shop.table()
    assert shop.build() == []
    total = shop.sql("select total from main.totals")
    shop.sql(sql)
    after = shop.table()
    drift = Drift((change,))
    project = shop.project(before, after)
    assert not is_absorbed(project, drift)
    patch = make_patch(project, drift, Mode.ABSORB)
    for one in patch.changes:
        assert one.before == FILES[one.path]
        assert one.after is not None
        shop.write(one.path, one.after)
    assert set(patch.told) == {one.path for one in patch.changes}
    assert {"models/_sources.yml", "models/stg_orders.sql", "models/stg_orders.yml"} == set(patch.told)
    assert shop.build() == []
    assert shop.sql("select total from main.totals") == total
    assert is_absorbed(shop.project(before, after), drift)


def test_who_uses_a_column(shop: _Shop):
    table = shop.table()
    found = consumers(shop.project(table, table), ID, "UNIT_PRICE")
    assert [(str(one), one.is_sure, len(one.path)) for one in found] == [
        ("model stg_orders.unit_price", True, 2),
        ("model totals.total", True, 3),
        ("test source_not_null_shop_orders_unit_price.unit_price", True, 1),
        ("test not_null_stg_orders_unit_price.unit_price", True, 2),
        ("test not_null_totals_total.total", True, 3),
        ("exposure board", False, 3),
    ]
    assert found[1].path == ((ID, "unit_price"), ("model.p.stg_orders", "unit_price"), ("model.p.totals", "total"))


@pytest.mark.parametrize("added", ["pass", "document", "ignore"])
def test_new_columns_by_policy(shop: _Shop, added: str):
    before = shop.table()
    shop.sql("alter table raw.orders add column channel varchar")
    change = Change(
        Kind.COLUMN_ADDED, ID, (), ("channel",), 1.0, Severity.SILENT, detail={"type_after": "varchar"}
    )
    patch = make_patch(shop.project(before, shop.table()), Drift((change,)), added=added)  # type: ignore[arg-type]
    paths = {one.path for one in patch.changes}
    assert (
        paths
        == {
            "pass": {"models/_sources.yml", "models/stg_orders.sql", "models/stg_orders.yml"},
            "document": {"models/_sources.yml"},
            "ignore": set(),
        }[added]
    )
