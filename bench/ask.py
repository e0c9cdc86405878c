"""`smelt ask` without a language model: public questions of Spider and our own, scored by what the SQL returns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from rich.console import Console
from rich.table import Table

from bench.ablation import ablation
from bench.confidence import fit
from bench.questions import Asked, Judged, ask, judge, load_questions

# The best published planner without a neural model, on all of Spider's development set (PVLDB 2020).
_ATHENA = 0.788
_SURE = 0.9
_CONSTRUCTS = (
    "joins", "groups", "having", "extremes", "orders", "sets", "negations", "subqueries", "distinct",
    "alternatives", "numbers in text",
)  # fmt: skip
_STEPS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01)


def run(console: Console) -> None:
    """Ask all questions; print how many are right, how sure it is, and what each part is good for."""
    given = ask(load_questions(("public", "own", "fresh")))
    console.print(_by_database(given))
    judged = judge(load_questions())
    left_out = left_out_confidence(judged)
    console.print(_reliability("confidence fitted without the database asked", left_out))
    public = [pair for pair, one in zip(left_out, judged, strict=True) if one.question.source == "public"]
    console.print(_reliability("the same, public questions only", public))
    console.print(_constructs(judged))
    console.print(_ablation())
    ranked = sorted(one.seconds for one in given)
    p95 = ranked[int(len(ranked) * 0.95)]
    console.print(f"a question takes {ranked[len(ranked) // 2] * 1000:.0f} ms (median), {p95 * 1000:.0f} ms (p95)")
    console.print("wanted: ≥ 75 % right; ≥ 95 % right where confidence ≥ 0.9; p95 ≤ 1 s")


def left_out_confidence(judged: Sequence[Judged]) -> list[tuple[float, bool]]:
    """Confidence and whether it is right, of each question by a model that was fitted without its database."""
    models = {db: fit(judged, without=(db,)) for db in {one.question.db_id for one in judged}}
    found: list[tuple[float, bool]] = []
    for one in judged:
        model = models[one.question.db_id]
        ranked = one.ranked(model)
        found.append((model.probability(ranked[0][0]), ranked[0][1]) if ranked else (0.0, False))
    return found


def _by_database(given: Sequence[Asked]) -> Table:
    table = _table("smelt ask, no language model", "questions", "asked", "right", f"≥ {_SURE}", "of those right")
    groups: dict[str, list[Asked]] = defaultdict(list)
    for one in given:
        groups[f"{one.question.source}: {one.question.db_id}"].append(one)
    for one in given:
        groups[f"{one.question.source}, all"].append(one)
    for name, ones in groups.items():
        sure = [one.is_right for one in ones if one.confidence >= _SURE]
        style = "bold" if name.endswith(", all") else None
        cells = (str(len(ones)), _share([one.is_right for one in ones]), str(len(sure)), _share(sure))
        table.add_row(name, *cells, style=style)
    table.add_row("ATHENA++ (published, all of Spider dev)", "1,034", f"{_ATHENA:.1%}", "", "")
    return table


def _reliability(title: str, pairs: Sequence[tuple[float, bool]]) -> Table:
    sure = [right for confidence, right in pairs if confidence >= _SURE]
    caption = (
        f"≥ {_SURE}: {len(sure) / len(pairs):.0%} of the questions, {_share(sure)} right; "
        f"expected calibration error {calibration_error(pairs):.3f}"
    )
    table = _table(title, "confidence", "questions", "mean", "right")
    table.caption = caption
    for low, high in pairwise(_STEPS):
        within = [pair for pair in pairs if low <= pair[0] < high]
        if within:
            mean = sum(confidence for confidence, _ in within) / len(within)
            cells = (str(len(within)), f"{mean:.2f}", _share([right for _, right in within]))
            table.add_row(f"{low:.2f} to {min(high, 1.0):.2f}", *cells)
    return table


def calibration_error(pairs: Sequence[tuple[float, bool]]) -> float:
    """How far confidence is from the share that is right, on average over ten equal steps."""
    total = 0.0
    for step in range(10):
        within = [pair for pair in pairs if step / 10 <= pair[0] < (step + 1) / 10 + (step == 9)]
        total += abs(sum(confidence - right for confidence, right in within))
    return total / len(pairs)


def _constructs(judged: Sequence[Judged]) -> Table:
    """What plans of each construct are answered right, and their share of all errors."""
    model = fit(judged)
    right: dict[str, list[bool]] = defaultdict(list)
    for one in judged:
        ranked = one.ranked(model)
        evidence, correct = ranked[0] if ranked else ({}, False)
        for name in _CONSTRUCTS:
            if evidence.get(name, 0):
                right[name].append(correct)
        if not any(evidence.get(name, 0) for name in ("joins", "groups", "extremes", "subqueries", "sets")):
            right["none of these, one table"].append(correct)
        right["all"].append(correct)
    errors = sum(not is_so for is_so in right["all"])
    table = _table("constructs of the plan (public and own)", "construct", "questions", "right", "share of errors")
    for name, ones in sorted(right.items(), key=lambda pair: -len(pair[1])):
        wrong = sum(not is_so for is_so in ones)
        table.add_row(name, str(len(ones)), _share(ones), f"{wrong / max(errors, 1):.0%}")
    return table


def _ablation() -> Table:
    """How many are right without one part."""
    table = _table("without one part", "without", "public right", "own right")
    for name, given in ablation(load_questions()):
        sources = ("public", "own")
        table.add_row(
            name, *(_share([one.is_right for one in given if one.question.source == s]) for s in sources)
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title)
    table.add_column(first)
    for column in others:
        table.add_column(column, justify="right")
    return table


def _share(right: Sequence[bool]) -> str:
    return f"{sum(right) / len(right):.1%}" if right else "–"
