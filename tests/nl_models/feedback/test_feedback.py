"""Proposals that people edit before they merge, on a real local forge, and what the project learns from it."""

import difflib
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from nl_models.editing.conftest import bakery, built, commit

from plugins.core.settings import Settings, load_settings
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.editing import propose_edit
from plugins.nl_models.feedback import propose_feedback
from plugins.nl_models.feedback.teaching import add_example, add_synonyms
from plugins.review import FileChange, Proposal
from plugins.review.git import Repository
from plugins.review.proposals.lifecycle import Proposals
from plugins.review.sandbox.machine_written import check_machine_written

__all__ = ["bakery", "built"]

SQL = """with

orders as (

    select * from {{ ref('fct_orders') }}

),

final as (

    select

        ---------- keys
        channel,

        ---------- numerics
        cast(sum(amount_gbp) as decimal(18, 2)) as revenue_gbp

    from orders
    group by channel

)

select * from final
"""
YAML = """models:
  - name: agg_sales_by_channel
    description: >
      Revenue by channel.
      One row per channel.
    config:
      contract: {enforced: true}
      meta:
        owner: sales-analytics
        asked: "sales by channel"
    columns:
      - name: channel
        description: Where the order came in.
        data_type: varchar
        data_tests: [not_null, unique]
      - name: revenue_gbp
        description: Value of all orders in pounds sterling.
        data_type: decimal(18, 2)
"""
MODEL = "models/marts/agg_sales_by_channel"


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Settings:
    folder = tmp_path / "bakery"
    shutil.copytree(built, folder, ignore=shutil.ignore_patterns(".smelt"))
    return load_settings(folder)


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    return subprocess.check_output(["git", *who, *arguments], cwd=folder, text=True).strip()


def opened(settings: Settings) -> Proposal:
    """A model that was asked for, proposed and opened as a branch."""
    proposal = Proposal(
        kind="model",
        title="Add agg_sales_by_channel: revenue by channel",
        reason="Asked: “sales by channel”\nUnderstood as: revenue by channel\n",
        confidence=0.9,
        base=Repository.find(settings.project_dir).resolve("HEAD"),
        changes=(
            FileChange(path=f"{MODEL}.sql", before=None, after=SQL),
            FileChange(path=f"{MODEL}.yml", before=None, after=YAML),
        ),
    )
    proposals = Proposals(settings)
    proposals.add(proposal, "the body")
    proposals.open(proposal.id)
    return proposal


def merge(settings: Settings, proposal: Proposal, *edits: tuple[str, str], squash: bool = False) -> None:
    """What a reviewer does: edit on the branch, commit, merge into main."""
    folder = settings.project_dir
    git(folder, "checkout", "-q", proposal.branch)
    for old, new in edits:
        found = 0
        for suffix in ("sql", "yml"):
            path = folder / f"{MODEL}.{suffix}"
            found += old in path.read_text()
            path.write_text(path.read_text().replace(old, new))
        assert found
    if edits:
        commit(folder, "Correct it")
    git(folder, "checkout", "-q", "main")
    if squash:
        git(folder, "merge", "-q", "--squash", proposal.branch)
        git(folder, "commit", "-qm", f"Add it\n\nSmelt-Proposal: {proposal.id}")
        git(folder, "branch", "-qD", proposal.branch)
    else:
        git(folder, "merge", "-q", "--no-ff", "-m", "Merge it", proposal.branch)


def diff(proposal: Proposal) -> str:
    text = ""
    for change in proposal.changes:
        before, after = (change.before or "").splitlines(), (change.after or "").splitlines()
        text += "\n".join(
            line for line in difflib.unified_diff(before, after, n=0, lineterm="") if line[:3] != "---"
        )
    return "\n".join(line for line in text.splitlines() if line[:1] in "+-" and line[:3] != "+++")


@pytest.mark.parametrize("squash", [False, True], ids=["merged", "squashed"])
def test_a_renamed_column_keeps_its_old_name_as_a_synonym(
    shop: Settings, bakery: AskedProject, squash: bool
) -> None:
    proposal = opened(shop)
    merge(shop, proposal, ("revenue_gbp", "gross_sales_gbp"), squash=squash)
    (lesson,) = propose_feedback(shop, bakery)
    assert diff(lesson) == (
        "+        examples:\n"
        "+          - {question: sales by channel, figures: [revenue], by: [channel], "
        f"proposal: {proposal.id}}}\n"
        "+        config:\n"
        "+          meta:\n"
        "+            synonyms: [revenue gbp]"
    )
    assert "revenue_gbp is called gross_sales_gbp" in lesson.reason
    assert proposal.id in lesson.reason
    assert lesson.kind == "feedback"
    assert check_machine_written(lesson.changes) == []


def test_another_figure_teaches_what_the_words_meant(shop: Settings, bakery: AskedProject) -> None:
    proposal = opened(shop)
    merge(
        shop,
        proposal,
        ("cast(sum(amount_gbp) as decimal(18, 2)) as revenue_gbp", "cast(sum(quantity) as bigint) as pieces"),
        ("- name: revenue_gbp", "- name: pieces"),
    )
    (lesson,) = propose_feedback(shop, bakery)
    assert [change.path for change in lesson.changes] == [f"{MODEL}.yml", "models/marts/fct_orders.yml"]
    assert "+    config:\n+      meta:\n+        synonyms: [sales]" in diff(lesson)
    assert "figures: [pieces]" in diff(lesson)
    assert lesson.questions == ("“sales” means revenue too: should it be taken from there?",)


def test_another_split_and_a_filter_are_in_the_example(shop: Settings, bakery: AskedProject) -> None:
    proposal = opened(shop)
    merge(
        shop,
        proposal,
        ("    from orders\n    group by channel", "    from orders\n    where quantity > 1\n    group by country"),
        ("        channel,\n", "        country,\n"),
        ("- name: channel", "- name: country"),
    )
    (lesson,) = propose_feedback(shop, bakery)
    assert "by: [country]" in diff(lesson)
    assert "where: [quantity > 1]" in diff(lesson)
    assert "rows are by country, not by channel" in lesson.reason
    assert "only rows with quantity > 1" in lesson.reason


def test_another_wording_alone_teaches_nothing_that_yaml_could_say(shop: Settings, bakery: AskedProject) -> None:
    merge(shop, opened(shop), ("Revenue by channel.", "What we sold through each channel."))
    assert propose_feedback(shop, bakery) == []


def test_formatting_and_comments_teach_nothing(shop: Settings, bakery: AskedProject) -> None:
    merge(shop, opened(shop), ("    from orders\n", "    -- all of them\n    from orders\n"))
    assert propose_feedback(shop, bakery) == []


def test_what_was_merged_unchanged_teaches_nothing(shop: Settings, bakery: AskedProject) -> None:
    merge(shop, opened(shop))
    assert propose_feedback(shop, bakery) == []


def test_what_is_still_open_or_was_closed_teaches_nothing(shop: Settings, bakery: AskedProject) -> None:
    first, second = opened(shop), opened(shop)
    Proposals(shop).close(first.id, "not wanted")
    assert propose_feedback(shop, bakery) == []
    assert second.id != first.id


def test_nothing_is_learned_twice(shop: Settings, bakery: AskedProject) -> None:
    proposal = opened(shop)
    merge(shop, proposal, ("revenue_gbp", "gross_sales_gbp"))
    (lesson,) = propose_feedback(shop, bakery)
    Proposals(shop).add(lesson, "the body")
    assert propose_feedback(shop, bakery) == []


def test_what_the_yaml_has_by_now_is_not_proposed_again(shop: Settings, bakery: AskedProject) -> None:
    proposal = opened(shop)
    merge(shop, proposal, ("revenue_gbp", "gross_sales_gbp"))
    (lesson,) = propose_feedback(shop, bakery)
    for change in lesson.changes:
        (shop.project_dir / change.path).write_text(change.after or "")
    commit(shop.project_dir)
    assert propose_feedback(shop, bakery) == []


def test_a_model_merged_under_another_name_is_found(shop: Settings, bakery: AskedProject) -> None:
    proposal = opened(shop)
    folder = shop.project_dir
    git(folder, "checkout", "-q", proposal.branch)
    for suffix in ("sql", "yml"):
        git(folder, "mv", f"{MODEL}.{suffix}", f"models/marts/agg_channel_sales.{suffix}")
    path = folder / "models/marts/agg_channel_sales.yml"
    path.write_text(path.read_text().replace("agg_sales_by_channel", "agg_channel_sales"))
    commit(folder)
    git(folder, "checkout", "-q", "main")
    git(folder, "merge", "-q", "--no-ff", "-m", "Merge it", proposal.branch)
    (lesson,) = propose_feedback(shop, bakery)
    assert [change.path for change in lesson.changes] == ["models/marts/agg_channel_sales.yml"]
    assert "synonyms: [sales by channel]" in diff(lesson)


def test_a_corrected_edit_teaches_words_and_is_no_example(shop: Settings, bakery: AskedProject) -> None:
    made = propose_edit("agg_sales_monthly", "add average order value", bakery, today=date(2026, 11, 21))
    proposal = made.model_copy(update={"base": Repository.find(shop.project_dir).resolve("HEAD")})
    proposals = Proposals(shop)
    proposals.add(proposal, "the body")
    proposals.open(proposal.id)
    folder = shop.project_dir
    git(folder, "checkout", "-q", proposal.branch)
    for suffix in ("sql", "yml"):
        path = folder / f"models/marts/agg_sales_monthly.{suffix}"
        path.write_text(path.read_text().replace("average_order_value_gbp", "basket_gbp"))
    commit(folder)
    git(folder, "checkout", "-q", "main")
    git(folder, "merge", "-q", "--no-ff", "-m", "Merge it", proposal.branch)
    (lesson,) = propose_feedback(shop, bakery)
    assert "synonyms: [average order value gbp]" in diff(lesson)
    assert "examples" not in diff(lesson)


def test_the_proposal_can_be_opened(shop: Settings, bakery: AskedProject) -> None:
    merge(shop, opened(shop), ("revenue_gbp", "gross_sales_gbp"))
    (lesson,) = propose_feedback(shop, bakery)
    proposals = Proposals(shop)
    proposals.add(lesson, "the body")
    assert proposals.open(lesson.id).branch == f"smelt/feedback/{lesson.id.lower()}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("models:\n  - name: a\n", "models:\n  - name: a\n    config:\n      meta:\n        synonyms: [b c]\n"),
        (
            "models:\n  - name: a\n    meta: {synonyms: [x]} # y\n",
            "models:\n  - name: a\n    meta: {synonyms: [x, b c]} # y\n",
        ),
        (
            "models:\n  - name: a\n    config:\n      meta:\n        synonyms:\n          - x\n",
            "models:\n  - name: a\n    config:\n      meta:\n        synonyms:\n          - x\n          - b c\n",
        ),
        (
            "models:\n  - name: a\n    config: {tags: [t]}\n",
            "models:\n  - name: a\n    config: {tags: [t], meta: {synonyms: [b c]}}\n",
        ),
        ("models:\n  - {name: a}\n", "models:\n  - {name: a, config: {meta: {synonyms: [b c]}}}\n"),
        ("models:\n  - name: other\n", "models:\n  - name: other\n"),
    ],
)
def test_synonyms_are_added_where_the_meta_is(before: str, after: str) -> None:
    once = add_synonyms(before, "models", "a", ["b c"])
    assert once == after
    assert add_synonyms(once, "models", "a", ["B c"]) == after


def test_an_example_is_added_once() -> None:
    text = 'models:\n  - name: a\n    config:\n      meta: {asked: "x?"}\n'
    once = add_example(text, "a", {"question": "x?", "proposal": "P"})
    assert once.count("proposal: P") == 1
    assert add_example(once, "a", {"question": "x?", "proposal": "P"}) == once
