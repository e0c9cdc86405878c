"""Whether dbt can go on from its parse of another commit: it loses snapshots in YAML whose parent is edited."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from plugins.review.git import Repository
from plugins.review.sandbox.parsing import can_go_on

GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
SOURCES = "sources:\n  - name: raw\n    tables:\n      - name: orders\n        description: Orders\n"
SNAPSHOTS = """snapshots:
  - name: orders_snapshot
    relation: source('raw', 'orders')
  - name: products_hist
    relation: ref("stg_products")
"""
FILES = {
    "models/sources.yml": SOURCES,
    "models/others.yml": "models: [{name: others}]\n",
    "models/stg_products.sql": "select 1 as product_id\n",
    "models/others.sql": "select 2 as id\n",
    "snapshots/s.yml": SNAPSHOTS,
}


def _commit(folder: Path, files: dict[str, str | None]) -> str:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            (folder / path).unlink()
        else:
            (folder / path).write_text(text)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "change"]):
        subprocess.run([*GIT, *words], cwd=folder, check=True)
    return Repository.find(folder).resolve("HEAD")


@pytest.mark.parametrize(
    ("edits", "wanted"),
    [
        ({"models/stg_products.sql": "select 3 as product_id\n"}, True),
        (
            {"models/others.yml": "models: [{name: others, description: Others}]\n", "models/others.sql": None},
            True,
        ),
        ({"models/sources.yml": SOURCES.replace("Orders", "All orders")}, False),
        ({"snapshots/s.yml": SNAPSHOTS.replace("source('raw', 'orders')", "ref('base_orders')")}, False),
        ({"models/stg_products.sql": None}, False),
    ],
)
def test_a_parse_is_used_unless_a_snapshot_would_be_lost(
    tmp_path: Path, edits: dict[str, str | None], wanted: bool
) -> None:
    before = _commit(tmp_path, dict(FILES))
    after = _commit(tmp_path, edits)
    assert can_go_on(Repository.find(tmp_path), before, after) is wanted


def test_without_snapshots_in_yaml_any_parse_is_used(tmp_path: Path) -> None:
    before = _commit(tmp_path, {key: text for key, text in FILES.items() if key != "snapshots/s.yml"})
    after = _commit(tmp_path, {"models/sources.yml": SOURCES.replace("Orders", "All orders")})
    repository = Repository.find(tmp_path)
    assert can_go_on(repository, before, after)
    assert not can_go_on(repository, "0" * 40, after)
