"""A warm `smelt run` of the demo: nothing new at the sources, everything checked and built."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench.bronze import ROOT
from bench.measure import measure, tool


def run(console: Console) -> None:
    """Run the demo until it is warm, then measure it and an idle `dbt --version` as the floor."""
    measure(tool("smelt", "demo", "up"), cwd=ROOT)
    measure(tool("smelt", "run"), cwd=ROOT)
    warm = min((measure(tool("smelt", "run"), cwd=ROOT) for _ in range(2)), key=lambda cost: cost.wall)
    floor = measure(tool("dbt", "parse", "--quiet"), cwd=ROOT)
    table = Table(title="Warm smelt run of the demo")
    for column in ("", "wall s", "CPU s", "peak MiB"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row(
        "smelt run, nothing new at the sources", f"{warm.wall:.1f}", f"{warm.cpu:.1f}", f"{warm.peak_mib:,.0f}"
    )
    table.add_row(
        "dbt parse alone (start-up floor)", f"{floor.wall:.1f}", f"{floor.cpu:.1f}", f"{floor.peak_mib:,.0f}"
    )
    console.print(table)
