"""A proposal for several streams, some of which were taken back: what it changes for those alone is left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from plugins.core.ledger import Hold, Ledger, open_holds
from plugins.core.project import Manifest, Project
from plugins.core.project.compiled import compiled_manifest
from plugins.core.settings import Settings
from plugins.review import Proposal, Proposals, code


def leave_out(settings: Settings, project: Project, proposal_id: str, undone: Sequence[Hold]) -> tuple[str, ...]:
    """Bring the pull request up to date without files that read no other table that changed; returns them.

    Its text says so first of all, for whoever merges it: files that are of several streams, and all YAML, stay as
    they are. Raises SmeltError as the forge does, and if the project cannot be read.
    """
    proposals = Proposals(settings)
    stored = proposals.find(proposal_id)
    drifted = {held.table.lower() for held in open_holds(Ledger(settings)) if held.proposal_id == proposal_id}
    tables = {held.table.lower() for held in undone}
    concerned = _readers(compiled_manifest(project), tables, drifted - tables)
    left = tuple(change.path for change in stored.proposal.changes if change.path in concerned)
    proposal = _without(stored.proposal, left)
    body = _noted(stored.body, [held.name for held in undone], left)
    if proposal is None or body == stored.body:
        return ()
    proposals.add(proposal, body)
    proposals.open(proposal.id)
    return left


def _readers(manifest: Manifest, tables: Collection[str], others: Collection[str]) -> set[str]:
    """Files of models and snapshots that read these tables of bronze, and none of those that changed too."""
    found = set()
    for resource in manifest.resources.values():
        if resource.kind in ("model", "snapshot"):
            read = _sources(manifest, resource.id)
            if not read.isdisjoint(tables) and read.isdisjoint(others):
                found.add(resource.path)
    return found


def _sources(manifest: Manifest, node: str) -> set[str]:
    """The bronze tables above a node, by name."""
    found: set[str] = set()
    seen, waiting = {node}, [node]
    while waiting:
        known = manifest.resources.get(waiting.pop())
        if known is None:
            continue
        if known.kind == "source" and known.relation and known.relation[1] == "bronze":
            found.add(known.relation[2])
        fresh = set(known.parents) - seen
        seen |= fresh
        waiting += fresh
    return found


def _without(proposal: Proposal, left: Collection[str]) -> Proposal | None:
    """None: nothing would be left of it."""
    changes = tuple(change for change in proposal.changes if change.path not in left)
    if not changes:
        return None
    commits = tuple(
        (message, kept)
        for message, paths in proposal.commits
        if (kept := tuple(p for p in paths if p not in left))
    )
    told = {path: text for path, text in proposal.told.items() if path not in left}
    return proposal.model_copy(update={"changes": changes, "commits": commits, "told": told})


def _noted(body: str, names: Sequence[str], left: Sequence[str]) -> str:
    """The body with a note below its title; the same if it has one about these streams already."""
    which = _listed(names)
    opening = f"> **Taken back upstream meanwhile**: {which}."
    if opening in body:
        return body
    out = f" {_listed(left)}: left out of this pull request." if left else ""
    note = f"{opening}{out} What follows was found before that; look whether other files change something for it."
    for path in left:
        line = re.compile(rf"^- `{re.escape(path)}` .*$", re.MULTILINE)
        body = line.sub(lambda _, path=path: f"- ~~`{path}`~~ left out", body)
    title, _, rest = body.partition("\n")
    return f"{title}\n\n{note}\n{rest}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{code(name)}`" for name in names)
