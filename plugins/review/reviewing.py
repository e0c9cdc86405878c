"""One review: from two refs to findings."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path, PurePosixPath

from plugins.core.errors import SmeltError
from plugins.core.lineage import Place
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.lineage import document, find_impact, render_mermaid
from plugins.review.comparing import collect
from plugins.review.evidence.change import ReviewedChange
from plugins.review.git import ChangedFile, Repository
from plugins.review.outcome import Review
from plugins.review.sandbox.inputs import ChangedSources
from plugins.review.sandbox.merging import build_later
from plugins.review.sandbox.opening import Opened, opened
from plugins.review.sandbox.plan import BuildPlan, plan_build
from plugins.review.sandbox.selection import Changes, Selection, find_changes, select
from plugins.review.sandbox.session import BuiltSide, Compiled, Sandbox
from plugins.review.sandbox.soda import nodes_of_contracts

Progress = Callable[[str], None]

_REFUSED = "a machine wrote it, and what a machine wrote is not run in a database server"


def review(
    project: Project,
    settings: Settings,
    base: str,
    head: str = "HEAD",
    *,
    is_machine_written: bool = False,
    on_progress: Progress = lambda _: None,
    sources: ChangedSources | None = None,
    ahead: Callable[[], Opened] | None = None,
) -> Review:
    """Compare `head` with where it left `base`: build both in a sandbox, and collect all evidence.

    sources: those that are not the same on both sides; their readers are built on both, changed or not.
    ahead: waits for a sandbox that is being opened, as `opened_ahead` yields; None: one is opened now.

    Raises SmeltError for refs, projects and profiles that can't be used; what only a part of the evidence
    lacks is a finding `not checked`.
    """
    started = time.monotonic()
    repository = Repository.find(project.folder)
    _refuse_conflicts(repository)
    head_commit = repository.resolve(head)
    base_commit = repository.merge_base(base, head_commit)
    files = _files_of(repository, project.folder, base_commit, head_commit)
    notes = _uncommitted(repository, project.folder) if head == "HEAD" else ()
    found = Review(project.folder.name, base, head, base_commit, head_commit, files, notes=notes)
    if not files:
        return found
    place = opened(project, settings, repository, on_progress) if ahead is None else nullcontext(ahead())
    with place as here:
        sandbox = here.sandbox(sources)
        on_progress("compiling both sides")
        sides = [sandbox.prepare("base", base_commit), sandbox.prepare("head", head_commit)]
        sandbox.clean_up(sides[0])
        changed = _inside(files, repository.prefix(project.folder))
        compiled = {side.side.name: side for side in sandbox.compile(changed, *sides)}
        changes = find_changes(compiled["base"].loaded, compiled["head"].loaded)
        changes = changes.and_held(*(_held(side, changed) for side in compiled.values()))
        selection = select(compiled["base"].loaded, compiled["head"].loaded, changes, sources)
        on_progress(_building(selection))
        plans = {name: _plan(sandbox, side, changes, selection) for name, side in compiled.items()}
        if is_machine_written and not sandbox.is_closed:
            plans = {name: plan.refused(_REFUSED) for name, plan in plans.items()}
        built = sandbox.build(plans, *sides)
        change = _change(compiled, built, changes, selection, is_machine_written, sources)
        if sources is not None and sources.later is not None:
            later = build_later(sandbox, compiled["base"], compiled["head"], selection, sources)
            change = replace(change, later=later)
        on_progress("comparing")
        production = sandbox.production
        findings = collect(change, settings, production)
        diagram = _diagram(change)
    notes += (production.missing,) if production.missing else ()
    return Review(
        project=compiled["head"].loaded.manifest.project_name,
        base=base,
        head=head,
        base_commit=base_commit,
        head_commit=head_commit,
        files=files,
        findings=tuple(findings),
        change=change,
        production=production.label,
        diagram=diagram,
        seconds=time.monotonic() - started,
        notes=notes,
    )


def _refuse_conflicts(repository: Repository) -> None:
    unmerged = repository.unmerged_paths
    if unmerged:
        raise SmeltError(
            f"the repository is in the middle of a merge: {', '.join(unmerged[:5])}",
            "resolve the conflicts and commit, or `git merge --abort`",
        )


def _uncommitted(repository: Repository, folder: Path) -> tuple[str, ...]:
    files = repository.uncommitted(folder)
    if not files:
        return ()
    return (
        f"a review reads commits, and {len(files)} of the edited files are not committed: {', '.join(files[:5])}",
    )


def _files_of(repository: Repository, folder: Path, base: str, head: str) -> tuple[ChangedFile, ...]:
    prefix = str(repository.prefix(folder))
    files = repository.changed_files(base, head)
    return files if prefix == "." else tuple(f for f in files if f.path.startswith(prefix + "/"))


def _inside(files: Sequence[ChangedFile], prefix: PurePosixPath) -> list[str]:
    """Paths relative to the project, before and after renames."""
    paths = {path for file in files for path in (file.path, file.old_path) if path is not None}
    return sorted(
        str(PurePosixPath(p).relative_to(prefix)) for p in paths if PurePosixPath(p).is_relative_to(prefix)
    )


def _building(selection: Selection) -> str:
    spared = len(selection.downstream) - len(selection.touched)
    return f"building {len(selection.nodes)} models twice ({spared} downstream models spared)"


def _held(side: Compiled, changed: Sequence[str]) -> frozenset[str]:
    return nodes_of_contracts(side.side.project.folder, side.loaded.manifest, changed)


def _plan(sandbox: Sandbox, compiled: Compiled, changes: Changes, selection: Selection) -> BuildPlan:
    manifest, side = compiled.loaded.manifest, compiled.side.name
    wanted, tests = selection.nodes | changes.removed, frozenset[str]()
    if side == "head":
        wanted, tests = selection.nodes, changes.tests
    given = sandbox.sources.of(side).given(manifest) if sandbox.sources is not None else frozenset[str]()
    of_inputs = {
        test["unique_id"]
        for test in manifest.of_type("test")
        if not given.isdisjoint(test.get("depends_on", {}).get("nodes", ()))
    }
    return plan_build(manifest, wanted, tests | of_inputs, sandbox.production, given)


def _change(
    compiled: dict[str, Compiled],
    built: dict[str, BuiltSide],
    changes: Changes,
    selection: Selection,
    is_machine_written: bool,
    sources: ChangedSources | None,
) -> ReviewedChange:
    head = compiled["head"].loaded
    places: list[Place] = []
    rows: set[str] = set(changes.added)
    for node, query in changes.queries.items():
        places += [(node, column) for column in (*query.added, *query.changed)]
        if query.rows_changed:
            rows.add(node)
    if sources is not None:
        places += [place for place in sources.after if place[0] in head.graph.nodes]
        rows |= sources.rows & head.graph.nodes.keys()
    impact = find_impact(head, places, rows)
    return ReviewedChange(
        compiled["base"], compiled["head"], built, changes, selection, impact, is_machine_written, sources
    )


def _diagram(change: ReviewedChange) -> str:
    """The changed columns, and the columns that they reach directly."""
    places = {
        (node, column)
        for node, query in change.changes.queries.items()
        for column in (*query.added, *query.changed)
    }
    loaded = change.head.loaded
    reach = loaded.graph.downstream(places)
    if not places:
        return ""
    return render_mermaid(document(loaded), focus=places | reach.direct)
