"""What `smelt map` says: a table of the streams, the questions, and where the pull request is; or JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plugins.core.settings import mask
from plugins.review import Outcome
from plugins.source_mapping.drafting.staging import is_used
from plugins.source_mapping.mapping import Mapped

_QUESTIONS = 8


def document(mapped: Mapped) -> dict[str, Any]:
    """As JSON: the mapping, the questions, the proposal."""
    proposal = mapped.proposal
    return {
        "source": mapped.plan.source.name,
        "proposal": proposal.id if proposal else None,
        "url": mapped.url,
        "confidence": proposal.confidence if proposal else None,
        "failed": mapped.has_failed,
        "questions": list(proposal.questions) if proposal else [],
        "files": sorted(change.path for change in proposal.changes) if proposal else [],
        "streams": [stream.model_dump(mode="json") for stream in mapped.plan.mapping.streams],
        "seconds": round(mapped.seconds, 2),
    }


def show(console: Console, mapped: Mapped) -> None:
    """For people."""
    table = Table(title=f"{escape(mapped.plan.source.name)}: what becomes of its streams", title_justify="left")
    for heading in ("stream", "entity", "staging model", "mapped", "asked", "not mapped"):
        table.add_column(heading, justify="right" if heading in ("mapped", "asked", "not mapped") else "left")
    for stream in mapped.plan.mapping.streams:
        for one in stream.entities:
            model = mapped.drafts.models.get((stream.stream, one.entity))
            if model is None:
                continue
            used = sum(is_used(column) for column in one.columns)
            asked = sum(column.status == "question" for column in one.columns)
            new = "" if one.entity in mapped.drafts.there else " (new)"
            made = f"{one.entity}{new}" if one.entity in mapped.drafts.entities else "staged only"
            told = made if one.is_new else f"{one.entity} ({one.confidence:.2f})"
            cells = (
                stream.stream,
                told,
                model,
                f"{used} of {len(one.columns)}",
                str(asked),
                str(len(stream.unmapped)),
            )
            table.add_row(*map(escape, cells))
    console.print(table)
    staged = sum(1 for key in mapped.drafts.models if key[1] not in mapped.drafts.entities | mapped.drafts.there)
    if mapped.drafts.entities and staged:
        console.print(
            f"{staged} of {len(mapped.plan.source.streams)} streams are only staged: no entity, no account of rows"
        )
    proposal = mapped.proposal
    if proposal is None:
        console.print("There is nothing to propose: everything is as mapping.yml says.")
        return
    for question in proposal.questions[:_QUESTIONS]:
        console.print(f"[yellow]?[/]  {escape(mask(question))}", soft_wrap=True)
    if len(proposal.questions) > _QUESTIONS:
        console.print(f"   and {len(proposal.questions) - _QUESTIONS} more questions in the pull request")
    for finding in proposal.evidence:
        if finding.outcome is Outcome.FAILED:
            console.print(
                f"[red]failed[/]  {escape(mask(f'{finding.kind} {finding.subject}: {finding.detail}'))}",
                soft_wrap=True,
            )
    if mapped.has_failed:
        console.print("[red]not opened[/]  what was executed speaks against it: see above, and the proposal")
    for note in mapped.plan.notes:
        console.print(f"[yellow]note[/]  {escape(mask(note))}", soft_wrap=True)
    where = mapped.url or f"smelt proposals show {proposal.id}"
    console.print(f"\nproposal {proposal.id} · {escape(where)} · {mapped.seconds:.1f} s", soft_wrap=True)
    console.print(f"decide what is asked: smelt review-mapping {escape(mapped.plan.source.name)}", soft_wrap=True)
