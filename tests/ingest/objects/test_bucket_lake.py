"""The lake itself in a bucket: loaded, built, published, read, and never a key in anything that is left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugins.core import duck
from tests.ingest.objects.servers import command


def test_bronze_in_a_bucket_takes_rows_changes_and_dead_letters(objects) -> None:
    objects.lake = objects.connection["url"].removesuffix("/in") + "/lake"
    objects.stream()
    objects.put("a.csv", "id,v\n1,a\n2,b\n3\n")
    assert (objects.load().rows_loaded, len(objects.letters())) == (2, 1)
    objects.put("a.csv", "id,v\n1,x\n")
    result = objects.load()
    assert (result.rows_loaded, result.tombstones, result.bytes > 0) == (1, 1, True)
    assert objects.load().outcome == "unchanged"
    assert objects.bronze("select count(*) from bronze") == [(4,)]
    assert not list((objects.project / "lake").glob("bronze/**/*.parquet"))
    secret = (objects.project / "key.secret").read_text().strip()
    con = duck.connect()
    assert secret not in str(con.execute("from duckdb_secrets()").fetchall())


@pytest.mark.full
def test_the_demo_runs_on_a_lake_in_a_bucket(shop, gateway, tmp_path: Path) -> None:
    """`smelt run`, `status`, `query` and `rollback` on a real S3 server."""
    import shutil

    demo = tmp_path / "demo"
    here = Path.cwd()
    demo.mkdir()
    for name in ("models", "sources", "macros", "contracts", "demo", "tests/assertions"):
        shutil.copytree(here / name, demo / name)
    for name in ("dbt_project.yml", "profiles.yml", "smelt.toml", ".dbtignore"):
        shutil.copy(here / name, demo / name)
    environment = {
        "SMELT_LAKE__ROOT": "s3://lake/house",
        "SMELT_LAKE__STORAGE__ENDPOINT": gateway.endpoint,
        "SMELT_LAKE__STORAGE__ACCESS_KEY": "env:LAKE_KEY",
        "SMELT_LAKE__STORAGE__SECRET_KEY": "env:LAKE_SECRET",
        "LAKE_KEY": gateway.access_key,
        "LAKE_SECRET": gateway.secret_key,
    }
    printed = []
    try:
        for arguments in (("demo", "up"), ("run",), ("status",), ("doctor",), ("rollback", "--list")):
            code, text = command(demo, *arguments, **environment)
            assert code == 0, text
            printed.append(text)
        assert "balanced in 6 of 6 streams" in printed[2]
        assert "s3://lake/house" in printed[3]
        code, text = command(
            demo, "query", "select count(*) > 0 as filled from gold.fct_order_lines", **environment
        )
        assert (code, "True" in text or "true" in text) == (0, True)
    finally:
        command(demo, "demo", "down", "--wipe", **environment)
    assert gateway.secret_key not in "".join(printed)
    for folder, _, names in os.walk(demo):
        for name in names:
            assert gateway.secret_key.encode() not in Path(folder, name).read_bytes(), name
