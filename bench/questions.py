"""Questions with their answers, public and our own, and whether a reading of one gives the same rows."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import duckdb

from plugins.core.duck import literal, quote
from plugins.core.sql.guard import Result, open_guarded
from plugins.nl_models import Planner, answer, read_database
from plugins.nl_models.ranking.model import Model
from plugins.nl_models.ranking.trial import Tried, in_order, try_readings

_DATA = Path(__file__).with_name("data")
# Of our own: scored, and never looked at.
FRESH = "rentals"

Session = tuple[Planner, duckdb.DuckDBPyConnection]


@dataclass(frozen=True)
class Question:
    """source: `public`, `own`, or `fresh`. rows: those of the right answer. is_ordered: their order counts."""

    source: str
    db_id: str
    text: str
    sql: str
    rows: Sequence[Sequence[Any]]
    is_ordered: bool


@dataclass(frozen=True)
class Judged:
    """A question's readings as they were run, and which of them are right."""

    question: Question
    tried: Sequence[Tried]
    right: Sequence[bool]

    def ranked(self, model: Model) -> list[tuple[Mapping[str, float], bool]]:
        """The evidence of the readings and whether they are right, the best by a model first."""
        right = {each.reading.sql: is_so for each, is_so in zip(self.tried, self.right, strict=True)}
        return [(each.evidence, right[each.reading.sql]) for each in in_order(self.tried, model)]


def load_questions(sources: Iterable[str] = ("public", "own")) -> list[Question]:
    """The questions of some sources."""
    found = [*_public(), *_own()]
    return [question for question in found if question.source in set(sources)]


def _public() -> Iterator[Question]:
    for line in (_DATA / "spider" / "questions.jsonl").read_text().splitlines():
        entry = json.loads(line)
        sql = entry["gold_sql_duckdb"] or entry["gold_sql_sqlite"]
        yield Question("public", entry["db_id"], entry["question"], sql, entry["gold_rows"], entry["ordered"])


def _own() -> Iterator[Question]:
    connections: dict[str, duckdb.DuckDBPyConnection] = {}
    for line in (_DATA / "planner" / "questions.jsonl").read_text().splitlines():
        entry = json.loads(line)
        db = entry["db_id"]
        if db not in connections:
            connections[db] = duckdb.connect()
            connections[db].execute((_DATA / "planner" / db / "schema.sql").read_text())
        rows = connections[db].execute(entry["gold_sql"]).fetchall()
        source = "fresh" if db == FRESH else "own"
        yield Question(source, db, entry["question"], entry["gold_sql"], rows, entry["ordered"])


@contextmanager
def sessions(questions: Iterable[Question]) -> Iterator[dict[str, Session]]:
    """A planner and a guarded connection for each database that is asked."""
    with tempfile.TemporaryDirectory(prefix="smelt-bench-") as folder:
        opened = {question.db_id: question.source for question in questions}
        found = {db: _open(Path(folder) / f"{db}.duckdb", db, source) for db, source in opened.items()}
        yield found
        for _, con in found.values():
            con.close()


def _open(path: Path, db: str, source: str) -> Session:
    folder = _DATA / ("spider" if source == "public" else "planner") / db
    with duckdb.connect(str(path)) as con:
        con.execute((folder / "schema.sql").read_text())
        parquet = {file.stem.lower(): file for file in folder.glob("*.parquet")}
        for (table,) in con.execute("select table_name from duckdb_tables()").fetchall():
            if file := parquet.get(table.lower()):
                con.execute(f"insert into {quote(table)} from read_parquet({literal(str(file))})")
    con = open_guarded(path)
    return Planner(read_database(con)), con


def judge(questions: Sequence[Question]) -> list[Judged]:
    """All readings of all questions."""
    with sessions(questions) as opened:
        return [_judged(question, *opened[question.db_id]) for question in questions]


def _judged(question: Question, planner: Planner, con: duckdb.DuckDBPyConnection) -> Judged:
    readings = planner.readings(question.text)
    tried = try_readings(readings, planner.catalog, con, Model({"other reading": -1.0, "joined": -0.5}, {}, 0.0))
    right = [is_right(each.result, question.rows, question.is_ordered) for each in tried]
    return Judged(question, tried, right)


@dataclass(frozen=True)
class Asked:
    """What was answered to a question, and how long it took."""

    question: Question
    confidence: float
    is_right: bool
    seconds: float


def ask(questions: Sequence[Question]) -> list[Asked]:
    """Ask all questions as `smelt ask` does."""
    given: list[Asked] = []
    with sessions(questions) as opened:
        for planner, con in opened.values():
            # What a first question loads is not what a question takes.
            answer(planner, con, "warm index")
        for question in questions:
            started = time.perf_counter()
            found = answer(*opened[question.db_id], question.text)
            seconds = time.perf_counter() - started
            correct = is_right(found.result, question.rows, question.is_ordered)
            given.append(Asked(question, found.confidence, correct, seconds))
    return given


def is_right(
    found: Result | None, gold: Sequence[Sequence[Any]], is_ordered: bool, *, may_have_more: bool = False
) -> bool:
    """Whether the rows are the same: as a bag unless ordered, to four decimals, columns in any order.

    may_have_more: columns than the gold has, as comparisons do.
    """
    if found is None:
        return False
    wanted = [tuple(map(_plain, row)) for row in gold]
    given = [tuple(map(_plain, row)) for row in found.rows]
    if len(wanted) != len(given) or not wanted:
        return len(wanted) == len(given)
    width, columns = len(wanted[0]), len(given[0])
    if columns < width or (columns > width and not may_have_more):
        return False
    orders: Iterable[Sequence[int]] = permutations(range(columns), width) if columns <= 6 else [range(width)]
    for order in orders:
        turned = [tuple(row[n] for n in order) for row in given]
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
