"""Column lineage of generated projects of 1,000 and 5,000 models, against dbt-colibri on the same files."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.generated_project import fill, generate
from bench.measure import measure, python, tool


def run(console: Console) -> None:
    """Compile each project once, read its lineage both ways, print the table."""
    table = Table(title="Column lineage from a manifest, CPU seconds")
    for column in ("models", "edges", "smelt", "unparsed", "after one change", "dbt-colibri", "unparsed", "ratio"):
        table.add_column(column, justify="right")
    for models, has_peer in ((1_000, True), (5_000, False)):
        folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
        try:
            compile_project(folder, models, with_catalog=has_peer)
            ours = _worker("smelt", folder)
            peer = _worker("colibri", folder) if has_peer else None
            table.add_row(*_row(ours, peer))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    console.print(table)
    console.print("wanted: ≤ 5 s for 1,000 models, at most linear growth, ≤ 0.3 s after one change, ratio ≥ 3")


def compile_project(folder: Path, models: int, *, with_catalog: bool) -> None:
    """Generate a project with its tables (empty ones where a catalog is wanted), and compile it."""
    generate(folder, models)
    fill(folder)
    if with_catalog:
        measure(tool("dbt", "run", "--quiet", "--empty"), cwd=folder)
        measure(tool("dbt", "docs", "generate", "--quiet"), cwd=folder)
    else:
        measure(tool("dbt", "compile", "--quiet"), cwd=folder)


def _worker(who: str, folder: Path) -> dict[str, Any]:
    return json.loads(measure(python("-m", "bench.lineage_workers", who, str(folder))).output.splitlines()[-1])


def _row(ours: dict[str, Any], peer: dict[str, Any] | None) -> list[str]:
    row = [f"{ours['models']:,}", f"{ours['edges']:,}", f"{ours['cpu']:.2f}", str(ours["unparsed"])]
    row.append(f"{ours['after_one_change']:.2f}")
    if peer is None:
        return [*row, "–", "–", "–"]
    return [*row, f"{peer['cpu']:.2f}", str(peer["unparsed"]), f"{peer['cpu'] / ours['cpu']:.1f} ×"]
