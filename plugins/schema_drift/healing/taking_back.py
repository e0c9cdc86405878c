"""A source that takes its drift back: what is held is released, unless rows came that the old models misread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from plugins.core.failpoints import reach
from plugins.core.lake import Lake
from plugins.core.ledger import Hold, release
from plugins.review import Proposals
from plugins.schema_drift.healing.leaving_out import leave_out
from plugins.schema_drift.healing.round import Watch, guarded
from plugins.schema_drift.healing.settling import UNDONE, remember
from plugins.schema_drift.healing.streams import stream_of
from plugins.schema_drift.healing.undone import rows_left_behind


def take_back(one: Watch, gone: Sequence[Hold], *, has_more: bool) -> list[Hold]:
    """Release what the source took back; returns what must wait on for rows that came meanwhile."""
    lake = Lake(one.settings)
    counts = [
        rows_left_behind(lake, held, stream_of(held.table, one.streams).key) if held.is_blocking else 0
        for held in gone
    ]
    over = [held for held, left in zip(gone, counts, strict=True) if not left]
    waiting = [(held, left) for held, left in zip(gone, counts, strict=True) if left]
    shared = {held.proposal_id: _leave_out(one, held.proposal_id, over) for held, _ in waiting if held.proposal_id}
    kept = [_wait(one, held, left, shared.get(held.proposal_id or "", "")) for held, left in waiting]
    if over:
        if not has_more and not kept:
            _close(one, over)
        release(one.run, *over, reason="undone")
        names = ", ".join(held.name for held in over)
        one.watched.tell(
            "released", f"{names}: the source is as it was before; nothing was lost, the build goes on"
        )
    return kept


def _leave_out(one: Watch, proposal_id: str, over: Sequence[Hold]) -> str:
    """Take out of a proposal what it changes for streams that are released: it would be wrong now; says what."""
    undone = [held for held in over if held.proposal_id == proposal_id]
    if not undone:
        return ""
    names = ", ".join(held.name for held in undone)
    failed = f"proposal {proposal_id} still changes {names}, which is as it was before"
    left = guarded(one.watched, partial(leave_out, one.settings, one.project, proposal_id, undone), failed)
    if left:
        return f"; {', '.join(left)} is left out of it, as {names} is as it was before"
    return f", but leave out what it changes for {names}: that is as it was before"


def _wait(one: Watch, held: Hold, left: int, part: str) -> Hold:
    """Say what the stream waits for. part: what became of the rest of its proposal."""
    text = f"{held.name} is as it was before, but {left:,} rows came meanwhile under the columns of the drift"
    fix = f"let the models that read it read both columns, or `smelt drift release {held.name}`"
    if held.proposal_id:
        fix = f"merge proposal {held.proposal_id}: it reads both{part}"
    one.watched.tell("waiting", text, fix=fix, proposal_id=held.proposal_id)
    return held if held.detail.get("left_behind") == left else remember(one.run, held, left_behind=left)


def _close(one: Watch, over: Sequence[Hold]) -> None:
    """Close their pull requests before the ledger forgets them: the next run finds them closed if this stops."""
    proposals = Proposals(one.settings)
    reason = f"{UNDONE}: {', '.join(held.name for held in over)} is as it was before"
    for proposal_id in sorted({held.proposal_id for held in over if held.proposal_id}):
        failed = f"proposal {proposal_id} was not closed"
        guarded(one.watched, partial(proposals.close, proposal_id, reason), failed)
        reach("drift-after-close")
