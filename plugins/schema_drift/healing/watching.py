"""Between ingest and build: what was decided is released, drift is proposed, and what would break is held back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import Lake, Pin, pin_namespace
from plugins.core.ledger import Hold, Ledger, Run, hold, open_holds, open_run, release, released_holds
from plugins.core.project import Project
from plugins.core.settings import Settings, mask
from plugins.core.warehouse.held import count_held
from plugins.core.warehouse.published import PublishedRun, current_run
from plugins.review import Proposals
from plugins.review.git import Repository
from plugins.schema_drift.change import Change, Severity
from plugins.schema_drift.healing.coping import readers_state
from plugins.schema_drift.healing.prints import blocks, fingerprint, print_of, prints_in, recorded
from plugins.schema_drift.healing.settling import UNDONE, remember, settle_holds
from plugins.schema_drift.healing.streams import Stream, read_streams, stream_of
from plugins.schema_drift.healing.undone import rows_left_behind
from plugins.schema_drift.healing.watched import Watched

if TYPE_CHECKING:
    from plugins.schema_drift.drifting import Checked, Proposed

Progress = Callable[[str], None]
Found = TypeVar("Found")


class Check(Protocol):
    """Compares the sources with how they were; see `drifting.check`."""

    def __call__(
        self, project: Project, settings: Settings, before: str | None = None, select: Sequence[str] = ()
    ) -> Checked:
        """What changed; raises SmeltError."""
        ...


class Propose(Protocol):
    """Makes or updates the pull request of one source; see `drifting.propose`."""

    def __call__(
        self,
        project: Project,
        settings: Settings,
        checked: Checked,
        *,
        source: str,
        proposal_id: str | None,
        held_rows: int,
        on_progress: Progress,
    ) -> Proposed | None:
        """None: nothing that files can answer; raises SmeltError."""
        ...


@dataclass
class _Watch:
    """One watching; what it needs throughout."""

    settings: Settings
    project: Project
    run: Run
    published: PublishedRun
    check: Check
    propose: Propose
    on_progress: Progress
    watched: Watched
    streams: Mapping[str, Stream]
    pins: Mapping[str, Pin] = field(default_factory=dict)


def watch(
    settings: Settings,
    project: Project,
    *,
    check: Check,
    propose: Propose,
    on_progress: Progress = lambda _: None,
) -> Watched:
    """Settle what waits, look for drift, propose, and hold back; `plugins.build` respects what is held.

    Where bronze is as the last published run read it and nothing is held, nothing is looked at. What fails is a
    warning: the run goes on. Killed anywhere and run again, the outcome is the same, with one pull request.
    Raises SmeltError only if the ledger or the lake cannot be read.
    """
    started, watched = time.monotonic(), Watched()
    published, ledger = current_run(settings), Ledger(settings)
    holds = open_holds(ledger)
    moved = _moved(settings, published) if published else frozenset()
    if published is not None and (moved or holds):
        watched.looked = True
        with open_run(ledger, "drift") as run:
            streams = dict(
                _guarded(watched, lambda: read_streams(settings.project_dir), "schema policies were not read")
                or {}
            )
            on_progress("settling what waits")
            holds = settle_holds(settings, project, run, holds, watched)
            pins = {pin.table: pin for pin in published.pins}
            one = _Watch(settings, project, run, published, check, propose, on_progress, watched, streams, pins)
            _look(one, holds, moved)
            run.detail.update(changes=watched.changes, news=[news.kind for news in watched.news])
    watched.seconds = time.monotonic() - started
    return watched


def _moved(settings: Settings, published: PublishedRun) -> frozenset[str]:
    """Bronze tables that got rows since the published run read them."""
    lake = Lake(settings)
    if not lake.exists():
        return frozenset()
    before = {pin.table: pin.snapshot_id for pin in published.pins}
    return frozenset(
        pin.table for pin in pin_namespace(lake, "bronze") if before.get(pin.table, -1) != pin.snapshot_id
    )


def _guarded(watched: Watched, look: Callable[[], Found], failed: str) -> Found | None:
    """What `look` gives; None and a warning if it fails: whatever goes wrong here, the run goes on."""
    try:
        return look()
    except SmeltError as error:
        watched.tell("warning", f"{failed}: {error.message}", fix=error.hint)
    except Exception as error:  # noqa: BLE001 - a defect in looking for drift must not stop loads and builds
        fix = "`smelt drift check` shows it in full; please report it"
        watched.tell("warning", f"{failed}: {type(error).__name__}: {mask(str(error))}", fix=fix)
    return None


def _look(one: _Watch, holds: Sequence[Hold], moved: Iterable[str]) -> None:
    """Check each source that waits against the time before its drift, and all others against what is published."""
    waiting: dict[str, list[Hold]] = {}
    for held in holds:
        waiting.setdefault(held.source, []).append(held)
    others = {stream_of(table, one.streams).source for table in moved if not _is_internal(table)}
    for source, group in waiting.items():
        _check(one, group[0].compared_with, (source,), {source: group})
    if fresh := sorted(others - waiting.keys()):
        _check(one, None, tuple(fresh), {source: [] for source in fresh})


def _is_internal(table: str) -> bool:
    return table.endswith("__dead_letters")


def _check(
    one: _Watch, before: str | None, select: tuple[str, ...], waiting: Mapping[str, Sequence[Hold]]
) -> None:
    one.on_progress("looking for drift")
    failed = f"drift of {', '.join(select)} was not looked for"
    checked = _guarded(one.watched, lambda: _compare(one, before, select), failed)
    if checked is None:
        return
    checked = _undecided(one, checked)
    one.watched.changes += len(checked.drift.changes)
    for source, holds in waiting.items():
        found = _by_table(checked, source)
        gone = [held for held in holds if held.table not in found]
        kept = _undo(one, gone, has_more=bool(found)) if gone else []
        if found:
            _answer(one, checked, source, found, [*(held for held in holds if held.table in found), *kept])


def _compare(one: _Watch, before: str | None, select: tuple[str, ...]) -> Checked:
    try:
        return one.check(one.project, one.settings, before, select)
    except SmeltError:
        if before is None:
            raise
        # The run of that time is gone; what is published now has the held streams as they were, too.
        return one.check(one.project, one.settings, None, select)


def _undecided(one: _Watch, checked: Checked) -> Checked:
    """Without changes that were decided about, as long as nothing newer of their table has been published."""
    decided = {
        over.hold.table: prints_in(over.hold.changes)
        for over in released_holds(one.run.ledger)
        if over.reason != "undone" and _snapshot(one.pins.get(over.hold.table)) == _snapshot(over.hold.pin)
    }
    tables = _bronze_tables(checked)
    kept = (
        change
        for change in checked.drift.changes
        if print_of(change) not in decided.get(tables.get(change.table, ""), ())
    )
    return replace(checked, drift=replace(checked.drift, changes=tuple(kept)))


def _snapshot(pin: Pin | None) -> int | None:
    return pin.snapshot_id if pin else None


def _bronze_tables(checked: Checked) -> dict[str, str]:
    """Names of bronze tables by the id of the dbt source."""
    tables = (*checked.after, *checked.before)
    return {table.id: table.relation[1] for table in tables if table.relation[0].lower() == "bronze"}


def _by_table(checked: Checked, source: str) -> dict[str, list[Change]]:
    """Changes of a source that are worth telling, by bronze table."""
    of_source = checked.of_source(source)
    tables = _bronze_tables(of_source)
    found: dict[str, list[Change]] = {}
    for change in of_source.drift.changes:
        if change.severity is not Severity.SILENT and change.table in tables:
            found.setdefault(tables[change.table], []).append(change)
    return found


def _undo(one: _Watch, gone: Sequence[Hold], *, has_more: bool) -> list[Hold]:
    """Release what the source took back; returns what must wait on for rows that came meanwhile."""
    lake, kept, over = Lake(one.settings), [], []
    for held in gone:
        stream = stream_of(held.table, one.streams)
        left = rows_left_behind(lake, held, stream.key) if held.is_blocking else 0
        if not left:
            over.append(held)
            continue
        text = f"{held.name} is as it was before, but {left:,} rows came meanwhile under the columns of the drift"
        by_hand = f"let the models that read it read both columns, or `smelt drift release {held.name}`"
        fix = f"merge proposal {held.proposal_id}: it reads both" if held.proposal_id else by_hand
        one.watched.tell("waiting", text, fix=fix, proposal_id=held.proposal_id)
        kept.append(held if held.detail.get("left_behind") == left else remember(one.run, held, left_behind=left))
    if over:
        if not has_more and not kept:
            _close(one, over)
        release(one.run, *over, reason="undone")
        names = ", ".join(held.name for held in over)
        one.watched.tell(
            "released", f"{names}: the source is as it was before; nothing was lost, the build goes on"
        )
    return kept


def _close(one: _Watch, over: Sequence[Hold]) -> None:
    """Close their pull requests before the ledger forgets them: the next run finds them closed if this stops."""
    proposals = Proposals(one.settings)
    reason = f"{UNDONE}: {', '.join(held.name for held in over)} is as it was before"
    for proposal_id in sorted({held.proposal_id for held in over if held.proposal_id}):
        failed = f"proposal {proposal_id} was not closed"
        _guarded(one.watched, partial(proposals.close, proposal_id, reason), failed)
        reach("drift-after-close")


def _answer(
    one: _Watch, checked: Checked, source: str, found: Mapping[str, Sequence[Change]], holds: Sequence[Hold]
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
    answer = _guarded(
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


def _wanted(one: _Watch, source: str, found: Mapping[str, Sequence[Change]], holds: Sequence[Hold]) -> list[Hold]:
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


def _head(one: _Watch) -> str | None:
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


def _with_readers(one: _Watch, held: Hold) -> Hold:
    """With what its models are like now, to see later whether somebody patched them by hand."""
    if "readers" in held.detail:
        return held
    failed = f"{held.name}: a patch made by hand will not be noticed"
    state = _guarded(one.watched, lambda: readers_state(one.project, held), failed)
    return replace(held, detail={**held.detail, "readers": state})


def _record(
    one: _Watch,
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
    one.watched.tell(kind, f"{names}: {proposed.proposal.title}", proposal_id=made, url=proposed.url)


def _tell_waiting(one: _Watch, wanted: Sequence[Hold]) -> None:
    names = ", ".join(held.name for held in wanted)
    proposal_id = wanted[0].proposal_id
    what = f"waits for proposal {proposal_id}" if proposal_id else "waits for models that cope with its changes"
    fix = f"smelt proposals show {proposal_id}" if proposal_id else f"smelt drift release {wanted[0].name}"
    one.watched.tell("waiting", f"{names} {what}", fix=fix, proposal_id=proposal_id)
