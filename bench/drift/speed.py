"""How long a drift takes: seen among 200 tables, and from there to a validated pull request among 1,000 models.

The way to the pull request is held against plain dbt in the same run, which builds everything below the source
that drifted, once, and compares nothing.
"""

from __future__ import annotations

import json
import shlex
import shutil
import tempfile
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from bench.generated_project import fill, generate
from bench.measure import Cost, measure, tool

MODELS = 1_000
TABLES = 200
ROWS = 1_000
_IDENTITY = {
    f"GIT_{who}_{what}": "bench@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
# The first of the generated sources; its staging model is read by far the most.
_DRIFTED = "table_0"
_RENAME = f"alter table raw.{_DRIFTED} rename column cust_id to client_ref"


def run(console: Console) -> None:
    """Measure both ways, and print their tables."""
    for title, measured in (("seeing", _see), ("proposing", _propose)):
        folder = Path(tempfile.mkdtemp(prefix=f"smelt-bench-{title}-"))
        try:
            measured(console, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _see(console: Console, folder: Path) -> None:
    """A check of many tables, of which one in twenty drifted."""
    _many_tables(folder)
    measure(tool("smelt", "drift", "snapshot"), cwd=folder)
    with duckdb.connect(str(folder / "many.duckdb")) as con:
        for number in range(0, TABLES, 20):
            con.execute(f"alter table raw.table_{number} rename column amount to value_gross")
    table = Table(title=f"smelt drift check, {TABLES} tables of {ROWS:,} rows, {TABLES // 20} of them drifted")
    for column in ("", "check s", "command s", "CPU s", "peak MiB"):
        table.add_column(column, justify="left" if not column else "right")
    for name in ("the first", "a later one"):
        cost, found = _measured(folder, "smelt", "drift", "check", "--json")
        assert len(found["changes"]) == TABLES // 20, found["changes"]
        table.add_row(
            name, f"{found['seconds']:.2f}", f"{cost.wall:.2f}", f"{cost.cpu:.2f}", f"{cost.peak_mib:.0f}"
        )
    console.print(table)
    console.print("wanted: ≤ 1 s of check")


def _propose(console: Console, folder: Path) -> None:
    """A rename in the most-read source, to a pull request that is ready to merge."""
    generate(folder, MODELS)
    fill(folder)
    measure(tool("dbt", "run", "--quiet"), cwd=folder)
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "base")):
        measure(["git", *command], _IDENTITY, cwd=folder)
    # It keeps dbt's parse, too, which is why it is told.
    snapshot = measure(tool("smelt", "drift", "snapshot"), cwd=folder).wall
    plain = _plain_dbt(folder)
    with duckdb.connect(str(folder / "generated.duckdb")) as con:
        # The staging views would refuse it.
        con.execute(_RENAME)
    cost, said = _measured(folder, "smelt", "drift", "propose", "--json")
    assert len(said["proposals"]) == 1, said
    table = Table(title=f"From a renamed column to a validated pull request, {MODELS:,} models")
    for column in ("", "wall s", "dbt's", "peak MiB"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row("smelt drift snapshot, before", f"{snapshot:.1f}", f"{snapshot / plain:.1f} ×", "")
    table.add_row(f"dbt build, source:raw.{_DRIFTED}+, before", f"{plain:.1f}", "1.0 ×", "")
    table.add_row("smelt drift propose", f"{cost.wall:.1f}", f"{cost.wall / plain:.1f} ×", f"{cost.peak_mib:.0f}")
    console.print(table)
    console.print("wanted: ≤ 30 s")


def _plain_dbt(folder: Path) -> float:
    """Seconds that dbt takes in a fresh clone, onto a copy of production, for one build with its tests."""
    clone = folder / "target" / "clone"
    measure(["git", "clone", "-q", str(folder), str(clone)])
    shutil.copyfile(folder / "generated.duckdb", clone / "generated.duckdb")
    command = tool("dbt", "build", "--quiet", "--select", f"source:raw.{_DRIFTED}+")
    return measure(command, cwd=clone).wall


def _many_tables(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dbt_project.yml").write_text("name: many\nversion: '1.0'\nprofile: many\n")
    (folder / "profiles.yml").write_text(
        "many: {target: dev, outputs: {dev: {type: duckdb, path: many.duckdb}}}\n"
    )
    tables = "".join(f"      - name: table_{n}\n" for n in range(TABLES))
    (folder / "models").mkdir()
    (folder / "models" / "sources.yml").write_text(f"sources:\n  - name: raw\n    tables:\n{tables}")
    (folder / "models" / "stg_raw.sql").write_text("select * from {{ source('raw', 'table_0') }}\n")
    with duckdb.connect(str(folder / "many.duckdb")) as con:
        con.execute("create schema raw")
        for number in range(TABLES):
            con.execute(
                f"""
                create table raw.table_{number} as
                select
                    i as id, i % 17 as customer_id, 'p' || (i * {number + 3} % 101) as product,
                    list_element(['paid', 'open', 'void', 'late'], 1 + (i + {number}) % 4) as status,
                    (i * 37 % 1000) / 10 + {number} as amount, i % 9 as quantity,
                    timestamp '2024-01-01' + interval (i) hour as created_at, i % 5 = 0 as is_gift
                from range({ROWS}) as r(i)
                """
            )


def _measured(folder: Path, *command: str) -> tuple[Cost, dict]:
    """What a command cost, and the JSON that it wrote: to a file, for a pipe holds less than it may be."""
    output = folder / "target" / "output.json"
    quoted = " ".join(map(shlex.quote, tool(*command)))
    cost = measure(["sh", "-c", f"exec {quoted} > {shlex.quote(str(output))}"], _IDENTITY, cwd=folder)
    return cost, json.loads(output.read_text())
