"""What the evidence comes to, in a sentence or two: whether a number changes, and what a person is left to do."""

from __future__ import annotations

from plugins.review import READY, Finding, Outcome, Proposal, Review
from plugins.schema_drift.patching.patch import Patch
from plugins.schema_drift.proving.judging import LEFT_OPEN

_OF_DATA = ("rows", "keys", "values")
_GOLD = "gold"
# By the kind of the evidence; none of them alone speaks against the patch.
_FAILING = {"tests": "with this patch and without it", "history": "on the rows that were not compared"}


def find_verdict(review: Review, proposal: Proposal, patch: Patch) -> str | None:
    """None where something failed, or no value was compared: what is said of any change then says it better."""
    if review.change is None or review.counts[Outcome.FAILED]:
        return None
    broken = sorted({f.subject for f in review.findings if f.kind == "compile" and f.detail.startswith(LEFT_OPEN)})
    if patch.waiting and broken:
        gone = _named([column for _, column in sorted(patch.waiting)])
        verb = "does" if len(broken) == 1 else "do"
        place = f"before a person says what takes the place of {gone}; what is sure is in it"
        return f"A draft: {_named(broken)} {verb} not build {place}."
    gold = _gold(review)
    found = [one for one in review.findings if one.kind in _OF_DATA and (not gold or one.subject in gold)]
    compared = [one for one in found if one.outcome is not Outcome.NOT_CHECKED]
    if not any(one.kind == "values" for one in compared):
        return None
    told = _told(found, compared, "gold value" if gold else "value downstream", _not_compared(review))
    return f"{told} {_left(review, proposal, patch)}"


def _told(found: list[Finding], compared: list[Finding], what: str, left_out: str) -> str:
    changed = sorted({one.subject for one in compared if one.outcome is Outcome.CHANGED})
    if changed:
        return f"What changes is listed below: {_named(changed)}{left_out}."
    is_whole = len(compared) == len(found) and all(one.is_exact for one in compared) and not left_out
    return f"No {what} changes." if is_whole else f"No {what} that was compared changes{left_out}."


def _named(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:5]) + (" and others" if len(names) > 5 else "")


def _not_compared(review: Review) -> str:
    """Rows that no side has read: what is said of values is not said of them."""
    inputs = [one for one in review.findings if one.kind == "inputs"]
    new, changed = (sum(one.facts.get(name, 0) for one in inputs) for name in ("new", "left_out"))
    told = [f"{new:,} {'row' if new == 1 else 'rows'} new since"] if new else []
    told += [f"{changed:,} whose own values changed"] if changed else []
    return f" (not compared: {', '.join(told)})" if told else ""


def _left(review: Review, proposal: Proposal, patch: Patch) -> str:
    failing = [
        f"{'1 test fails' if count == 1 else f'{count} tests fail'} {where}"
        for kind, where in _FAILING.items()
        if (count := sum(_is_failing(one, kind) for one in review.findings))
    ]
    if failing:
        return f"{', '.join(failing)}: see below before you merge."
    minor = sum(one.is_minor for one in patch.questions)
    if patch.unpatched or len(proposal.questions) > minor:
        return "Nothing below failed; the questions are left to you."
    return READY


def _is_failing(finding: Finding, kind: str) -> bool:
    return finding.kind == kind and "failures" in finding.facts and finding.outcome is not Outcome.NOT_CHECKED


def _gold(review: Review) -> frozenset[str]:
    """Names of the models of the gold layer that were built; empty where there is no such layer."""
    assert review.change is not None
    resources = review.change.head.loaded.manifest.resources
    return frozenset(
        review.change.name(node)
        for node in review.change.selection.nodes
        if node in resources and resources[node].relation and (resources[node].relation or ("",) * 3)[1] == _GOLD
    )
