"""Answers drift: what would break is held back, and one proposal of the source is made or brought up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import Lake
from plugins.core.ledger import Hold, hold
from plugins.core.warehouse.held import count_held
from plugins.review.git import Repository
from plugins.schema_drift.change import Change
from plugins.schema_drift.healing.coping import readers_state
from plugins.schema_drift.healing.prints import blocks, fingerprint, print_of, recorded
from plugins.schema_drift.healing.round import Watch, guarded
from plugins.schema_drift.healing.streams import stream_of

if TYPE_CHECKING:
    from plugins.schema_drift.drifting import Checked, Proposed


def answer_drift(
    one: Watch, checked: Checked, source: str, found: Mapping[str, Sequence[Change]], holds: Sequence[Hold]
) -> None:
    """Hold back what would break, and make or update the source's one proposal."""
    known = {held.table: held for held in holds}
    wanted = _wanted(one, source, found, holds)
    head = _head(one)
    if all(_is_done(known.get(held.table), held, head) for held in wanted):
        _tell_waiting(one, wanted)
        return
    blocking = [_with_readers(one, held) for held in wanted if held.is_blocking]
    hold(one.run, *blocking)
    reach("drift-after-hold")
    names = ", ".join(sorted(f"{source}.{stream_of(table, one.streams).name}" for table in found))
    rows = sum(count_held(Lake(one.settings), blocking).values())
    proposal_id = next((held.proposal_id for held in holds if held.proposal_id), None)
    failed = f"no proposal was made for {names}" + (", which is held back" if blocking else "")
    answer = guarded(
        one.watched,
        lambda: _Answer(
            one.propose(
                one.project,
                one.settings,
                checked,
                source=source,
                proposal_id=proposal_id,
                held_rows=rows,
                on_progress=one.on_progress,
            )
        ),
        failed,
    )
    reach("drift-after-proposal")
    if answer is not None:
        _record(one, wanted, blocking, answer.proposed, names, rows, head, is_update=proposal_id is not None)


@dataclass(frozen=True)
class _Answer:
    """What proposing gave, so that no proposal can be told from a failure."""

    proposed: Proposed | None


def _wanted(one: Watch, source: str, found: Mapping[str, Sequence[Change]], holds: Sequence[Hold]) -> list[Hold]:
    """The holds that these changes ask for; what is held already stays at its snapshot of before."""
    known = {held.table: held for held in holds}
    print_of_all = fingerprint(print_of(change) for changes in found.values() for change in changes)
    wanted = []
    for table, changes in found.items():
        old, stream = known.get(table), stream_of(table, one.streams)
        is_held = old is not None and old.is_blocking
        pin = old.pin if old is not None and is_held else one.pins.get(table)
        wanted.append(
            Hold(
                source=source,
                stream=stream.name,
                pin=pin,
                # A table that no published run has read cannot be read as it was.
                is_blocking=pin is not None and (is_held or blocks(changes, stream.policy)),
                proposal_id=next((held.proposal_id for held in holds if held.proposal_id), None),
                fingerprint=print_of_all,
                changes=tuple(map(recorded, changes)),
                compared_with=holds[0].compared_with if holds else one.published.id,
                since=old.since if old else datetime.now(UTC),
                detail={key: value for key, value in (old.detail if old else {}).items() if key != "done"},
            )
        )
    return wanted


def _head(one: Watch) -> str | None:
    """The commit that proposals are made against; None where there is none, which proposing will say."""
    try:
        return Repository.find(one.settings.project_dir).resolve("HEAD")
    except SmeltError:
        return None


def _is_done(known: Hold | None, wanted: Hold, head: str | None) -> bool:
    """Whether this very drift was answered; what came to no pull request is tried again on another commit."""
    return (
        known is not None
        and known.fingerprint == wanted.fingerprint
        and known.is_blocking == wanted.is_blocking
        and bool(known.detail.get("done"))
        and (known.detail.get("url") is not None or known.detail.get("head") == head)
    )


def _with_readers(one: Watch, held: Hold) -> Hold:
    """With what its models are like now, to see later whether somebody patched them by hand."""
    if "readers" in held.detail:
        return held
    failed = f"{held.name}: a patch made by hand will not be noticed"
    state = guarded(one.watched, lambda: readers_state(one.project, held), failed)
    return replace(held, detail={**held.detail, "readers": state})


def _record(
    one: Watch,
    wanted: Sequence[Hold],
    blocking: Sequence[Hold],
    proposed: Proposed | None,
    names: str,
    rows: int,
    head: str | None,
    *,
    is_update: bool,
) -> None:
    """Write what proposing came to, and tell it."""
    made = proposed.proposal.id if proposed else None
    outcome = {"done": True, "url": proposed.url if proposed else None, "head": head}
    done = [*blocking, *(held for held in wanted if not held.is_blocking and proposed)]
    hold(
        one.run,
        *(replace(held, proposal_id=made or held.proposal_id, detail={**held.detail, **outcome}) for held in done),
    )
    if blocking:
        held = ", ".join(held.name for held in blocking)
        one.watched.tell(
            "held", f"{held} held back: builds read it as it was, {rows:,} rows wait", proposal_id=made
        )
    if proposed is None:
        if blocking:
            text = f"{names}: nothing that can be patched names what changed"
            fix = f"change the models that read it, then `smelt drift release {blocking[0].name}`"
            one.watched.tell("warning", text, fix=fix)
        return
    if proposed.has_failed:
        text = f"{names}: the evidence speaks against the proposed change, so no pull request was opened"
        one.watched.tell("warning", text, fix=f"smelt proposals show {made}", proposal_id=made)
        return
    kind = "updated" if is_update else "proposed"
    one.watched.tell(kind, proposed.proposal.title, proposal_id=made, url=proposed.url)
    if proposed.note:
        one.watched.tell("warning", proposed.note, fix=f"smelt proposals show {made}", proposal_id=made)


def _tell_waiting(one: Watch, wanted: Sequence[Hold]) -> None:
    names = ", ".join(held.name for held in wanted)
    proposal_id = wanted[0].proposal_id
    what = f"waits for proposal {proposal_id}" if proposal_id else "waits for models that cope with its changes"
    fix = f"smelt proposals show {proposal_id}" if proposal_id else f"smelt drift release {wanted[0].name}"
    one.watched.tell("waiting", f"{names} {what}", fix=fix, proposal_id=proposal_id)
