"""Which files of a commit belong to the project."""

from __future__ import annotations

import subprocess
from pathlib import Path

from plugins.review import Repository
from plugins.schema_drift.reading import Files

GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]


def test_projects_inside_of_it_are_their_own(tmp_path: Path) -> None:
    files = ("shop/dbt_project.yml", "shop/models/a.sql", "shop/tests/inner/dbt_project.yml", "other.sql")
    for path in (*files, "shop/tests/inner/models/a.sql", "shop/tests/one.sql"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*GIT, *command], cwd=tmp_path, check=True)
    repository = Repository.find(tmp_path)
    found = Files.at(repository, tmp_path / "shop", repository.resolve("HEAD"))
    assert sorted(found.texts) == ["dbt_project.yml", "models/a.sql", "tests/one.sql"]
