"""A branch that a person has committed to: a newer proposal is merged into it, or left to that person."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from plugins.review.forge.commits import build_merge
from plugins.review.git import GitError, Repository
from plugins.review.markdown import READY, prose
from plugins.review.proposal import Proposal

_COMMITS = 5
_LINES = 60
_OPENING = "> **Somebody has committed to this branch**"
_WITHOUT = "Nothing below failed, without those commits."
_ELSEWHERE = "Nothing below failed, and this branch holds something else: it is not ready to merge."


@dataclass(frozen=True)
class Around:
    """tip: what the branch shall be; its own tip if nothing is added. note: markdown for people, of one paragraph.

    left: what would be added and can't be, as a diff. told: the note in a line, for a terminal.
    verdict: instead of the one that the branch is ready, which is of Smelt's commits alone.
    """

    tip: str
    note: str
    told: str
    left: str = ""
    verdict: str = _WITHOUT

    def noted(self, body: str) -> str:
        """The body with the note below its title, instead of an older one."""
        title, _, rest = body.partition("\n")
        rest = rest.lstrip("\n")
        if rest.startswith(_OPENING):
            rest = rest.partition("\n\n")[2].lstrip("\n")
        for one in (READY, _WITHOUT, _ELSEWHERE):
            rest = rest.replace(one, self.verdict, 1)
        diff = f"\n\n**What would be added to this branch**\n\n````diff\n{self.left}\n````\n" if self.left else ""
        return f"{title}\n\n{self.note}\n\n{rest}{diff}"


def build_around(
    repository: Repository, proposal: Proposal, known: Set[str], there: str, wanted: str, committer: str
) -> Around | None:
    """What becomes of a branch at `there`, where Smelt wants `wanted`; None: it never was Smelt's.

    known: commits of Smelt's own. What a person committed stays in the branch's history, whatever comes of it.
    """
    if not known:
        return None
    own = next((one for one in repository.git("rev-list", "--topo-order", there).split() if one in known), None)
    if own is None:
        told = "its history was rewritten: it is left as it is"
        note = (
            f"{_OPENING}: {told}. What follows is not in it: do not merge before you have looked at what it holds."
        )
        return Around(there, note, told, verdict=_ELSEWHERE)
    who = _commits(repository, own, there)
    said = f"{_OPENING}: {who}. That is kept"
    command = f"smelt review --base {proposal.base[:10]} --head {proposal.branch}"
    without = f"What follows was proven without it: review it, or run `{command}`"
    if _tree(repository, own) == _tree(repository, wanted):
        told = f"{who}: kept, and there is nothing to add"
        return Around(there, f"{said}. {without}.", told)
    tree = _merged(repository, proposal, own, there, wanted, committer)
    if tree is None:
        return _left(repository, own, there, wanted, who)
    if tree == _tree(repository, there):
        told = f"{who}: kept, and it holds all that is proposed"
        return Around(there, f"{said}, and holds all that follows. {without}.", told)
    tip = build_merge(repository, tree, (there, wanted), proposal, committer)
    told = f"{who}: kept, and what is new was added beside it"
    return Around(tip, f"{said}, and what is proposed now was merged into it. {without}.", told)


def _left(repository: Repository, own: str, there: str, wanted: str, who: str) -> Around:
    """Both have changed the same lines: the branch is the person's."""
    theirs = {file.path for file in repository.changed_files(own, there)}
    ours = [file.path for file in repository.changed_files(own, wanted)]
    both = [path for path in ours if path in theirs] or ours
    named = ", ".join(f"`{path}`" for path in both[:_COMMITS]) + (" and others" if both[_COMMITS:] else "")
    diff = repository.git("diff", "--no-ext-diff", "--no-textconv", own, wanted, "--").splitlines()
    cut = diff[:_LINES] + ([f"... and {len(diff) - _LINES} more lines"] if diff[_LINES:] else [])
    note = prose(
        f"Smelt would change {named} too and can't put that beside it, so the branch is left as it is", 600
    )
    way = (
        "What follows is not in this branch: do not merge before you have put in by hand what is missing "
        "(below), or close this pull request: the next proposal is a new one."
    )
    told = f"{who}: kept. Nothing was added, as {named} would change in the same places; the text shows it"
    return Around(there, f"{_OPENING}: {who}. {note}. {way}", told, "\n".join(cut), _ELSEWHERE)


def _merged(
    repository: Repository, proposal: Proposal, own: str, there: str, wanted: str, committer: str
) -> str | None:
    """The tree of `there` with what changed from `own` to `wanted`; None: lines are in conflict, or git is old."""
    # Its parent makes `own` the base of the merge, whatever `wanted` was made on.
    onto = build_merge(repository, _tree(repository, wanted), (own,), proposal, committer)
    try:
        return repository.git("merge-tree", "--write-tree", "--no-messages", there, onto).split()[0]
    except GitError:
        return None


def _tree(repository: Repository, commit: str) -> str:
    return repository.git("rev-parse", f"{commit}^{{tree}}")


def _commits(repository: Repository, own: str, there: str) -> str:
    """`2 commits (0a1b2c3d Ann: an answer; …)`, newest first."""
    lines = repository.git("log", "--no-merges", "--format=%h %an: %s", f"{own}..{there}", "--").splitlines()
    named = "; ".join(prose(line, 100) for line in lines[:_COMMITS]) + ("; …" if lines[_COMMITS:] else "")
    count = len(lines)
    return f"{count} {'commit' if count == 1 else 'commits'}" + (f" ({named})" if named else "")
