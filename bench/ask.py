"""`smelt ask` without a language model: 409 public questions of Spider, scored by what the SQL returns."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from plugins.core.duck import literal, quote
from plugins.core.sql.guard import open_guarded
from plugins.nl_models import Answer, Planner, answer, read_database

_DATA = Path(__file__).with_name("data") / "spider"
# The best published planner without a neural model, on all of Spider's development set (PVLDB 2020).
_ATHENA = 0.788


def run(console: Console) -> None:
    """Ask all questions; print accuracy by database and by confidence, and how long a question takes."""
    lines = (_DATA / "questions.jsonl").read_text().splitlines()
    questions = [json.loads(line) for line in lines]
    right: dict[str, list[bool]] = defaultdict(list)
    by_confidence: dict[float, list[bool]] = defaultdict(list)
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(prefix="smelt-bench-") as folder:
        sessions = {db: _session(Path(folder), db) for db in sorted({q["db_id"] for q in questions})}
        for planner, con in sessions.values():
            # What a first question loads is not what a question takes.
            answer(planner, con, "warm index")
        for question in questions:
            planner, con = sessions[question["db_id"]]
            started = time.perf_counter()
            given = answer(planner, con, question["question"])
            seconds.append(time.perf_counter() - started)
            is_right = _is_right(given, question["gold_rows"], question["ordered"])
            right[question["db_id"]].append(is_right)
            if given.sql is not None:
                by_confidence[given.confidence].append(is_right)
        for _, con in sessions.values():
            con.close()
    _print(console, right, by_confidence, seconds)


def _session(folder: Path, db: str) -> tuple[Planner, duckdb.DuckDBPyConnection]:
    path = folder / f"{db}.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute((_DATA / db / "schema.sql").read_text())
        for (table,) in con.execute("select table_name from duckdb_tables()").fetchall():
            file = next(f for f in (_DATA / db).glob("*.parquet") if f.stem.lower() == table.lower())
            con.execute(f"insert into {quote(table)} from read_parquet({literal(str(file))})")
    con = open_guarded(path)
    return Planner(read_database(con)), con


def _is_right(given: Answer, gold: Sequence[Sequence[Any]], is_ordered: bool) -> bool:
    """Whether the rows are the same: as a bag unless ordered, to four decimals, columns in any order."""
    if given.result is None:
        return False
    wanted = [tuple(map(_plain, row)) for row in gold]
    found = [tuple(map(_plain, row)) for row in given.result.rows]
    if len(wanted) != len(found) or not wanted:
        return len(wanted) == len(found)
    width = len(wanted[0])
    if len(found[0]) != width:
        return False
    orders: Iterable[Sequence[int]] = permutations(range(width)) if width <= 6 else [range(width)]
    for order in orders:
        turned = [tuple(row[n] for n in order) for row in found]
        if turned == wanted if is_ordered else Counter(turned) == Counter(wanted):
            return True
    return False


def _plain(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(int(value))
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return format(round(number, 4), ".10g") if math.isfinite(number) else str(value)


def _print(
    console: Console,
    right: dict[str, list[bool]],
    by_confidence: dict[float, list[bool]],
    seconds: list[float],
) -> None:
    every = [is_right for answers in right.values() for is_right in answers]
    table = Table(title=f"smelt ask, no language model: {len(every)} questions of Spider")
    for column in ("database", "questions", "right"):
        table.add_column(column, justify="left" if column == "database" else "right")
    for db, answers in right.items():
        table.add_row(db, str(len(answers)), f"{sum(answers) / len(answers):.1%}")
    table.add_row("all", str(len(every)), f"{sum(every) / len(every):.1%}", style="bold")
    table.add_row("ATHENA++ (published, all of Spider dev)", "1,034", f"{_ATHENA:.1%}")
    console.print(table)
    calibration = Table(title="how sure, and how often right")
    for column in ("confidence", "answers", "right"):
        calibration.add_column(column, justify="right")
    for confidence, answers in sorted(by_confidence.items(), reverse=True):
        calibration.add_row(f"{confidence:.2f}", str(len(answers)), f"{sum(answers) / len(answers):.1%}")
    console.print(calibration)
    ranked = sorted(seconds)
    p95 = ranked[int(len(ranked) * 0.95)]
    console.print(f"a question takes {ranked[len(ranked) // 2] * 1000:.0f} ms (median), {p95 * 1000:.0f} ms (p95)")
    console.print("wanted: ≥ 75 % right; ≥ 95 % right where confidence ≥ 0.9; p95 ≤ 1 s")
