"""A proposal with its evidence: checked, built in the sandbox, and written up for its reviewer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.forge.commits import build_commits
from plugins.review.git import Repository
from plugins.review.markdown import render_proposal
from plugins.review.outcome import Review
from plugins.review.proposal import Proposal
from plugins.review.reviewing import review
from plugins.review.sandbox.inputs import ChangedSources
from plugins.review.sandbox.machine_written import check_machine_written
from plugins.review.sandbox.opening import Opened
from plugins.review.sandbox.places import Places

_ASKED = Finding(
    kind="compile",
    subject="project",
    outcome=Outcome.NOT_CHECKED,
    detail="no file is changed: the questions come first",
)


@dataclass(frozen=True)
class Proven:
    """A proposal with evidence, and its body for a pull request.

    review: None if it was refused unbuilt, or only asks.
    """

    proposal: Proposal
    body: str
    review: Review | None

    @property
    def has_failed(self) -> bool:
        """Whether an executed fact speaks against it."""
        return any(finding.outcome is Outcome.FAILED for finding in self.proposal.evidence)


def prove(
    project: Project,
    settings: Settings,
    proposal: Proposal,
    on_progress: Callable[[str], None] = lambda _: None,
    *,
    sources: ChangedSources | None = None,
    columns: Collection[str] = (),
    judge: Callable[[Review], Sequence[Finding]] = lambda review: review.findings,
    verdict: Callable[[Review], str | None] = lambda review: None,
    ahead: Callable[[], Opened] | None = None,
) -> Proven:
    """Check what the machine wrote, then review it against its base; nothing of it compiles if it is refused.

    What the proposal knows already is evidence too, but for what the review finds out by itself.
    sources: those that are not the same on both sides. columns: names of columns that may become others in strings
    of people's own Jinja and Python. judge: what the findings mean for this kind of proposal. verdict: what they
    come to in a sentence or two, judged; None: as for any other. ahead: of a sandbox that is being opened.
    Raises SmeltError as `review` does.
    """
    if not proposal.changes:
        asked = proposal.model_copy(update={"evidence": (*proposal.evidence, _ASKED)})
        return Proven(asked, render_proposal(asked, None), None)
    repository = Repository.find(project.folder)
    prefix = repository.prefix(project.folder)
    refused = _refusals(proposal, settings, _places(repository, prefix, proposal.base), columns)
    if refused:
        told = proposal.model_copy(update={"evidence": (*proposal.evidence, *refused)})
        return Proven(told, render_proposal(told, None), None)
    head = build_commits(repository, prefix, proposal, settings.forge.committer)
    found = review(
        project,
        settings,
        proposal.base,
        head,
        is_machine_written=True,
        on_progress=on_progress,
        sources=sources,
        ahead=ahead,
    )
    found = replace(found, findings=tuple(judge(found)))
    found = replace(found, findings=(*_left(proposal.evidence, found.findings), *found.findings))
    # What the evidence itself has to ask, and what it has answered.
    asked = [str(one.facts["question"]) for one in found.findings if "question" in one.facts]
    settled = {question for one in found.findings for question in one.facts.get("settles", ())}
    questions = tuple(one for one in dict.fromkeys((*proposal.questions, *asked)) if one not in settled)
    told = proposal.model_copy(update={"evidence": found.findings, "questions": questions})
    return Proven(told, render_proposal(told, found, verdict(found)), found)


def _left(known: Sequence[Finding], found: Sequence[Finding]) -> Iterator[Finding]:
    """What was known and is not found again of the same model; a failure stays, whatever else is found."""
    made = {_about(one) for one in found if one.outcome is not Outcome.NOT_CHECKED}
    tried = {_about(one) for one in found}
    for one in known:
        again = tried if one.outcome is Outcome.NOT_CHECKED else made
        if one.outcome is Outcome.FAILED or _about(one) not in again:
            yield one


def _about(finding: Finding) -> tuple[str, str]:
    return finding.kind, finding.subject.partition(".")[0]


def _places(repository: Repository, prefix: PurePosixPath, commit: str) -> Places:
    path = (prefix / "dbt_project.yml").as_posix()
    found = repository.blobs(repository.resolve(commit), [path]).get(path)
    return Places.read(found.decode(errors="replace")) if found is not None else Places()


def _refusals(
    proposal: Proposal, settings: Settings, places: Places, columns: Collection[str]
) -> tuple[Finding, ...]:
    violations = check_machine_written(proposal.changes, settings.review.macros, places=places, columns=columns)
    return tuple(
        Finding(kind="guard", subject=violation.path, outcome=Outcome.FAILED, detail=str(violation))
        for violation in violations
    )
