"""The whole way on the demo: columns change in PostgreSQL, a pull request, held-back rows, the merge, healed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.bronze import copy_project
from plugins.core.settings import load_settings
from plugins.core.warehouse.reader import open_published

SMELT = str(Path(sys.executable).with_name("smelt"))
# A whole story, with five builds of the demo: on a busy machine it takes more than the usual ten minutes.
pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]


def _run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "SMELT_PROJECT_DIR": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=1800
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _git(folder: Path, *arguments: str) -> str:
    return _run(folder, "git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments)


def _pipeline(folder: Path) -> dict:
    return json.loads(_run(folder, SMELT, "run", "--json"))


def _gold(folder: Path) -> dict[str, tuple]:
    """Row count and a sum of row hashes of each gold table; which load a row came with is another each time."""
    with open_published(load_settings(folder)) as con:
        names = con.execute(
            "select view_name from duckdb_views() where schema_name = 'gold' order by 1"
        ).fetchall()
        return {
            name: con.execute(
                f"select count(*), sum(hash(t)) from (select columns(c -> not starts_with(c, '_smelt_')) "
                f'from gold."{name}") as t'
            ).fetchall()[0]
            for (name,) in names
        }


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    # Not below pytest's own folder, which is closed to the user that PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="smelt-test-"))
    copy_project(folder)
    (folder / ".gitignore").write_text("/target/\n/logs/\n/lake/\n/.smelt/\n.user.yml\n")
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-qm", "start")
    _run(folder, SMELT, "demo", "up")
    yield folder
    _run(folder, SMELT, "demo", "down")
    shutil.rmtree(folder)


def test_drift_is_proposed_held_back_merged_and_healed(project: Path) -> None:
    first = _pipeline(project)
    assert first["build"]["outcome"] == "published"
    before = _gold(project)
    # The tree is dirty: what is proposed is against the last commit, and the edit stays.
    (project / "models/notes.md").write_text("{% docs note %}mine{% enddocs %}\n")

    _run(project, SMELT, "demo", "drift", "--no-run")
    drifted = _pipeline(project)
    news = {one["kind"]: one for one in drifted["drift"]["news"]}
    assert {"held", "proposed"} <= news.keys(), drifted["drift"]
    build = drifted["build"]
    held = {one["stream"]: one["rows"] for one in build["held"]}
    loaded = {f"{s['source']}.{s['stream']}": s["rows_loaded"] for s in drifted["streams"]}
    assert held == {"shop.order_lines": loaded["shop.order_lines"], "shop.products": loaded["shop.products"]}
    assert build["outcome"] == "published"
    assert "gold.fct_order_lines" in build["stale"]
    assert "silver.orders" not in build["stale"]
    # What the streams that are held back feed is as it was; orders are new.
    assert _gold(project)["fct_order_lines"] == before["fct_order_lines"]
    rewritten = {table["dataset"] for table in build["published"]["tables"] if table["is_rewritten"]}
    assert "silver.orders" in rewritten
    assert all(account["is_balanced"] for account in build["accounts"])

    proposal_id = news["proposed"]["proposal_id"]
    shown = _run(project, SMELT, "proposals", "show", proposal_id)
    assert "price_gbp" in shown
    branch = json.loads(_run(project, SMELT, "proposals", "show", proposal_id, "--json"))["branch"]
    _git(project, "merge", "-q", "--no-edit", branch)
    healed = _pipeline(project)
    assert [one["kind"] for one in healed["drift"]["news"]] == ["released"]
    build = healed["build"]
    assert (build["outcome"], build["held"], build["stale"]) == ("published", [], [])
    accounts = {account["stream"]: account for account in build["accounts"]}
    assert len(accounts) == 6
    assert all(account["is_balanced"] for account in accounts.values())
    lines = first["build"]["accounts"][[a["stream"] for a in first["build"]["accounts"]].index("shop.order_lines")]
    assert accounts["shop.order_lines"]["bronze"] == lines["bronze"] + held["shop.order_lines"]
    assert _gold(project) == _never_drifted(project)


def _never_drifted(project: Path) -> dict[str, tuple]:
    """Gold of the same data, loaded by the project as it was from a database whose columns never changed."""
    _run(project, SMELT, "demo", "drift", "--undo", "--no-run")
    folder = Path(tempfile.mkdtemp(prefix="smelt-test-"))
    try:
        copy_project(folder)
        (folder / ".smelt").mkdir()
        (folder / ".smelt" / "demo").symlink_to(project / ".smelt" / "demo")
        assert _pipeline(folder)["build"]["outcome"] == "published"
        return _gold(folder)
    finally:
        shutil.rmtree(folder)
