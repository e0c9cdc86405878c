"""`smelt query`."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from plugins.core.sql.guard import Result


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("query")(query)


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT, or - to read it from stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows that are fetched at most.")] = 100,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds that it may take.")] = 30.0,
    project_dir: Annotated[
        Path, typer.Option("--project-dir", help="Folder of smelt.toml.", show_default="this folder")
    ] = Path(),
) -> None:
    """Ask the published tables in SQL, safely: one SELECT, read-only, no files, no network.

    smelt query "select country, sum(revenue_gbp) from gold.agg_revenue_daily group by all"
    smelt query - --json < question.sql
    """
    from plugins.core.settings import load_settings
    from plugins.core.sql.guard import Limits, check, run
    from plugins.core.warehouse.reader import open_published

    text = sys.stdin.read() if sql == "-" else sql
    with open_published(load_settings(project_dir.resolve())) as con:
        relations = [
            f"{schema}.{name}"
            for schema, name in con.execute(
                "select schema_name, view_name from duckdb_views() where not internal"
            ).fetchall()
        ]
        result = run(con, check(text, relations), Limits(seconds=timeout, rows=limit))
    if as_json:
        names = _unique(result.columns)
        document = {
            "columns": [{"name": n, "type": t} for n, t in zip(names, result.types, strict=True)],
            "rows": [dict(zip(names, row, strict=True)) for row in result.rows],
            "is_truncated": result.is_truncated,
        }
        typer.echo(json.dumps(document, default=str, indent=2))
    else:
        _show(result)


def _unique(names: Sequence[str]) -> list[str]:
    """Names for JSON, where the second column of a name would take the place of the first."""
    found: list[str] = []
    for name in names:
        again = (f"{name}_{n}" for n in itertools.count(1))
        found.append(name if name not in found else next(other for other in again if other not in found))
    return found


def _show(result: Result) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in result.columns:
        table.add_column(Text(column))
    for row in result.rows:
        table.add_row(*(Text("∅" if value is None else str(value)) for value in row))
    console = Console(highlight=False)
    console.print(table)
    more = ", and there are more: raise --limit" if result.is_truncated else ""
    console.print(f"[dim]{len(result.rows)} rows{more}[/]")
