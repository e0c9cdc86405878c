"""`smelt query` on a published catalog."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from plugins.core.settings import load_settings
from plugins.core.warehouse.published import PublishedRun, PublishedTable, point_to, write_run


@pytest.fixture
def published(project: Path) -> Path:
    """A project whose catalog has one table, gold.revenue."""
    settings = load_settings(project)
    settings.local_root.mkdir(parents=True)
    catalog = SqlCatalog(
        "lake", uri=f"sqlite:///{settings.local_root}/catalog.db", warehouse=f"file://{settings.lake_root}"
    )
    catalog.create_namespace("gold")
    rows = pa.table({"country": ["UK", "FR", None], "revenue": [3, 2, 1]})
    table = catalog.create_table("gold.revenue", rows.schema)
    table.append(rows)
    listed = PublishedTable("gold.revenue", table.metadata_location, None, 3, 0, True)
    write_run(settings, PublishedRun("01TEST", datetime.now(UTC), "dev", (listed,), ()))
    point_to(settings, "01TEST")
    return project


def _query(project: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("smelt")), "query", *arguments, "--project-dir", str(project)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_rows_as_json_and_as_a_table(published: Path) -> None:
    run = _query(published, "select country, revenue from gold.revenue order by revenue", "--json")
    assert json.loads(run.stdout)["rows"][1:] == [{"country": "FR", "revenue": 2}, {"country": "UK", "revenue": 3}]
    twice = json.loads(_query(published, "select 1 as x, 2 as x", "--json").stdout)
    assert twice["rows"] == [{"x": 1, "x_1": 2}]
    assert twice["columns"] == [{"name": "x", "type": "INTEGER"}, {"name": "x_1", "type": "INTEGER"}]
    shown = _query(published, "-", "--limit", "2", stdin="select * from gold.revenue order by revenue desc")
    assert "UK" in shown.stdout
    assert "there are more" in shown.stdout


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select * from gold.revnue", "gold.revenue"),
        ("select * from revenue", "gold.revenue"),
        ("select * from read_text('/etc/passwd')", "files and network"),
        ("drop table gold.revenue", "write one SELECT"),
        ("select no_such from gold.revenue", "no_such"),
        ("select count(*) from range(1000000) a, range(1000000) b where a.range * b.range = -1", "longer than"),
    ],
)
def test_what_it_refuses(published: Path, sql: str, said: str) -> None:
    run = _query(published, sql, "--timeout", "2")
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert said in run.stderr


def test_nothing_published(project: Path) -> None:
    run = _query(project, "select 1")
    assert run.returncode == 1
    assert "smelt run" in run.stderr
