"""A project whose names and descriptions try to be markup and code, and its lineage page."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plugins.core.project import Project

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHOP = Path(__file__).parents[1] / "review" / "project"

BREAKOUT = "</script><img src=x onerror=alert(1)>"
SLOTS = "{{data}} {{script}} {{policy}}"
LINES = "one\u2028two\u2029three <!-- <script> ]]> &lt;b&gt; \\u003c"
MODEL = "a<b>&amp;"
SOURCE, TABLE = "</script><script>alert(2)</script>", "t<img src=x onerror=alert(3)>"


@dataclass(frozen=True)
class LineagePage:
    """A compiled project and what `smelt lineage --html -o` wrote of it."""

    folder: Path
    file: Path

    @property
    def html(self) -> str:
        """The page as text."""
        return self.file.read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return self.file.as_uri()


def write_page(folder: Path, file: Path) -> LineagePage:
    """Run the command as a user does."""
    run = subprocess.run(
        [str(Path(sys.executable).with_name("smelt")), "lineage", "--html", "-o", str(file)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return LineagePage(folder, file)


@pytest.fixture(scope="session")
def shop_page(tmp_path_factory: pytest.TempPathFactory) -> LineagePage:
    """The shop of the review tests, beside models of which every name that a user can choose is hostile."""
    folder = tmp_path_factory.mktemp("page") / "shop"
    shutil.copytree(SHOP, folder)
    _write_hostile_models(folder / "models")
    project = Project(folder)
    project.compile()
    project.release()
    return write_page(folder, folder.parent / "out" / "lineage.html")


def _write_hostile_models(models: Path) -> None:
    (models / f"{MODEL}.sql").write_text(f"""select 1 as "{BREAKOUT}", 2 as "dots.and#hash%25", 3 as plain""")
    reader = models / "<svg onload=alert(4)>" / "reader.sql"
    reader.parent.mkdir()
    reader.write_text(f"""select "{BREAKOUT}" as copied, plain from {{{{ ref('{MODEL}') }}}}""")
    # Jinja in a description is for dbt, so that slots of the page's template are written as a string.
    slots = "{{ " + json.dumps(SLOTS) + " }}"
    table = {"name": TABLE, "description": BREAKOUT, "columns": [{"name": BREAKOUT}]}
    described = {
        "models": [
            {
                "name": "reader",
                "description": f"{BREAKOUT} {slots} {LINES}",
                "columns": [
                    {"name": "copied", "description": f"{slots} {BREAKOUT}"},
                    {"name": "plain", "description": LINES},
                ],
            }
        ],
        "sources": [{"name": SOURCE, "tables": [table]}],
    }
    (models / "hostile.yml").write_text(json.dumps(described))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser; only tests marked `full` may ask for it."""
    from page_reader import open_browser

    with open_browser() as browser:
        yield browser
