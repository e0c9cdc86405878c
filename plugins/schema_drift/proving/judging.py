"""What a review's findings mean for drift: where rows are the same on both sides, nothing may change."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plugins.review import Finding, Outcome, Review
from plugins.review.evidence.change import ReviewedChange
from plugins.schema_drift.change import Drift, Kind
from plugins.schema_drift.patching.patch import Patch
from plugins.schema_drift.proving.raw_copies import raw_copies
from plugins.schema_drift.proving.same_rows import SameRows
from plugins.schema_drift.proving.telling import asked
from plugins.schema_drift.proving.waiting import reads_what_is_gone, waits_for_answers

_TABLES = ("model", "seed", "snapshot")
# Names in one line of the evidence, which is cut where it gets longer.
_LINE = 300
LEFT_OPEN = "broken by the change upstream until the question about it is answered"
_RAW = "it shows rows as they came, and so as the source has them now"
_MIXED = {
    "outcome": Outcome.NOT_CHECKED,
    "detail": "the sides read streams as they are now beside tables as they were published; see row accounting",
}
_UNSURE = "rows that are new since can't be told from rows that changed"


@dataclass(frozen=True)
class Judge:
    """Judges the findings of one review. tables: what its sides read of the sources that drifted."""

    tables: Sequence[SameRows]
    patch: Patch
    drift: Drift

    def __call__(self, review: Review) -> tuple[Finding, ...]:
        """The findings about inputs, then those of the review, each with what it means here."""
        exempt = _exempt(self.patch, review)
        for name, columns in _lost(self.drift, review).items():
            exempt[name] = exempt.get(name, frozenset()) | columns
        raw, none = _raw(review), frozenset[str]()
        waiting, gone = waits_for_answers(self.patch, review), reads_what_is_gone(self.patch, review)
        judged = [
            _left_open(finding)
            if finding.outcome is Outcome.FAILED
            and (
                (finding.kind, finding.subject) in waiting or _names_any(finding, gone.get(finding.subject, none))
            )
            else self._judge(finding, exempt.get(finding.subject, none), raw.get(finding.subject, none))
            for finding in _without_mixed_times(review)
        ]
        return (*self._inputs(), *_base_alone(review), *self._settled(judged, review))

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why a difference may have other reasons than the drift and the patch; empty: it has none."""
        return tuple(f"{one.name}: {one.reason}" for one in self.tables if one.reason is not None)

    def _settled(self, findings: Sequence[Finding], review: Review) -> Iterator[Finding]:
        """What production's tables took meanwhile is asked about as long as nobody has looked at them."""
        seen = {one.subject for one in findings if one.kind == "history" and "differing" in one.facts}
        about = {
            asked(question): {review.change.name(node) for node in question.kept}
            for question in self.patch.questions
            if question.kept and review.change is not None
        }
        for finding in findings:
            settles = [text for text, names in about.items() if finding.subject in names <= seen]
            is_history = finding.kind == "history" and bool(settles)
            facts = {**finding.facts, "settles": settles} if is_history else finding.facts
            yield finding.model_copy(update={"facts": facts})

    def _judge(self, finding: Finding, exempt: frozenset[str], raw: frozenset[str]) -> Finding:
        if finding.outcome is not Outcome.CHANGED:
            return finding
        if finding.kind == "schema":
            return self._schema(finding, exempt | raw)
        if finding.kind not in ("rows", "keys", "values"):
            return finding
        if finding.facts.get("base", 0) is None or finding.facts.get("head", 0) is None:
            # The model itself is new or gone, as the patch says.
            return finding
        facts = finding.facts
        changed = {name.lower() for name in facts.get("columns") or facts.get("differing_alone") or ()}
        if changed and changed <= exempt:
            return finding.model_copy(
                update={"detail": f"{finding.detail}; as the change upstream and the patch have it"}
            )
        if changed and changed <= exempt | raw:
            return finding.model_copy(update={"detail": f"{finding.detail}; {_RAW}"})
        if self.doubts:
            detail = f"{finding.detail}; {_UNSURE} ({'; '.join(self.doubts[:3])})"
            return finding.model_copy(update={"detail": detail})
        exempt |= raw
        told = ", ".join(sorted(changed - exempt)[:8]) if changed else ""
        detail = f"{finding.detail}; nothing should change{f' in {told}' if exempt and told else ''}"
        return finding.model_copy(update={"detail": detail, "outcome": Outcome.FAILED})

    def _schema(self, finding: Finding, exempt: frozenset[str]) -> Finding:
        """A column that readers know may not go, unless the patch says so."""
        gone = {name.lower() for name in finding.facts.get("removed", ())} - exempt
        if not gone or finding.facts.get("types") is not None:
            return finding
        detail = f"{finding.detail}; its readers lose {', '.join(sorted(gone)[:8])}"
        return finding.model_copy(update={"detail": detail, "outcome": Outcome.FAILED})

    def _inputs(self) -> Iterator[Finding]:
        for one in self.tables:
            outcome, detail = _told(one)
            facts = {"matched": one.matched, "new": one.new, "gone": one.gone, "left_out": one.left_out}
            exact = outcome is not Outcome.PASSED or not one.is_partial
            yield Finding(
                kind="inputs", subject=one.name, outcome=outcome, detail=detail, facts=facts, is_exact=exact
            )


def _names_any(finding: Finding, columns: frozenset[str]) -> bool:
    """Whether what the warehouse said is about one of these columns."""
    said = finding.detail.lower()
    return any(re.search(rf"(?<!\w){re.escape(column)}(?!\w)", said) for column in columns)


def _left_open(finding: Finding) -> Finding:
    """What the drift broke, and the patch leaves to a person, does not speak against the patch."""
    detail = f"{LEFT_OPEN}: {finding.detail}"
    return finding.model_copy(update={"outcome": Outcome.CHANGED, "detail": detail})


def _told(one: SameRows) -> tuple[Outcome, str]:
    if one.reason is not None:
        return Outcome.NOT_CHECKED, f"both sides read all rows of their time: {one.reason}"
    if not one.matched:
        return Outcome.NOT_CHECKED, "no key is there both before and now: no values can be compared"
    detail = f"{one.matched:,} rows with the same keys before and now are read on both sides"
    others = [f"{one.new:,} new since" if one.new else "", f"{one.gone:,} gone" if one.gone else ""]
    others.append(f"{one.left_out:,} whose own values changed" if one.left_out else "")
    left_out = ", ".join(filter(None, others))
    detail += f"; not compared: {left_out}" if left_out else ""
    if not one.has_shape:
        return Outcome.NOT_CHECKED, f"{detail}; none came since the change, so what is new was not compared"
    return Outcome.PASSED, detail


def _exempt(patch: Patch, review: Review) -> dict[str, frozenset[str]]:
    """By a node's name: columns, lower case, that the patch renames, gives up or holds, so that they differ."""
    found: dict[str, frozenset[str]] = {}
    for node, interface in patch.interfaces.items():
        names = {*interface.renamed, *interface.renamed.values(), *interface.removed, *interface.retyped}
        name = review.change.name(node) if review.change is not None else node.split(".")[-1]
        found[name] = found.get(name, frozenset()) | {column.lower() for column in names}
    return found


def _raw(review: Review) -> dict[str, frozenset[str]]:
    """By a node's name: columns that show the source's rows as they came."""
    change = review.change
    if change is None or change.sources is None:
        return {}
    loaded, drifted = change.base.loaded, change.sources.before | change.sources.after
    found = raw_copies(loaded.manifest, loaded.graph, drifted, change.changes.nodes)
    return {change.name(node): columns for node, columns in found.items()}


def _without_mixed_times(review: Review) -> Iterator[Finding]:
    """The findings; a test of row accounting that fails on both sides alike is none of them.

    The sides read some streams as they are now, beside tables of theirs as they were published: nothing balances
    there. Where accounts were taken of what production will have, they say it.
    """
    change = review.change
    later = change.later if change is not None else None
    balances = [one.outcome for one in review.findings if one.kind == "accounting"]
    tests: set[str] = set()
    if change is not None and later is not None and later.accounting and Outcome.PASSED in balances:
        entries = change.head.loaded.manifest.of_type("test")
        tests = {one["name"] for one in entries if one["depends_on"]["nodes"] == [later.accounting]}
    for finding in review.findings:
        is_mixed = finding.kind == "tests" and finding.outcome is Outcome.CHANGED and finding.subject in tests
        yield finding.model_copy(update=_MIXED) if is_mixed else finding


def _lost(drift: Drift, review: Review) -> dict[str, frozenset[str]]:
    """By a node's name: columns, lower case, that were made of values that are gone upstream."""
    if review.change is None:
        return {}
    gone = {(c.table, n.lower()) for c in drift.changes if c.kind is Kind.COLUMN_REMOVED for n in c.before}
    found: dict[str, set[str]] = {}
    for node, column in review.change.base.loaded.graph.downstream(gone).direct:
        found.setdefault(review.change.name(node), set()).add(column)
    return {name: frozenset(columns) for name, columns in found.items()}


def _base_alone(review: Review) -> Iterator[Finding]:
    """What does not build at base, from rows as they were before: the drift has not done that."""
    if review.change is None:
        return
    change, head = review.change, {n["id"]: n["status"] for n in review.change.built["head"].nodes}
    if error := change.built["base"].error:
        yield _broken("project", f"base could not be built on the rows of before: {error}")
    yield from _broken_both(change, head)
    for node in change.built["base"].nodes:
        is_table = node["type"] in _TABLES
        if is_table and node["status"] not in ("success", "skipped") and head.get(node["id"]) == "success":
            said = " ".join((node["message"] or "").split())[:200]
            detail = "it did not build on the rows of before either, and does now: the project was broken before"
            yield _broken(change.name(node["id"]), f"{detail} ({said})")


def _broken_both(change: ReviewedChange, head: Mapping[str, str]) -> Iterator[Finding]:
    """All of them are named, in as many lines as that takes: nobody shall look for them in this change."""
    base = [node for node in change.built["base"].nodes if node["type"] in _TABLES]
    ids = {node["id"] for node in base if node["status"] != "success" and head.get(node["id"]) != "success"}
    names = ", ".join(sorted(map(change.name, ids | set(change.base.failed))))
    for line in textwrap.wrap(names, _LINE, break_long_words=False, break_on_hyphens=False):
        yield _broken("project", f"did not build before the change either: {line.rstrip(',')}")


def _broken(subject: str, detail: str) -> Finding:
    return Finding(kind="baseline", subject=subject, outcome=Outcome.CHANGED, detail=detail)
