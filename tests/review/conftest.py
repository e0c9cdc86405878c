"""A small dbt project that knows nothing of Smelt, in a git repository, built once."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from dbt_shop import Shop, copy_shop

from plugins.core.project import Project

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def built_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, committed and built, to be copied."""
    folder = tmp_path_factory.mktemp("built") / "shop"
    shutil.copytree(HERE / "project", folder)
    with duckdb.connect(str(folder / "shop.duckdb")) as con:
        con.execute(
            """
            create schema raw;
            create table raw.customers as select * from (values
                (1, 'Ann', 'ann@example.com', 'UK'), (2, 'Bob', 'bob@example.com', 'France'),
                (3, 'Cem', 'cem@example.com', 'Japan')
            ) as t(id, name, email, country);
            create table raw.orders as
            select
                i as id, 1 + i % 3 as customer_id, i * 100 as cents,
                case when i % 4 = 0 then 'open' else 'paid' end as status,
                timestamp '2024-01-01' + interval (i) hour as ordered_at
            from range(1, 101) as r(i);
            """
        )
    project = Project(folder)
    built = project.build()
    project.release()
    assert not built.broken, built.broken
    shop = Shop(folder)
    shop.git("init", "-q", "-b", "main")
    shop.commit("the project")
    return folder


@pytest.fixture
def shop(built_shop: Path, tmp_path: Path) -> Shop:
    """A copy for one test."""
    return copy_shop(built_shop, tmp_path / "shop")
