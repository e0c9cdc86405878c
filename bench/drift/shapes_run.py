"""The suite of drifts × shapes of projects: Smelt on all chosen cases, judged by dbt and DuckDB alone.

usage: python -m bench.drift.shapes_run [--shapes-per-drift N | --all] [--shape NAME] [--drift NAME] [--seed N]
       [--processes N] [--whole N [--only-whole]] [--write FOLDER] [--tool COMMAND] [--json FILE]

--write FOLDER writes the cases for any tool, and runs nothing. --tool runs another tool: see README.md.
--whole N also takes a seeded sample of N cases all the way to a pull request on the local forge.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from queue import Queue

from rich.console import Console

from bench.drift.shapes.answer import Outcome, Tool, Verdict
from bench.drift.shapes.cases import Case, by_shape, choose, write_folder
from bench.drift.shapes.drifts import happenings
from bench.drift.shapes.oracle import Workbench, judge
from bench.drift.shapes.projects import SHAPES
from bench.drift.shapes.score import print_scores, scores

RESULTS = Path(__file__).parent.parent / ".data" / "drift_shapes.json"
PER_DRIFT = 4
PROCESSES = 2
WHOLE = 20
WHOLE_WAY = "smelt drift propose"


def run(console: Console) -> None:
    """Every drift on four shapes, patched and judged; then a sample all the way to a pull request."""
    cases = choose(PER_DRIFT)
    started = time.perf_counter()
    verdicts = list(judge_all(cases, PROCESSES))
    console.print(f"{len(verdicts)} cases in {time.perf_counter() - started:.0f} s")
    print_scores(console, verdicts)
    whole = list(judge_all(sample(cases, WHOLE), PROCESSES, WHOLE_WAY))
    console.print(f"{len(whole)} of them to a pull request:")
    print_scores(console, whole)
    write_results(RESULTS, verdicts, whole)


def sample(cases: Sequence[Case], count: int, seed: int = 7) -> list[Case]:
    """Some cases, in their order."""
    chosen = random.Random(seed).sample(range(len(cases)), min(count, len(cases)))
    return [cases[number] for number in sorted(chosen)]


def judge_all(cases: Sequence[Case], processes: int = 1, tool: str | None = None) -> Iterator[Verdict]:
    """The verdicts, as they come; each process takes whole shapes, whose projects it parses once.

    tool: command line of another tool, or WHOLE_WAY; default: Smelt without its sandbox.
    """
    if tool == WHOLE_WAY:
        # What is open in one case would be brought up to date by the next.
        hands = [(case.shape.name, ((case.happening.name, case.activity),)) for case in cases]
    else:
        hands = [(s.name, tuple((c.happening.name, c.activity) for c in own)) for s, own in by_shape(cases)]
    if processes < 2:
        for hand in hands:
            yield from _judge_shape(*hand, tool)
        return
    # dbt keeps globals, which a forked process would inherit half used.
    context = get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(processes, mp_context=context) as pool:
        verdicts = manager.Queue()
        tasks = [pool.submit(_judge_into, verdicts, *hand, tool) for hand in hands]
        for _ in tasks:
            yield from iter(verdicts.get, None)
        for task in tasks:
            task.result()


def _judge_into(verdicts: Queue, shape: str, chosen: Sequence[tuple[str, str]], tool: str | None) -> None:
    """Put the verdicts of one shape into the queue, and None at the end."""
    try:
        for verdict in _judge_shape(shape, chosen, tool):
            verdicts.put(verdict)
    finally:
        verdicts.put(None)


def _judge_shape(name: str, chosen: Sequence[tuple[str, str]], tool: str | None) -> Iterator[Verdict]:
    shape = SHAPES[name]
    folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
    try:
        bench = Workbench(shape, folder)
        bench.prepare()
        answering = _tool(bench, tool)
        for drift, activity in chosen:
            case = Case(shape, happenings(shape)[drift], activity)
            bench.happen(case)
            yield judge(bench, case, answering.answer())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tool(bench: Workbench, command: str | None) -> Tool:
    if command == WHOLE_WAY:
        from bench.drift.shapes.whole_way import WholeWay

        return WholeWay(bench.project)
    if command is not None:
        from bench.drift.shapes.command_tool import CommandTool

        return CommandTool(command, bench.project, bench.before)
    from bench.drift.shapes.smelt_tool import SmeltTool

    return SmeltTool(bench.project)


def write_results(path: Path, verdicts: Sequence[Verdict], whole: Sequence[Verdict] = ()) -> None:
    """Scores and every verdict, as JSON. whole: of those that went all the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        name: {"scores": scores(found), "cases": [asdict(one) for one in found]}
        for name, found in (("patched", verdicts), ("proposed", whole))
        if found
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.drift.shapes_run")
    parser.add_argument("--shapes-per-drift", type=int, default=PER_DRIFT)
    parser.add_argument("--all", action="store_true", help="every drift on every shape")
    parser.add_argument("--shape", action="append", default=[], choices=list(SHAPES))
    parser.add_argument("--drift", action="append", default=[])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--whole", type=int, default=0, metavar="N", help="cases all the way to a pull request")
    parser.add_argument("--only-whole", action="store_true", help="of --whole, and nothing else")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the cases, run nothing")
    parser.add_argument("--tool", help="command line of another tool")
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--why", action="store_true", help="print each case that is not right, with the reason")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says."""
    asked, console = _arguments(arguments), Console(width=140)
    each = None if asked.all or asked.drift or asked.shape else asked.shapes_per_drift
    cases = [
        c for c in choose(each, asked.seed, asked.shape) if not asked.drift or c.happening.name in asked.drift
    ]
    if asked.write is not None:
        for case in cases:
            write_folder(case, asked.write / case.name)
        console.print(f"{len(cases)} cases in {asked.write}")
        return 0
    started = time.perf_counter()
    verdicts: list[Verdict] = []
    for verdict in judge_all(() if asked.only_whole else cases, asked.processes, asked.tool):
        verdicts.append(verdict)
        _explain(console, [verdict], asked.why)
    if verdicts:
        console.print(f"{len(verdicts)} cases in {time.perf_counter() - started:.0f} s")
        print_scores(console, verdicts)
    whole = list(judge_all(sample(cases, asked.whole, asked.seed), asked.processes, WHOLE_WAY))
    if whole:
        _explain(console, whole, asked.why)
        print_scores(console, whole)
    write_results(asked.json, verdicts, whole)
    return 0


def _explain(console: Console, verdicts: Sequence[Verdict], is_wanted: bool) -> None:
    for verdict in verdicts:
        if is_wanted and verdict.outcome is not Outcome.RIGHT:
            title = f"{verdict.case} ({verdict.activity}): {verdict.outcome}"
            console.print(title, *verdict.why[:6], sep="\n    ", markup=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
