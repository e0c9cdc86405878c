"""What a check or a proposal says: as JSON for machines, as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from plugins.schema_drift.change import Change, Kind, Severity
from plugins.schema_drift.factors import said

if TYPE_CHECKING:
    from plugins.schema_drift.drifting import Checked, Proposed
    from plugins.schema_drift.healing import Held, Standing

_COLORS = {
    Severity.SILENT: "dim",
    Severity.INFORMATIVE: "cyan",
    Severity.BREAKING: "yellow",
    Severity.DANGEROUS: "bold red",
}
_MEANINGS = {
    Severity.BREAKING: "something no longer builds, or a test fails",
    Severity.DANGEROUS: "everything builds, and numbers are wrong",
}
# Of columns that came or went together, so many are named.
_NAMED = 6


def document(checked: Checked, project: str) -> dict[str, Any]:
    """A check as JSON."""
    drift = checked.drift
    names = _names(checked)
    return {
        "project": project,
        "before": checked.labels[0],
        "after": checked.labels[1],
        "tables": checked.looked_at,
        "severity": str(drift.severity) if drift.severity is not None else None,
        "changes": [_change(change, names) | _first_seen(checked, change) for change in drift.changes],
        "notes": list(checked.notes),
        "seconds": round(checked.seconds, 3),
    }


def _change(change: Change, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "kind": str(change.kind),
        "table": names.get(change.table, change.table),
        "node": change.table,
        "before": list(change.before),
        "after": list(change.after),
        "severity": str(change.severity),
        "confidence": round(change.confidence, 4),
        "is_thin": change.is_thin,
        "evidence": [
            {"name": fact.name, "text": fact.text, "value": fact.value, "rows": fact.rows} for fact in change.facts
        ],
        "restores": [
            {"column": one.column, "sql": one.sql, "rows_compared": one.compared, "rows_equal": one.equal}
            for one in change.restores
        ],
        "detail": dict(change.detail),
        "alternatives": [{"kind": kind, "confidence": round(share, 4)} for kind, share in change.alternatives],
        "question": change.question,
    }


def _first_seen(checked: Checked, change: Change) -> dict[str, Any]:
    seen = checked.first_seen_of.get(change.table)
    return {"first_seen": seen.at.isoformat() if seen and seen.at else None, "load": seen.load if seen else None}


def proposed_document(proposed: Proposed) -> dict[str, Any]:
    """A proposal of drift as JSON."""
    proposal = proposed.proposal
    return {
        "proposal": proposal.id,
        "title": proposal.title,
        "confidence": round(proposal.confidence, 4),
        "branch": proposal.branch,
        "url": proposed.url,
        "has_failed": proposed.has_failed,
        "is_new": proposed.is_new,
        "note": proposed.note,
        "files": [change.path for change in proposal.changes],
        "questions": list(proposal.questions),
        "findings": [finding.model_dump(mode="json") for finding in proposal.evidence],
        "seconds": round(proposed.seconds, 2),
    }


def show(console: Console, checked: Checked) -> None:
    """A check as a table: the worst first, one line for each change, or for columns that came or went together."""
    for note in checked.notes:
        console.print(f"[yellow]note[/]  {_shown(note)}", soft_wrap=True)
    before, after = map(_shown, checked.labels)
    if not checked.drift.changes:
        console.print(f"No drift in {_tables(checked.looked_at)} ({before} → {after}, {checked.seconds:.1f} s).")
        return
    grid = Grid(box=None, pad_edge=False)
    grid.add_column("severity", no_wrap=True)
    grid.add_column("table", overflow="fold")
    grid.add_column("what happened", overflow="fold", ratio=2)
    grid.add_column("how we know", overflow="fold", ratio=3)
    grid.add_column("sure", justify="right", no_wrap=True)
    names = _names(checked)
    for change, more in _grouped(checked.drift.changes):
        color = _COLORS[change.severity]
        facts = "; ".join(_common(change) if more else (one.text for one in change.facts)) or "the declared schema"
        sure = f"{change.confidence:.2f}" + (" thin" if change.is_thin else "")
        table = names.get(change.table, change.table)
        told = told_change(change, more)
        grid.add_row(f"[{color}]{change.severity}[/]", _shown(table), _shown(told), _shown(facts), sure)
    console.print(grid)
    worst = checked.drift.severity or Severity.SILENT
    meaning = f": {_MEANINGS[worst]}" if worst in _MEANINGS else ""
    count, changed = len(checked.drift.changes), len({change.table for change in checked.drift.changes})
    color = _COLORS[worst]
    console.print(
        f"\n{count} {'change' if count == 1 else 'changes'} in {changed} of {_tables(checked.looked_at)} "
        f"({before} → {after}, {checked.seconds:.1f} s). Worst: [{color}]{worst}[/]{meaning}.",
        soft_wrap=True,
    )
    for change in checked.drift.changes:
        if change.question:
            console.print(f"[bold]question[/]  {_shown(change.question)}", soft_wrap=True)


def told_change(change: Change, more: Sequence[str] = ()) -> str:
    """A change in words: `column renamed: unit_price → price_gbp`. more: other columns of which it is true."""
    verb = str(change.kind).partition("_")[2].replace("_", " ")
    what = str(change.kind).partition("_")[0]
    old, new = ", ".join(change.before), ", ".join(change.after)
    if more:
        named = [*(change.before or change.after), *more]
        rest = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        return f"{len(named)} {what}s {verb}: {', '.join(named[:_NAMED])}{rest}"
    detail = change.detail
    if change.kind is Kind.COLUMNS_REORDERED:
        return f"{what} {verb}"
    if change.kind in (Kind.TYPE_CHANGED, Kind.TYPE_NARROWED, Kind.TYPE_WIDENED):
        return f"{what} {verb}: {old} {detail.get('type_before', '')} → {detail.get('type_after', '')}"
    if change.kind is Kind.UNIT_CHANGED:
        units = f" ({detail['unit_before']} → {detail['unit_after']})" if detail.get("unit_after") else ""
        return f"unit changed: {old}{units}" + (f", {said(detail['factor'])}" if detail.get("factor") else "")
    names = old if old == new or not new else (new if not old else f"{old} → {new}")
    return f"{what} {verb}: {names}"


def show_proposed(console: Console, proposed: Proposed) -> None:
    """Where the proposal can be read, and what it asks."""
    proposal = proposed.proposal
    console.print(f"[bold]{_shown(proposal.title)}[/]", soft_wrap=True)
    for change in proposal.changes:
        console.print(f"  {_shown(change.path)}", soft_wrap=True)
    for number, question in enumerate(proposal.questions, 1):
        console.print(f"[bold]question {number}[/]  {_shown(question)}", soft_wrap=True)
    verb = "opened" if proposed.is_new else "brought up to date"
    if proposed.url is not None:
        console.print(f"[green]{verb}[/]  {_shown(proposed.url)}  ({proposed.seconds:.1f} s)", soft_wrap=True)
        if proposed.note:
            console.print(f"[yellow]note[/]  {_shown(proposed.note)}", soft_wrap=True)
    elif proposed.has_failed:
        console.print(f"[red]not opened[/]  its evidence failed; `smelt proposals show {proposal.id}` shows which")
    else:
        console.print(f"[yellow]not opened[/]  `smelt proposals open {proposal.id}` opens it")


def show_standing(console: Console, standing: Standing) -> None:
    """What is held back and why, and what waits for a person."""
    if not standing.held and not standing.proposals:
        console.print("Nothing is held back, and no proposal of drift waits.")
        return
    for held in standing.held:
        rows = f", {held.rows:,} {'row waits' if held.rows == 1 else 'rows wait'}" if held.rows is not None else ""
        what = f"held back{rows}" if held.is_blocking else "builds on; its proposal waits"
        since = f"{held.since:%Y-%m-%d %H:%M} UTC"
        console.print(f"[yellow]{_shown(held.stream)}[/]  {what}, since {since}", soft_wrap=True, highlight=False)
        for change in held.changes:
            console.print(f"  {_shown(change)}", soft_wrap=True, highlight=False)
        console.print(f"  [dim]{_way_out(held)}[/]", soft_wrap=True, highlight=False)
    for one in standing.proposals:
        title = f"[bold]{one.proposal}[/]  {_shown(one.state)}: {_shown(one.title)}"
        console.print(title, soft_wrap=True, highlight=False)
        where = f"smelt proposals show {one.proposal}   {_shown(one.url or '')}".rstrip()
        console.print(f"  [dim]{where}[/]", soft_wrap=True, highlight=False)


def _way_out(held: Held) -> str:
    if held.proposal:
        return f"until proposal {held.proposal} is merged or closed"
    return f"until the models that read it are corrected, or `smelt drift release {_shown(held.stream)}`"


def _grouped(changes: Iterable[Change]) -> list[tuple[Change, list[str]]]:
    """Changes, the worst first; columns of one table that came or went alike are one line."""
    found: dict[object, tuple[Change, list[str]]] = {}
    ordered = sorted(changes, key=lambda one: (-one.severity.rank, one.table))
    for number, change in enumerate(ordered):
        is_plain = change.kind in (Kind.COLUMN_ADDED, Kind.COLUMN_REMOVED)
        alike = (change.kind, change.table, change.severity, f"{change.confidence:.2f}", _common(change))
        key = alike if is_plain else number
        if key in found:
            found[key][1].extend(change.before or change.after)
        else:
            found[key] = (change, [])
    return list(found.values())


def _common(change: Change) -> tuple[str, ...]:
    """The facts without the one column's name and type, so that they can be said of several."""
    (name,) = (change.before or change.after)[:1] or ("",)
    kind = change.detail.get("type_before") or change.detail.get("type_after")
    told = (
        fact.text.replace(f"`{name}` ({kind}) ", "each ").replace(f"`{name}` ", "each ") for fact in change.facts
    )
    return tuple(told)


def _names(checked: Checked) -> dict[str, str]:
    return {one.id: one.name for one in (*checked.after, *checked.before)}


def _tables(count: int) -> str:
    return f"{count:,} {'table' if count == 1 else 'tables'}"


def _shown(text: str) -> str:
    """Text as it is shown: names and values come from a source, so nothing in them is markup or moves a cursor."""
    return escape("".join(char if char.isprintable() else " " for char in text))
