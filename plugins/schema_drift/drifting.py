"""From a project to what drifted, and from that to a pull request."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from plugins.core.errors import SmeltError
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.review.git import Repository
from plugins.schema_drift.change import Change, Drift, Severity
from plugins.schema_drift.consequences import for_project, listed_values
from plugins.schema_drift.observing import FirstSeen, Pair, open_pair, source_manifest, write_inputs
from plugins.schema_drift.patching.patch import Mode, Patch
from plugins.schema_drift.table import Table
from plugins.schema_drift.understanding import arrived_values, compare

if TYPE_CHECKING:
    from plugins.review import Opened, Proposal, Proven

Progress = Callable[[str], None]


_NAMED = 5
# Of fewer models dbt's parse is a matter of a few seconds.
_LARGE = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """What a check found.

    before, after: the tables that changed. labels: what was compared, for people. looked_at: how many tables.
    asked: the arguments `before` and `select`, with which it can be repeated. first_seen: when the first change
    came, for people; first_seen_of: by the id of the table now. before_at: when the state before was seen (UTC).
    """

    drift: Drift
    before: tuple[Table, ...]
    after: tuple[Table, ...]
    labels: tuple[str, str]
    looked_at: int
    seconds: float
    asked: tuple[str | None, tuple[str, ...]]
    before_at: datetime | None = None
    first_seen: str | None = None
    first_seen_of: Mapping[str, FirstSeen] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of_source(self, source: str) -> Checked:
        """The same, of the tables of one source system."""
        ids = {one.id for one in (*self.before, *self.after) if source_of(one) == source}
        changes = tuple(c for c in self.drift.changes if c.table in ids)
        # What a table is now may be in no source yet.
        named = ids | {name for c in changes for name in (*c.before, *c.after, *_other_ids(c))}
        return replace(
            self,
            drift=replace(self.drift, changes=changes),
            before=tuple(one for one in self.before if {one.id, one.name} & named),
            after=tuple(one for one in self.after if {one.id, one.name} & named),
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """Source systems with changes, in order."""
        changed = {change.table for change in self.drift.changes}
        tables = [one for one in (*self.before, *self.after) if one.id in changed]
        return tuple(dict.fromkeys(map(source_of, tables)))


@dataclass(frozen=True)
class Proposed:
    """A proposal of drift. url: None if the evidence speaks against it, and it is only stored.

    note: what became of commits that somebody else made on its branch; empty: there are none.
    """

    proposal: Proposal
    body: str
    url: str | None
    has_failed: bool
    is_new: bool
    seconds: float
    note: str = ""


def _other_ids(change: Change) -> tuple[str, ...]:
    """Ids of further tables that a change of a table is about."""
    detail = change.detail
    one = detail.get("after_id")
    return (*((one,) if one else ()), *detail.get("before_ids", ()), *detail.get("after_ids", ()))


def source_of(table: Table) -> str:
    """The source system that a table belongs to, as people name it."""
    return table.name.partition(".")[0]


def make_ready(project: Project, settings: Settings) -> None:
    """Compile the project while nobody waits: a check may ask what models make of a change.

    For a large one dbt parses what a proposal will go on from, and its lineage is read: most of the time of a
    proposal. Of a project that can't be proposed to, such as one that is not in git, nothing is made ready.
    """
    from plugins.core.project.compiled import compiled_manifest

    models = source_manifest(project).of_type("model")
    try:
        if sum(1 for _ in models) < _LARGE:
            compiled_manifest(project)
            return
        from plugins.review import opened_ahead
        from plugins.schema_drift.reading import at_head

        with opened_ahead(project, settings) as ahead, at_head(project, (), ()):
            ahead()
    except SmeltError as error:
        _log.debug("not made ready: %s", error)


def check(project: Project, settings: Settings, before: str | None = None, select: Sequence[str] = ()) -> Checked:
    """Compare the project's sources with how they were. before: a snapshot file, or a ref; default: the last one.

    Raises SmeltError if there is nothing to compare with, or the warehouse cannot be read.
    """
    started = time.monotonic()
    with open_pair(project, settings, before, select) as pair:
        drift = compare(pair.con, pair.before, pair.after)
        listed = listed_values(project, pair.manifest) if any(one.rows for one in pair.before) else {}
        arrived = arrived_values(pair.con, pair.before, pair.after, listed)
    # dbt may have to compile, for which the warehouse must be free.
    drift = for_project(drift, project, arrived, pair.manifest)
    checked = _checked(pair, drift, (before, tuple(select)))
    notes = (*checked.notes, *_uncommitted(project))
    return replace(checked, notes=notes, seconds=time.monotonic() - started)


def _uncommitted(project: Project) -> Iterator[str]:
    """What is being edited: a check reads it, and a patch does not."""
    try:
        files = Repository.find(project.folder).uncommitted(project.folder)
    # Without git there is no commit to differ from; proposing says so.
    except SmeltError:
        return
    if files:
        told = ", ".join(files[:_NAMED]) + (f" and {len(files) - _NAMED} more" if files[_NAMED:] else "")
        yield (
            f"not committed: {told}. A check reads the project as these files are now; a patch is made of the "
            "last commit, without them"
        )


def _checked(pair: Pair, drift: Drift, asked: tuple[str | None, tuple[str, ...]]) -> Checked:
    changed = {change.table for change in drift.changes}
    partners = changed | {name for change in drift.changes for name in (*change.before, *change.after)}
    return Checked(
        drift=drift,
        before=tuple(one.table for one in pair.before if {one.table.id, one.table.name} & partners),
        after=tuple(one.table for one in pair.after if {one.table.id, one.table.name} & partners),
        labels=pair.labels,
        looked_at=pair.looked_at,
        seconds=0.0,
        asked=asked,
        before_at=pair.times[0],
        first_seen=pair.first_seen,
        first_seen_of=pair.first_seen_of,
        notes=(*pair.notes, *drift.notes),
    )


def is_worth_proposing(drift: Drift) -> bool:
    """Whether a person should hear of it in a pull request."""
    return drift.severity is not None and drift.severity is not Severity.SILENT


def propose(
    project: Project,
    settings: Settings,
    checked: Checked,
    *,
    source: str | None = None,
    mode: Mode = Mode.ABSORB,
    proposal_id: str | None = None,
    held_rows: int | None = None,
    forge: str | None = None,
    is_opened: bool = True,
    on_progress: Progress = lambda _: None,
    ahead: Callable[[], Opened] | None = None,
) -> Proposed | None:
    """Patch, prove and open a pull request; None where there is nothing that a project of files can answer.

    source: only the changes of this source system, whose open proposal is brought up to date.
    proposal_id: that proposal, where the caller knows it. ahead: of a sandbox that is being opened, for this one.
    Raises SmeltError as the sandbox and the forge do.
    """
    # A check, which every run makes, needs none of these; nor need dbt wait for what only a proposal needs.
    from plugins.review import opened_ahead

    started = time.monotonic()
    if source is not None:
        checked = checked.of_source(source)
    if not is_worth_proposing(checked.drift):
        return None
    with nullcontext(ahead) if ahead is not None else opened_ahead(project, settings) as place:
        from plugins.review import Proposals
        from plugins.schema_drift.healing.holds import held_rows as waiting_rows
        from plugins.schema_drift.opened import find_open
        from plugins.schema_drift.patching import make_patch
        from plugins.schema_drift.proving import make_proposal
        from plugins.schema_drift.reading import at_head

        if proposal_id is None and source is not None:
            known = find_open(settings, source)
            proposal_id = known.id if known is not None else None
        if held_rows is None and source is not None:
            held_rows = waiting_rows(settings, source)
        # Files that are no models hold SQL of any kind, and what a parser lacks for it is no news.
        logging.getLogger("sqlglot").setLevel(logging.ERROR)
        on_progress("reading the project")
        with at_head(project, checked.before, checked.after) as (patched, commit):
            on_progress("patching")
            found = make_patch(patched, checked.drift, mode, added=settings.drift.added)
            if not found.changes and not _is_news(settings, checked, found, source):
                return None
            proposal = make_proposal(
                checked.drift,
                found,
                patched,
                base=commit,
                first_seen=checked.first_seen,
                held_rows=held_rows,
                proposal_id=proposal_id,
            )
        proposal = proposal.model_copy(update={"subject": source or ""})
        proven = _prove(project, settings, checked, proposal, found, on_progress, place)
    proposals = Proposals(settings)
    proposals.add(proven.proposal, proven.body)
    url, note = None, ""
    if is_opened and not proven.has_failed:
        on_progress("opening the pull request")
        opened = proposals.open(proposal.id, forge)
        url, note = opened.url, opened.note
    seconds = time.monotonic() - started
    return Proposed(proven.proposal, proven.body, url, proven.has_failed, proposal_id is None, seconds, note)


def close_undone(settings: Settings, checked: Checked) -> tuple[Proposal, ...]:
    """Close the open proposals of sources that are as they were before; returns them.

    Only what was proposed after the state before was seen: against a newer one, an old drift is none. One whose
    patch alone reads rows that came meanwhile stays open.
    """
    from plugins.schema_drift.healing.holds import needs
    from plugins.schema_drift.opened import close, open_proposals

    _, select = checked.asked
    undone = []
    for proposal in open_proposals(settings):
        is_looked_at = not select or proposal.subject in {one.partition(".")[0] for one in select}
        is_later = checked.before_at is not None and checked.before_at <= proposal.created_at
        is_undone = is_looked_at and is_later and proposal.subject not in checked.sources
        if is_undone and not needs(settings, proposal.id):
            close(settings, proposal, f"undone upstream: {proposal.subject} is as it was before")
            undone.append(proposal)
    return tuple(undone)


def _is_news(settings: Settings, checked: Checked, patch: Patch, source: str | None) -> bool:
    """Whether there is something to ask that nobody was asked since the state before."""
    from plugins.schema_drift.opened import decided

    asked = {question for one in decided(settings, source or "", checked.before_at) for question in one.questions}
    return any(not one.is_minor and str(one) not in asked for one in patch.questions)


def _prove(
    project: Project,
    settings: Settings,
    checked: Checked,
    proposal: Proposal,
    patch: Patch,
    on_progress: Progress,
    ahead: Callable[[], Opened],
) -> Proven:
    """Build both sides on the rows before and the same rows now."""
    from plugins.schema_drift.proving import count_unread, prove_drift

    ids = {one.id for one in (*checked.before, *checked.after)}
    with tempfile.TemporaryDirectory(prefix="smelt-drift-") as folder:
        with open_pair(project, settings, *checked.asked) as pair:
            inputs = write_inputs(pair, Path(folder), ids)
            unread = count_unread(pair, inputs)
            pins = (pair.inputs.before_pins, pair.inputs.after_pins) if pair.inputs.after_pins else None
        return prove_drift(
            project,
            settings,
            proposal,
            inputs,
            checked.drift,
            patch,
            on_progress,
            before=checked.before,
            after=checked.after,
            pins=pins,
            unread=unread,
            ahead=ahead,
        )
