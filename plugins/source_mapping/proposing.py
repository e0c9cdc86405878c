"""A mapping as a proposal: staging models, tests, contracts, what they cover, and what is asked."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.review import FileChange, Proposal, code
from plugins.source_mapping.asking import coverage, questions
from plugins.source_mapping.decisions import KIND
from plugins.source_mapping.drafting.files import Drafts
from plugins.source_mapping.planning.plan import Plan


def make_proposal(
    plan: Plan, drafts: Drafts, committed: Mapping[str, str], base: str, proposal_id: str | None
) -> Proposal | None:
    """What is proposed, without evidence; None if all of it is there: what is open
    was asked when that was proposed, and stands in mapping.yml.

    committed: texts of files by path, as they are in the commit `base`. proposal_id: of an open one that this
    brings up to date.
    """
    changes = tuple(
        FileChange(path=path, before=before, after=text)
        for path, text in sorted(drafts.files.items())
        if (before := committed.get(path)) != text
    )
    asked = tuple(questions(plan, drafts))
    if not changes:
        return None
    proposal = Proposal(
        kind=KIND,
        subject=plan.source.name,
        title=_title(plan, drafts),
        reason=_reason(plan),
        confidence=_confidence(plan),
        base=base,
        changes=changes,
        questions=asked,
        told=drafts.told,
        notes=(coverage(plan, drafts), *drafts.notes, *plan.notes, _how(plan)),
    )
    return proposal if proposal_id is None else proposal.model_copy(update={"id": proposal_id})


def _title(plan: Plan, drafts: Drafts) -> str:
    mapped = [
        entity for stream in plan.mapping.streams for entity in stream.entities if entity.status != "rejected"
    ]
    old = list(dict.fromkeys(one.entity for one in mapped if not one.is_new))
    new = list(dict.fromkeys(one.entity for one in mapped if one.entity in drafts.entities - drafts.there))
    parts = [f"mapped to {_listed(old)}"] if old else []
    parts += (
        [f"{'as ' if not old else ''}new {'entity' if len(new) == 1 else 'entities'} {_listed(new)}"]
        if new
        else []
    )
    return f"{plan.source.name}: {' and '.join(parts) or 'staging models'}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _reason(plan: Plan) -> str:
    columns = [column for s in plan.mapping.streams for e in s.entities for column in e.columns]
    asked = sum(column.status == "question" for column in columns)
    streams = len(plan.source.streams)
    return (
        f"**{streams} {'stream' if streams == 1 else 'streams'} of {code(plan.source.name)}, read, matched and "
        f"staged; {asked or 'no'} {'column is' if asked == 1 else 'columns are'} a question to you.** What "
        "is sure is "
        "mapped, what is doubtful is asked, and what nothing at the source is stays null: nothing is "
        "guessed in silence."
    )


def _how(plan: Plan) -> str:
    return (
        f"**To decide**: `smelt review-mapping {plan.source.name}` shows both sides with their values; or edit "
        f"`sources/{plan.source.name}/mapping.yml` and run `smelt map {plan.source.name}` again: what "
        "stands there "
        "is kept."
    )


def _confidence(plan: Plan) -> float:
    """The mean of what is mapped to entities in place: a new entity is a renaming, and no guess."""
    used = [
        column.confidence
        for stream in plan.mapping.streams
        for entity in stream.entities
        for column in entity.columns
        if column.columns and entity.status != "rejected"
    ]
    return round(sum(used) / len(used), 2) if used else 0.0
