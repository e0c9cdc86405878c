"""The catalog index of `smelt ask` for a thousand models: built, and reloaded when nothing has changed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from plugins.core.sql.guard import open_guarded
from plugins.nl_models.catalog.index import CatalogIndex

_MODELS, _ROWS = 1_000, 1_000
_COLUMNS = """i as thing_{n}_id, i % 50 as thing_{parent}_id, 'name ' || i as name, 'c' || (i % 12) as category,
['red', 'green', 'blue'][1 + i % 3] as colour, 'city ' || (i % 40) as city, 'x' || (i % 100) as shelf,
i * 1.5 as amount_{n}, i % 7 as size, i % 2 = 0 as is_good, date '2024-01-01' + (i % 300)::int as day,
i % 1000 as weight, i * 2 as height, i * 3 as width, 'text ' || i as remark"""


def run(console: Console) -> None:
    """Write the models' tables, index them, and read the index again."""
    with tempfile.TemporaryDirectory(prefix="smelt-bench-") as folder:
        path = Path(folder) / "warehouse.duckdb"
        names = _write(path)
        con = open_guarded(path)
        marks = dict.fromkeys(names, "first")
        index = CatalogIndex(Path(folder) / "index.json")
        seconds = [_timed(lambda: index.refresh(con, marks, (), None)) for _ in range(2)]
        changed = {**marks, names[0]: "second"}
        seconds.append(_timed(lambda: index.refresh(con, changed, (), None)))
        con.close()
    table = Table(title=f"catalog index of {_MODELS:,} models with 15 columns and {_ROWS:,} rows each")
    for heading in ("", "seconds", "of the processor", "wanted"):
        table.add_column(heading, justify="right" if heading else "left")
    wanted = ("≤ 20", "≤ 0.3", "–")
    for what, took, limit in zip(("built", "reloaded", "one model changed"), seconds, wanted, strict=True):
        table.add_row(what, *(f"{each:.2f}" for each in took), limit)
    console.print(table)


def _write(path: Path) -> list[str]:
    with duckdb.connect(str(path)) as con:
        con.execute("create schema marts")
        for number in range(_MODELS):
            columns = _COLUMNS.format(n=number, parent=number // 3 * 3 if number % 3 else number + 1)
            con.execute(f"create table marts.fct_thing_{number} as select {columns} from range({_ROWS}) as t(i)")
    return [f"marts.fct_thing_{number}" for number in range(_MODELS)]


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, which others on the machine add to, and seconds of its processors, all threads'."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - used
