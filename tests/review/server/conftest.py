"""The shop in PostgreSQL: built there once, in the schemas that people read."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from dbt_shop import Shop, copy_shop
from server_shop import HISTORY, LOG_HOOK, PASSWORD, PROFILE, PROJECT, ROWS, SCHEMAS, TOTALS

from plugins.core.project import Project


@pytest.fixture(scope="session")
def warehouse(postgres: str) -> str:
    """The DSN of a server whose user may read and create schemas, and owns no other database."""
    with psycopg.connect(postgres, autocommit=True) as con:
        con.execute(f"create role shopkeeper login superuser password '{PASSWORD}'")
        con.execute(ROWS)
    return postgres


@pytest.fixture(scope="session")
def server_shop(warehouse: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, committed, and built in the server."""
    folder = tmp_path_factory.mktemp("server") / "shop"
    shutil.copytree(PROJECT, folder)
    (folder / "models" / "marts" / "open_order_count.py").unlink()
    address = urlsplit(warehouse)
    (folder / "profiles.yml").write_text(PROFILE.format(host=address.hostname, port=address.port))
    (folder / "macros" / "schemas.sql").write_text(SCHEMAS)
    (folder / "models" / "marts" / "customer_totals.sql").write_text(TOTALS)
    (folder / "snapshots").mkdir()
    (folder / "snapshots" / "order_history.yml").write_text(HISTORY)
    with (folder / "dbt_project.yml").open("a") as file:
        file.write(LOG_HOOK)
    shop = Shop(folder)
    shop.git("init", "-q", "-b", "main")
    (folder / ".gitignore").write_text("target/\nlogs/\n.smelt/\n")
    shop.commit("the project")
    project = Project(folder, environment={"SHOP_PASSWORD": PASSWORD})
    built = project.build()
    assert not built.broken, built.broken
    return folder


@pytest.fixture
def shop(server_shop: Path, tmp_path: Path) -> Shop:
    """A copy for one test."""
    return copy_shop(server_shop, tmp_path / "shop")
