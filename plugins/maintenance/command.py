"""`smelt maintain`: thin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from plugins.core.lake import Lake
    from plugins.core.lake.maintenance import Maintained


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("maintain")(maintain)


def maintain(
    selectors: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE[.STREAM]]…", help="Bronze tables; default: all, and what is published."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, and say what would be done.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compact small files, expire old snapshots, delete files that nothing needs any more."""
    from rich.console import Console

    from plugins.core.lake import Lake
    from plugins.core.settings import load_settings
    from plugins.core.warehouse.maintaining import maintain_bronze, maintain_published

    settings = load_settings()
    lake = Lake(settings)
    runs: list[str] = []
    published: list[Maintained] = []
    names = _chosen(lake, selectors or ()) if lake.exists() else []
    if lake.exists() and not selectors:
        # First, so that bronze snapshots that only a removed run needed can go too.
        runs, published = maintain_published(lake, thorough=True, is_dry=dry_run)
    done = [*maintain_bronze(lake, names, thorough=True, is_dry=dry_run), *published]
    if as_json:
        tables = [{**asdict(one), "is_idle": one.is_idle} for one in done]
        typer.echo(json.dumps({"is_dry_run": dry_run, "removed_runs": runs, "tables": tables}))
        return
    console = Console(highlight=False)
    console.print(_shown(done) if done else "there is nothing in the lake yet", soft_wrap=True)
    console.print(_summary(done, runs, dry_run, settings.maintenance.grace_minutes), soft_wrap=True)


def _chosen(lake: Lake, selectors: Sequence[str]) -> list[str]:
    """Names of the bronze tables that the selectors name; raises SmeltError that lists the known ones."""
    from plugins.core.errors import SmeltError

    names = lake.tables("bronze")
    if not selectors:
        return names
    chosen = []
    for selector in selectors:
        source, _, stream = selector.partition(".")
        found = [n for n in names if n == f"{source}__{stream}" or (not stream and n.startswith(f"{source}__"))]
        if not found:
            known = ", ".join(name.replace("__", ".", 1) for name in names) or "none"
            raise SmeltError(f"bronze has nothing of {selector!r}", f"choose among: {known}")
        chosen += found
    return list(dict.fromkeys(chosen))


def _shown(done: Sequence[Maintained]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    columns = ("table", "snapshots", "expired", "pinned", "compacted", "files deleted", "freed", "waiting", "")
    table = Table(*columns, box=None, pad_edge=False, header_style="dim")
    table.columns[0].no_wrap = True
    for column in table.columns[1:8]:
        column.justify = "right"
    for one in done:
        merged = f"{one.compacted:,} → {one.made:,}" if one.compacted else ""
        counts = (one.snapshots, one.expired or "", one.pinned or "", merged, one.deleted or "")
        freed = _size(one.bytes) if one.bytes else ""
        note = "busy: another process maintains it" if one.is_busy else ""
        table.add_row(escape(one.table), *map(str, counts), freed, str(one.waiting or ""), note)
    return table


def _summary(done: Sequence[Maintained], runs: Sequence[str], dry_run: bool, grace: float) -> str:
    freed, waiting = sum(one.bytes for one in done), sum(one.waiting for one in done)
    verb = "would free" if dry_run else "freed"
    parts = [f"{verb} {_size(freed)}"]
    if runs:
        parts.append(f"{len(runs)} published runs {'would go' if dry_run else 'removed'}")
    if waiting:
        parts.append(
            f"{waiting:,} files that nothing refers to any more stay for {grace:g} minutes, for their readers"
        )
    return "; ".join(parts)


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
