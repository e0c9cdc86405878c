"""Counts what became of cases, and prints it by drift and by shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.table import Table

from bench.drift.shapes.answer import Outcome, Verdict

_SHORT = {
    Outcome.RIGHT: "right",
    Outcome.HANDED: "handed",
    Outcome.VAGUE: "vague",
    Outcome.BROKEN: "broken",
    Outcome.CAUGHT: "caught",
    Outcome.SILENT: "silent",
    Outcome.MISSED: "missed",
    Outcome.FALSE: "false",
    Outcome.CRASHED: "crashed",
}


def scores(verdicts: Sequence[Verdict]) -> dict[str, float | int | None]:
    """The figures of a run.

    right_share: of all cases. patches: cases with edits that nobody is asked about, or that hold;
    patches_hold: the share of them that build and leave gold equal. open_patches: those that do not, and ask about
    it. asked_share: of the cases that need a person, those that were handed to one by name. handed: cases that
    were asked though they could be patched. silent, missed, false_proposals: how many. understood: mean share of
    changes told as they are. needless_lines, edited_lines: of all patches that hold.
    """
    held = [one for one in verdicts if one.did == "patched" and one.builds and one.equal]
    patched = [one for one in verdicts if one.did == "patched" and one.outcome is not Outcome.FALSE]
    offered = [one for one in patched if not one.is_asked or (one.builds and one.equal)]
    needs = [one for one in verdicts if one.accepts == ("asked",)]
    known = [one.understood for one in verdicts if one.understood is not None]
    return {
        "cases": len(verdicts),
        "right_share": _share(one.outcome is Outcome.RIGHT for one in verdicts),
        "patches": len(offered),
        "patches_hold": _share(one.builds and one.equal for one in offered),
        "open_patches": len(patched) - len(offered),
        "needs_a_person": len(needs),
        "asked_share": _share(one.outcome is Outcome.RIGHT for one in needs),
        "handed": _count(verdicts, Outcome.HANDED),
        "vague": _count(verdicts, Outcome.VAGUE),
        "broken": _count(verdicts, Outcome.BROKEN),
        "silent": _count(verdicts, Outcome.SILENT),
        "missed": _count(verdicts, Outcome.MISSED),
        "false_proposals": _count(verdicts, Outcome.FALSE),
        "crashed": _count(verdicts, Outcome.CRASHED),
        "understood": sum(known) / len(known) if known else None,
        "edited_lines": sum(one.edits.removed for one in held),
        "added_lines": sum(one.edits.added for one in held),
        "needless_lines": sum(one.edits.needless for one in held),
        "median_seconds": sorted(one.seconds for one in verdicts)[len(verdicts) // 2] if verdicts else None,
    }


def print_scores(console: Console, verdicts: Sequence[Verdict]) -> None:
    """Tables by drift and by shape, and the figures with what is wanted."""
    console.print(_table("by drift", verdicts, lambda one: one.kind))
    console.print(_table("by shape", verdicts, lambda one: one.shape))
    found = scores(verdicts)
    for line in (
        f"right: {_percent(found['right_share'])} of {found['cases']} cases, "
        f"{found['median_seconds'] or 0:.2f} s each",
        f"patches that build and leave gold equal: {_percent(found['patches_hold'])} of {found['patches']} "
        f"(wanted: ≥ 95%); {found['open_patches']} more ask about what does not hold yet",
        f"handed to a person where one is needed: {_percent(found['asked_share'])} of {found['needs_a_person']}; "
        f"where it could be patched: {found['handed']}; without saying about what: {found['vague']}",
        f"silently wrong: {found['silent']}, missed: {found['missed']}, "
        f"false: {found['false_proposals']} (wanted: 0)",
        f"patches that do not build: {found['broken']}, crashed: {found['crashed']}",
        f"changes told as they are: {_percent(found['understood'])}",
        f"lines edited: {found['edited_lines']}, of them needlessly: {found['needless_lines']}",
    ):
        console.print(line, highlight=False)


def _table(title: str, verdicts: Sequence[Verdict], by: Callable[[Verdict], str]) -> Table:
    table = Table(title=f"Drifts × shapes, {title}")
    table.add_column("")
    table.add_column("cases", justify="right")
    for name in _SHORT.values():
        table.add_column(name, justify="right")
    for group in dict.fromkeys(map(by, verdicts)):
        own = [one for one in verdicts if by(one) == group]
        counts = [_count(own, outcome) for outcome in _SHORT]
        table.add_row(group, str(len(own)), *(str(n) if n else "" for n in counts))
    return table


def _count(verdicts: Iterable[Verdict], outcome: Outcome) -> int:
    return sum(one.outcome is outcome for one in verdicts)


def _share(hits: Iterable[object]) -> float | None:
    found = [bool(hit) for hit in hits]
    return sum(found) / len(found) if found else None


def _percent(share: float | int | None) -> str:
    return "-" if share is None else f"{share:.1%}"
