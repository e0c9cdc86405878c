"""A review in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.outcome import Review

_STYLES = {
    Outcome.PASSED: ("passed", "green"),
    Outcome.CHANGED: ("changed", "yellow"),
    Outcome.FAILED: ("failed", "bold red"),
    Outcome.NOT_CHECKED: ("not checked", "magenta"),
}
_ORDER = (Outcome.FAILED, Outcome.CHANGED, Outcome.NOT_CHECKED, Outcome.PASSED)


def show_review(console: Console, review: Review) -> None:
    """Print the findings, the worst first, and the verdict."""
    if review.change is None:
        console.print(f"Nothing in the dbt project differs between {review.base} and {review.head}.")
        _show_notes(console, review)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for outcome in _ORDER:
        for finding in review.findings:
            if finding.outcome is outcome:
                table.add_row(*_row(finding))
    console.print(table)
    _show_notes(console, review)
    word, style = _STYLES[review.outcome]
    console.print(
        Text.assemble(
            "\n",
            (word, style),
            f"  {review.base} → {review.head} in {review.seconds:.1f} s; "
            f"{review.not_checked:.0%} of the checks were not made",
        )
    )


def _show_notes(console: Console, review: Review) -> None:
    for note in review.notes:
        console.print(Text(f"note: {note}", style="yellow"))


def _row(finding: Finding) -> tuple[Text, str, Text, Text]:
    word, style = _STYLES[finding.outcome]
    subject = "" if finding.subject == "project" else finding.subject
    detail = finding.detail + ("" if finding.is_exact else " (on a sample)")
    return Text(word, style), finding.kind, Text(subject, "bold"), Text(detail, overflow="fold")
