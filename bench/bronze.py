"""A scratch project with the demo's bronze, as often as wanted: orders get a suffix, all else stays."""

from __future__ import annotations

import shutil
from pathlib import Path

from plugins.core import duck
from plugins.core.lake import Batch, Lake, commit_batch, ensure_columns
from plugins.core.lake.catalog import data_folder
from plugins.core.ledger import new_id
from plugins.core.settings import load_settings

ROOT = Path(__file__).parents[1]
_PARTS = (
    "dbt_project.yml", "profiles.yml", ".dbtignore", "smelt.toml",
    "models", "macros", "contracts", "sources", "seeds", "tests/assertions",
)  # fmt: skip


def copy_project(target: Path) -> Path:
    """The dbt project and its contracts, without any data."""
    for part in _PARTS:
        source, copy = ROOT / part, target / part
        if source.is_dir():
            shutil.copytree(source, copy, dirs_exist_ok=True)
        elif source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    return target


def fill_bronze(project: Path, lake_of_the_demo: Path, copies: int) -> int:
    """Commit every bronze table of `lake_of_the_demo` into `project`'s lake, with `copies` of each order.

    Returns the number of order lines.
    """
    demo, lake = Lake(load_settings(lake_of_the_demo)), Lake(load_settings(project))
    con = duck.connect()
    lines = 0
    for name in demo.tables("bronze"):
        table = demo.table(f"bronze.{name}")
        rows = f"iceberg_scan({duck.literal(table.metadata_location.removeprefix('file://'))})"
        many = name in {"shop__orders", "shop__order_lines"}
        select = _copied(rows, copies) if many else f"select * from {rows}"
        identifier = f"bronze.{name}"
        ensure_columns(lake, identifier, con.sql(f"{select} limit 0").to_arrow_table().schema)
        batch_id = new_id()
        file = f"{data_folder(lake.table(identifier))}/{batch_id}.parquet"
        con.execute(f"copy ({select}) to {duck.literal(file)} (compression zstd)")
        commit_batch(lake, identifier, Batch(batch_id, [file], None))
        if name == "shop__order_lines":
            found = con.execute(f"select count(*) from {duck.literal(file)}").fetchone()
            lines = found[0] if found else 0
    return lines


def _copied(rows: str, copies: int) -> str:
    """Each row once per copy, with its own order and its own place in the batch."""
    return (
        "select * exclude (copy) replace (order_id || '-' || copy as order_id, "
        "_smelt_source_position || '-' || lpad(copy::varchar, 4, '0') as _smelt_source_position) "
        f"from (select *, unnest(range({copies})) as copy from {rows})"
    )
