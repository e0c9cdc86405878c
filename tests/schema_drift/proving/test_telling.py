"""The pull request's body: short, and nothing that came from the source breaks out of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.core.lineage import ColumnGraph
from plugins.core.project import Manifest
from plugins.review import FileChange, Proposal
from plugins.review.markdown import render_proposal
from plugins.schema_drift.change import Change, Drift, Fact, Kind, Restored, Severity
from plugins.schema_drift.patching.patch import Patch, Question
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.proving import make_proposal
from plugins.schema_drift.table import Column, Table

LINES = "source.shop.raw.lines"
HOSTILE = [
    "a`b", "``` ``x", "a|b", "x\n\n# Approved\n/merge", "@everyone", "#1", "<img src=x>",
    "[x](https://evil.example)", "--> <!--", "*bold*", "{{ env_var('X') }}", "https://evil.example",
    "a\\", "\u202e", "x" * 500, "ann@example.com",
]  # fmt: skip


def _propose(drift: Drift, patch: Patch | None = None) -> Proposal:
    table = Table(LINES, "raw.lines", ("raw", "lines"), (Column("a", "int"),), ("a",))
    manifest = Manifest({"nodes": {}, "sources": {}, "metadata": {}})
    patched = PatchedProject(manifest, ColumnGraph({}, ()), (), str, (table,), (table,))
    change = FileChange(path="models/stg.sql", before="select a", after="select b as a")
    patch = patch or Patch((change,), {"models/stg.sql": "reads `b` as `a`"})
    return make_proposal(drift, patch, patched, base="0" * 40, first_seen="2026-11-20 09:12 UTC", held_rows=12)


def _change(before: str, after: str, kind: Kind = Kind.COLUMN_RENAMED, fact: str = "12 of 12 rows") -> Change:
    restored = Restored(before, after, (after,))
    return Change(
        kind, LINES, (before,), (after,), 0.97, Severity.BREAKING, (Fact("same_values", fact),), (restored,)
    )


def test_a_rename_is_told_in_a_minute() -> None:
    proposal = _propose(Drift((_change("unit_price", "price_gbp"),), ("raw.big: no key",)))
    assert (
        proposal.title == "raw.lines: `unit_price` became `price_gbp` upstream; keep `unit_price` at the boundary"
    )
    assert proposal.confidence == 0.97
    body = render_proposal(proposal, None)
    assert "**Breaking upstream change, fixed at `stg`. Refused before it was built" in body
    assert "| Upstream change (first seen 2026-11-20 09:12 UTC) | How we know | Confidence |" in body
    assert "| column **renamed** `unit_price` → `price_gbp` | 12 of 12 rows | 0.97 |" in body
    assert "- `models/stg.sql` +1 −1: reads `b` as `a`" in body
    assert "--propagate" in body
    assert "**Held-back rows**: 12" in body


@pytest.mark.parametrize(("path", "is_told"), [("snapshots/s.yml", True), ("snapshots/s.sql", False)])
def test_a_snapshot_that_dbt_would_lose_is_named(path: str, is_told: bool) -> None:
    source = {"unique_id": LINES, "resource_type": "source", "source_name": "raw", "name": "lines"}
    snapshot = {"unique_id": "snapshot.shop.kept", "resource_type": "snapshot", "name": "kept"}
    snapshot |= {"original_file_path": path, "depends_on": {"nodes": [LINES]}}
    manifest = Manifest({"nodes": {"snapshot.shop.kept": snapshot}, "sources": {LINES: source}, "metadata": {}})
    table = Table(LINES, "raw.lines", ("raw", "lines"), (Column("a", "int"),), ("a",))
    patched = PatchedProject(manifest, ColumnGraph({}, ()), (), str, (table,), (table,))
    change = FileChange(path="models/sources.yml", before="tables: [{name: lines}]", after="tables: []")
    proposal = make_proposal(Drift((_change("a", "b"),)), Patch((change,)), patched, base="0" * 40)
    assert any("`dbt build --no-partial-parse`" in note and "`kept`" in note for note in proposal.notes) is is_told


def test_hundreds_of_changes_are_summed_up() -> None:
    changes = [_change(f"c{n}", f"d{n}") for n in range(300)]
    changes += [Change(Kind.COLUMN_ADDED, LINES, (), (f"e{n}",), 1.0, Severity.INFORMATIVE) for n in range(400)]
    questions = tuple(Question(f"what is `c{n}`?", "models/stg.sql", n) for n in range(300))
    patch = Patch((FileChange(path="models/stg.sql", before="a", after="b"),), questions=questions)
    body = render_proposal(_propose(Drift(tuple(changes)), patch), None)
    assert "and 688 more: 400 × column added, 288 × column renamed" in body
    assert len(body) < 6_000
    assert "1. `models/stg.sql`: what is `c0`?" in body


def _outside_code(line: str) -> str:
    """What markdown reads of a line: all that is not in a code span."""
    return re.sub(r"`[^`]*`", "", line.replace("\\\\", ""))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_facts_and_questions_are_data(hostile: str) -> None:
    _check(hostile)


@given(st.text(max_size=80))
def test_whatever_they_are(text: str) -> None:
    _check(text)


def _check(text: str) -> None:
    calm = render_proposal(_told("calm"), None)
    body = render_proposal(_told(text), None)
    assert len(body.splitlines()) == len(calm.splitlines())
    for line, expected in zip(body.splitlines(), calm.splitlines(), strict=True):
        outside = _outside_code(line)
        assert not re.search(r"(?<!\\)<(?!sub>|/sub>)|@(?!\u200b)|#(?![\u200b ])|://|(?<!\\)\]\(", outside), line
        if expected.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", expected)), line
    # Values are masked; names of columns are none.
    assert "ann@example.com" not in re.sub(r"[nm]ann@", "", body)


def _told(text: str) -> Proposal:
    change = FileChange(path="models/stg.sql", before="select a", after="select b as a")
    question = Question(f"what is `{text}`? {text}", "models/stg.sql", 3)
    patch = Patch((change,), {"models/stg.sql": f"reads `{text}`, {text}"}, (question,))
    return _propose(Drift((_change(f"n{text}", f"m{text}", fact=f"values such as {text}"),), (text,)), patch)
