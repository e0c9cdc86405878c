"""Settles holds: what people decided about their proposals, and patches that they made themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import Lake
from plugins.core.ledger import Hold, Ledger, Run, hold, open_holds, open_run, release
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.review import Proposal, Proposals
from plugins.review.forge.forge import Decision
from plugins.schema_drift.healing.coping import copes, readers_state
from plugins.schema_drift.healing.merging import is_in_head
from plugins.schema_drift.healing.streams import read_streams, stream_of
from plugins.schema_drift.healing.undone import rows_left_behind
from plugins.schema_drift.healing.watched import Watched

# How the reason of a proposal begins that Smelt itself closed; see `close_undone`.
UNDONE = "undone upstream"


def settle(settings: Settings, project: Project) -> Watched:
    """Release what was decided since the last time; for builds that no watch comes before.

    Raises SmeltError only if the ledger cannot be read.
    """
    watched, ledger = Watched(), Ledger(settings)
    holds = open_holds(ledger)
    if holds:
        with open_run(ledger, "drift") as run:
            settle_holds(settings, project, run, holds, watched)
    return watched


def settle_holds(
    settings: Settings, project: Project, run: Run, holds: Sequence[Hold], watched: Watched
) -> tuple[Hold, ...]:
    """Release what was decided; returns what still waits."""
    proposals = Proposals(settings)
    by_proposal: dict[str | None, list[Hold]] = defaultdict(list)
    for one in holds:
        by_proposal[one.proposal_id].append(one)
    waiting: list[Hold] = []
    for proposal_id, group in by_proposal.items():
        is_over = proposal_id is not None and _settle_proposal(proposals, run, proposal_id, group, watched)
        if not is_over:
            waiting += [one for one in group if not _settle_by_hand(project, run, one, watched)]
    return tuple(waiting)


def _settle_proposal(
    proposals: Proposals, run: Run, proposal_id: str, holds: list[Hold], watched: Watched
) -> bool:
    """Whether a decision about the proposal released its holds."""
    names = ", ".join(one.name for one in holds)
    try:
        proposal = proposals.find(proposal_id).proposal
        found = proposals.status(proposal)
    except SmeltError as error:
        watched.tell("warning", f"{names}: proposal {proposal_id}: {error.message}", fix=error.hint)
        return False
    if found.problem:
        text = (
            f"{found.forge} cannot be asked about proposal {proposal_id}: {found.problem}; {names} stays held back"
        )
        watched.tell("warning", text, fix="try again later", proposal_id=proposal_id)
    decision = found.state.decision
    if decision is Decision.CLOSED:
        return _closed(proposals.settings, run, holds, found.state.detail, watched)
    is_merged = decision in (Decision.MERGED, Decision.MERGED_EDITED)
    if not _is_here(proposals, proposal, is_merged, watched, names):
        return False
    reach("drift-before-release")
    release(run, *holds, reason="merged")
    reach("drift-after-release")
    text = f"{names}: proposal {proposal_id} is merged; what was held back is replayed by this build"
    watched.tell("released", text, proposal_id=proposal_id, url=found.state.url)
    return True


def _is_here(proposals: Proposals, proposal: Proposal, is_merged: bool, watched: Watched, names: str) -> bool:
    """Whether the checkout that is built has the merge, be it that the forge knows of it or not yet."""
    try:
        is_here = is_in_head(proposals, proposal, is_merged)
    except SmeltError as error:
        watched.tell("warning", f"{names}: {error.message}", fix=error.hint, proposal_id=proposal.id)
        return False
    if is_merged and not is_here:
        text = f"{names}: proposal {proposal.id} is merged, but not in this checkout; it stays held back here"
        fix = "git pull, then run again"
        if not proposal.changes:
            # A squashed merge of no files may leave no trace that could be found.
            fix += f"; or, if this checkout has the answers, `smelt drift release` for {names}"
        watched.tell("warning", text, fix=fix, proposal_id=proposal.id)
    return is_here


def _closed(settings: Settings, run: Run, holds: list[Hold], detail: str, watched: Watched) -> bool:
    """Release what a person, or Smelt itself, closed; False: rows wait that models would read wrongly."""
    names, proposal_id = ", ".join(one.name for one in holds), holds[0].proposal_id
    if detail.startswith(UNDONE):
        # Smelt closed it: here, stopped before it could say so, or in `smelt drift propose`.
        lake, streams = Lake(settings), read_streams(settings.project_dir)
        if any(rows_left_behind(lake, one, stream_of(one.table, streams).key) for one in holds):
            # They wait for a patch made by hand, then: looking for drift says so.
            holds[:] = [replace(one, proposal_id=None) for one in holds]
            hold(run, *holds)
            return False
        release(run, *holds, reason="undone")
        watched.tell("released", f"{names}: as before the drift again", proposal_id=proposal_id)
        return True
    release(run, *holds, reason="closed")
    text = (
        f"{names}: somebody closed proposal {proposal_id} without merging it{f' ({detail})' if detail else ''}; "
    )
    text += "models read the changed source as they are from now on, and this drift is not proposed again"
    fix = "if models break or numbers are wrong, correct them by hand; `smelt rollback` shows the tables of before"
    watched.tell("warning", text, fix=fix, proposal_id=proposal_id)
    return True


def _settle_by_hand(project: Project, run: Run, held: Hold, watched: Watched) -> bool:
    """Whether a patch that a person made copes with the drift; looked at only if models changed since."""
    before = held.detail.get("readers")
    if not held.is_blocking or not before:
        return False
    try:
        now = readers_state(project, held)
        if now == before or not copes(project, held):
            return False
    except SmeltError as error:
        watched.tell("warning", f"{held.name}: {error.message}", fix=error.hint)
        return False
    release(run, held, reason="by hand")
    text = f"{held.name}: the models that read it name its columns of now; what was held back is replayed"
    fix = None
    if held.proposal_id:
        fix = f"smelt proposals close {held.proposal_id}, unless there is more in it"
    watched.tell("released", text, fix=fix, proposal_id=held.proposal_id)
    return True


def remember(run: Run, held: Hold, **detail: object) -> Hold:
    """The hold with more detail, in the ledger too."""
    changed = replace(held, detail={**held.detail, **detail})
    hold(run, changed)
    return changed
