"""A review as markdown: what a reviewer reads in a pull request, to decide in a minute."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.outcome import Review
from plugins.review.proposal import FileChange, Proposal

_ICONS = {
    Outcome.PASSED: "✅ passed",
    Outcome.CHANGED: "🔶 changed",
    Outcome.FAILED: "❌ failed",
    Outcome.NOT_CHECKED: "⬜ **not checked**",
}
_ORDER = (Outcome.FAILED, Outcome.CHANGED, Outcome.NOT_CHECKED, Outcome.PASSED)
_TITLES = {
    "semantic": "answer to the question",
    "metric": "new metrics",
    "compile": "compiles and builds",
    "tests": "tests and unit tests",
    "contract": "contracts",
    "incremental": "second runs",
    "inputs": "same rows on both sides",
    "baseline": "the project before",
    "history": "once merged",
    "accounting": "row accounting",
    "impact": "column impact",
    "schema": "columns and types",
    "rows": "row counts",
    "keys": "keys",
    "values": "values",
    "distribution": "distributions",
    "guard": "SQL guard",
    "cost": "cost",
}
# Of a verdict, which is true of the proposal's own commits only: it is taken back where a branch holds others.
READY = "Ready to merge: nothing below failed."
# GitHub refuses bodies over 65,536 characters.
_LONGEST = 60_000
_LINES_A_KIND = 8
_FILES = 20
_BACKTICKS = re.compile(r"`{2,}")


def render_review(review: Review) -> str:
    """The whole report; cut, and saying so, if it gets longer than forges take."""
    parts = [f"## Review of `{code(review.head)}` against `{code(review.base)}`", _verdict(review)]
    if review.change is not None:
        parts += [_changed(review), _reach(review), _diagram(review), render_findings(review.findings)]
        parts.append(_samples(review.findings))
    parts.append(_footer(review))
    text = "\n\n".join(part for part in parts if part)
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rpartition("\n")[0] + "\n\n*Cut here: `smelt review --json` has all of it.*"
    return text + "\n"


def render_proposal(proposal: Proposal, review: Review | None, verdict: str | None = None) -> str:
    """What the reviewer of a proposal reads; without a review it only asks, or was refused before it was built.

    verdict: instead of the one that any change gets.
    """
    parts = [f"# {_plain(proposal.title)}"]
    if review is not None:
        verdict = f"**{verdict}** {_share(review)}" if verdict else _verdict(review)
    elif proposal.changes:
        verdict = "**Refused before it was built: it holds what a machine may not write.**"
    else:
        verdict = "**No file is changed: it waits for your answers.**"
    # A reason that begins with a bold line says what was done, and the verdict ends it.
    first, _, rest = proposal.reason.strip().partition("\n\n")
    if first.startswith("**") and first.endswith("**") and verdict.startswith("**"):
        parts += [f"{first[:-2]} {verdict[2:]}", rest]
    else:
        parts += [verdict, proposal.reason.strip()]
    parts.append(_files(proposal))
    if review is not None:
        parts += [_reach(review), _diagram(review)]
    parts += [render_findings(proposal.evidence), _samples(proposal.evidence)]
    if proposal.questions:
        numbered = [f"{n}. {_plain(question)}" for n, question in enumerate(proposal.questions, 1)]
        parts.append("**Questions for you**\n" + "\n".join(numbered))
    parts += proposal.notes
    parts.append(
        f"<sub>Proposal {proposal.id}, confidence {proposal.confidence:.2f} · "
        f"`smelt proposals show {proposal.id}` · Smelt proposes, people merge.</sub>"
    )
    text = "\n\n".join(part for part in parts if part)
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rpartition("\n")[0]
        text += f"\n\n*Cut here: `smelt proposals show {proposal.id}` has all of it.*"
    return text + "\n"


def _files(proposal: Proposal) -> str:
    """Each changed file, with what its edit does where that is told."""
    if not proposal.changes:
        return "**To answer**, push commits to this branch, or close it and change the project yourself."
    shown = []
    for change in proposal.changes[:_FILES]:
        told = proposal.told.get(change.path)
        shown.append(f"- `{code(change.path)}` {_deed(change)}" + (f": {prose(told)}" if told else ""))
    left = len(proposal.changes) - len(shown)
    shown += [f"- and {left} more {_plural(left, 'file')}"] if left else []
    count = len(proposal.changes)
    return f"**What this changes** ({count} {_plural(count, 'file')})\n" + "\n".join(shown)


def _deed(change: FileChange) -> str:
    if change.before is None:
        return "new"
    if change.after is None:
        return "deleted"
    diff = difflib.unified_diff(change.before.splitlines(), change.after.splitlines(), n=0, lineterm="")
    changed = [line for line in diff if not line.startswith(("---", "+++", "@@"))]
    added = sum(line.startswith("+") for line in changed)
    return f"+{added} −{len(changed) - added}"


def _plain(text: str) -> str:
    """One line of prose that came from elsewhere: no tags, no mentions."""
    shown = " ".join(text.split())
    return shown.replace("<", "&lt;").replace("@", "@\u200b")


def _verdict(review: Review) -> str:
    if review.change is None:
        return "**Nothing in the dbt project differs.**"
    failed = [finding for finding in review.findings if finding.outcome is Outcome.FAILED]
    share = _share(review)
    if failed:
        names = ", ".join(dict.fromkeys(_TITLES.get(f.kind, f.kind) for f in failed))
        return f"**{len(failed)} {_plural(len(failed), 'finding')} failed: {names}.** {share}"
    if review.outcome is Outcome.CHANGED:
        return f"**Nothing failed; what changed is listed below.** {share}"
    return f"**Nothing failed, and nothing that was compared changed.** {share}"


def _share(review: Review) -> str:
    return f"{review.not_checked:.0%} of the checks were not made."


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def _changed(review: Review) -> str:
    rows = [f for f in review.findings if f.kind == "impact" and "category" in f.facts]
    if not rows:
        return f"**What changed**: {len(review.files)} {_plural(len(review.files), 'file')}, no model's SQL."
    lines = ["| Model | Change | |", "|---|---|---|"]
    for finding in rows:
        category = str(finding.facts["category"])
        detail = finding.detail.removeprefix(f"{category}: ")
        lines.append(f"| `{code(finding.subject)}` | {category} | {cell(detail) if detail != category else ''} |")
    return "\n".join(lines)


def _reach(review: Review) -> str:
    found = next((f for f in review.findings if f.kind == "impact" and f.subject == "project"), None)
    return f"**What reads it**: {cell(found.detail)}." if found is not None else ""


def _diagram(review: Review) -> str:
    return f"```mermaid\n{review.diagram}\n```" if review.diagram else ""


def render_findings(findings: Sequence[Finding]) -> str:
    """The evidence as a table: one line per kind and outcome, the worst first."""
    lines = ["| Evidence | Result | Detail |", "|---|---|---|"]
    kinds = dict.fromkeys(finding.kind for finding in findings)
    for outcome in _ORDER:
        for kind in kinds:
            group = [f for f in findings if f.kind == kind and f.outcome is outcome and "category" not in f.facts]
            if group:
                lines.append(f"| {_TITLES.get(kind, kind)} | {_ICONS[outcome]} | {_details(group)} |")
    return "\n".join(lines)


def _details(group: Sequence[Finding]) -> str:
    """One line per thing that is said, with everything that it is said of."""
    said: dict[str, list[str]] = {}
    for finding in group:
        detail = cell(finding.detail) + ("" if finding.is_exact else " (on a sample)")
        said.setdefault(detail, []).append(finding.subject)
    told = [_told(subjects, detail) for detail, subjects in said.items()]
    rest = [f"and {len(told) - _LINES_A_KIND} more"] if len(told) > _LINES_A_KIND else []
    return "<br>".join(told[:_LINES_A_KIND] + rest)


def _told(subjects: Sequence[str], detail: str) -> str:
    if subjects == ["project"]:
        return detail
    named = ", ".join(f"`{code(subject)}`" for subject in subjects[:_LINES_A_KIND])
    rest = f" and {len(subjects) - _LINES_A_KIND} more" if len(subjects) > _LINES_A_KIND else ""
    return f"{named}{rest}: {detail}"


def _samples(findings: Iterable[Finding]) -> str:
    blocks = [_sample(finding) for finding in findings if finding.samples and finding.outcome in _ORDER[:2]]
    if not blocks:
        return ""
    return (
        "<details><summary>Samples (personal data masked)</summary>\n\n" + "\n\n".join(blocks) + "\n\n</details>"
    )


def _sample(finding: Finding) -> str:
    columns = list(dict.fromkeys(column for row in finding.samples for column in row))
    lines = [f"`{code(finding.subject)}`, {finding.kind}: {cell(finding.detail)}", ""]
    lines.append("| " + " | ".join(map(cell, columns)) + " |")
    lines.append("|" + "---|" * len(columns))
    lines += ["| " + " | ".join(cell(_value(row.get(c))) for c in columns) + " |" for row in finding.samples]
    return "\n".join(lines)


def _value(value: Any) -> str:
    return "∅" if value is None else str(value)


def _footer(review: Review) -> str:
    notes = "".join(f" {cell(note)}." for note in review.notes)
    where = f" Built in a sandbox beside {cell(review.production)}." if review.production else ""
    command = f"smelt review --base {code(review.base)} --head {code(review.head)}"
    return (
        f"<sub>{review.base_commit[:10]} → {review.head_commit[:10]}, {review.seconds:.0f} s.{where}{notes} "
        f"Reproduce: `{command}` · Smelt shows evidence, people decide.</sub>"
    )


def cell(text: str) -> str:
    """Text that is data, for a table cell: it can't start a column, a tag, a link, a code span or a mention."""
    shown = " ".join(text.split())
    shown = shown if len(shown) <= 400 else shown[:397] + "..."
    for character, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("`", "\\`")):
        shown = shown.replace(character, written)
    # A zero-width space keeps a forge from notifying whoever is called like a value.
    return shown.replace("[", "\\[").replace("@", "@\u200b").replace("#", "#\u200b")


def code(name: str) -> str:
    """A name inside a code span in a table cell."""
    shown = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(shown.split()).replace("`", "'").replace("|", "\\|")


def prose(text: str, longest: int = 400) -> str:
    """One line of text with names in backticks, which may come from elsewhere: nothing else in it is markdown."""
    shown = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    shown = _BACKTICKS.sub("`", shown if len(shown) <= longest else shown[: longest - 3] + "...")
    if shown.count("`") % 2:
        head, _, tail = shown.rpartition("`")
        shown = f"{head}'{tail}"
    parts = shown.split("`")
    return "`".join(part.replace("|", "\\|") if n % 2 else _inert(part) for n, part in enumerate(parts))


def _inert(text: str) -> str:
    """Text that can't start a tag, a link, emphasis, a column, a reference or a mention."""
    for character, written in (("\\", "\\\\"), ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, written)
    for character in "|[]*~":
        text = text.replace(character, f"\\{character}")
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)
    for character in ("@", "#", "://", "www."):
        text = text.replace(character, f"{character[0]}\u200b{character[1:]}")
    return text
