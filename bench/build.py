"""`smelt build` against `dbt build` of the same models: on the demo, and on more than 10 M order lines."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.bronze import ROOT, copy_project, fill_bronze
from bench.measure import Cost, measure, tool

COPIES = 20  # of the demo's 532,621 order lines


def run(console: Console) -> None:
    """Build both ways at both sizes, print the table."""
    measure(tool("smelt", "demo", "up"), cwd=ROOT)
    measure(tool("smelt", "ingest"), cwd=ROOT)
    table = Table(title="smelt build (gates, scores, publish) against dbt build of the same models")
    for column in ("order lines", "dbt build s", "smelt build s", "ratio", "extra s", "wanted"):
        table.add_column(column, justify="right")
    for copies, wanted in ((1, "≤ 3 s extra"), (COPIES, "≤ 1.10 ×")):
        folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
        try:
            project = copy_project(folder)
            lines = fill_bronze(project, ROOT, copies)
            dbt, smelt = _dbt(project), _smelt(project)
            table.add_row(
                f"{lines:,}",
                f"{dbt.wall:.1f}",
                f"{smelt.wall:.1f}",
                f"{smelt.wall / dbt.wall:.2f} ×",
                f"{smelt.wall - dbt.wall:.1f}",
                wanted,
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    console.print(table)


def _dbt(project: Path) -> Cost:
    cost = measure(tool("dbt", "build", "--quiet"), {"SMELT_PROJECT_DIR": str(project)}, cwd=project)
    shutil.rmtree(project / "lake" / "warehouse")
    return cost


def _smelt(project: Path) -> Cost:
    return measure(tool("smelt", "build"), {"SMELT_PROJECT_DIR": str(project)}, cwd=project)
