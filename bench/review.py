"""`smelt review` of a change of one column in a project of 1,000 models, and what pruning by columns saves.

Held against plain dbt in a fresh clone, which builds what is modified and all below, once, and compares nothing.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.generated_project import fill, generate
from bench.measure import measure, tool

MODELS = 1_000
_IDENTITY = {
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@example.com",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@example.com",
}


def run(console: Console) -> None:
    """Build the change with dbt; review it without and with what an earlier review left; print the table."""
    folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
    try:
        model = _prepare(folder)
        table = Table(title=f"smelt review of one changed column, {MODELS:,} models")
        for column in ("", "wall s", "dbt's", "built", "of", "saved"):
            table.add_column(column, justify="left" if not column else "right")
        below = _modified_and_below(folder, model)
        plain = _plain_dbt(folder, model)
        table.add_row("dbt build, state:modified+", f"{plain:.1f}", "1.0 ×", str(below), str(below), "0%")
        for name in ("smelt review, the first", "a later one"):
            cost = measure(tool("smelt", "review", "--base", "HEAD~1", "--json", "-o", "review.json"), cwd=folder)
            built = len(json.loads((folder / "review.json").read_text())["built"])
            saved = 1 - built / below
            times = f"{cost.wall / plain:.1f} ×"
            table.add_row(name, f"{cost.wall:.1f}", times, f"2 × {built}", str(below), f"{saved:.0%}")
        console.print(table)
        console.print("wanted: ≤ 30 s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(folder: Path) -> str:
    """A built project with two commits; the second changes one column of the most-read staging model."""
    generate(folder, MODELS)
    fill(folder)
    measure(tool("dbt", "run", "--quiet"), cwd=folder)
    name = "stg_raw__0"
    path = folder / "models" / "staging" / f"{name}.sql"
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "base")):
        measure(["git", *command], _IDENTITY, cwd=folder)
    text = path.read_text()
    own = next(line for line in text.splitlines() if "amt::double * " in line)
    path.write_text(text.replace(own, own.replace("amt::double * ", "amt::double * 2 * ")))
    measure(["git", "commit", "-qam", "change one column"], _IDENTITY, cwd=folder)
    return name


def _plain_dbt(folder: Path, model: str) -> float:
    """Seconds that dbt takes in a fresh clone, onto a copy of production, for one build with its tests."""
    clone = folder / "target" / "clone"
    measure(["git", "clone", "-q", str(folder), str(clone)])
    shutil.copyfile(folder / "generated.duckdb", clone / "generated.duckdb")
    return measure(tool("dbt", "build", "--quiet", "--select", f"{model}+"), cwd=clone).wall


def _modified_and_below(folder: Path, model: str) -> int:
    """How many models dbt's own selection builds for the same change (`state:modified+`)."""
    listed = measure(
        tool("dbt", "ls", "--quiet", "--resource-type", "model", "--select", f"{model}+", "--output", "name"),
        cwd=folder,
    )
    return len(listed.output.split())
