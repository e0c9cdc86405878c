"""A drift and its patch as a proposal: what a reviewer decides from in a minute."""

from __future__ import annotations

from collections.abc import Iterator, Set
from pathlib import PurePosixPath
from typing import Any

from plugins.core.privacy import redact
from plugins.review import Proposal, prose
from plugins.schema_drift.change import Change, Drift, Kind, Severity
from plugins.schema_drift.patching.patch import Mode, Patch
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.proving.partial_parse import told_parse
from plugins.schema_drift.proving.raw_copies import raw_copies
from plugins.schema_drift.proving.telling import asked, lead, name, names, table_of

_LONGEST_TITLE = 160
_LONGEST_TABLES = 90
_QUESTIONS = 20
_CONSUMERS = 12


def make_proposal(
    drift: Drift,
    patch: Patch,
    patched: PatchedProject,
    *,
    base: str,
    first_seen: str | None = None,
    held_rows: int | None = None,
    proposal_id: str | None = None,
) -> Proposal:
    """What is proposed, without evidence.

    base: the commit that was patched. first_seen: when the new schema came, for people. held_rows: rows that wait
    for the merge. proposal_id: of an open proposal that this one brings up to date.
    """
    tables = {table.id: table.name for table in (*patched.after, *patched.before)}
    raw = _raw(drift, patch, patched)
    proposal = Proposal(
        kind="drift",
        title=_title(drift, patch, tables),
        reason="\n\n".join(_reason(drift, patch, patched, tables, first_seen)),
        confidence=_confidence(drift, patch),
        base=base,
        changes=patch.changes,
        told={
            path: redact(told) for path, told in patch.told.items() if any(c.path == path for c in patch.changes)
        },
        questions=tuple(_questions(drift, patch, {path for path, _ in raw})),
        notes=(*_notes(drift, patch, tables, held_rows), *_told_raw(raw), *told_parse(patch, patched)),
    )
    return proposal if proposal_id is None else proposal.model_copy(update={"id": proposal_id})


def _title(drift: Drift, patch: Patch, tables: dict[str, str]) -> str:
    """Which table, the worst of what happened to it, and what is done about it."""
    worst = sorted(drift.changes, key=lambda c: (-c.severity.rank, c.table in patch.unpatched))
    first = worst[0]
    where = list(dict.fromkeys(_plain(tables.get(c.table, c.table)) for c in worst))
    # Tables that have nothing to do with each other may be in one pull request: as many as fit are named.
    fit = next(n for n in range(len(where), 0, -1) if n <= 2 or len(", ".join(where[:n])) <= _LONGEST_TABLES)
    rest = f" and {len(where) - fit} more" if where[fit:] else ""
    said = f"{', '.join(where[:fit])}{rest}: {_happened(first)}"
    more = len(worst) - 1
    said += f", and {more} more {'change' if more == 1 else 'changes'}" if more else " upstream"
    kept = list(dict.fromkeys(r.column for c in worst for r in c.restores if c.table not in patch.unpatched))
    if not patch.changes:
        said += "; a question to you"
    elif kept and not _is_propagated(patch):
        said += f"; keep {names(kept) if len(kept) < 4 else f'{len(kept)} columns as they were'} at the boundary"
    if patch.changes and patch.waiting:
        said += f"; a question about {names(sorted(column for _, column in patch.waiting))}"
    return said if len(said) <= _LONGEST_TITLE else said[: _LONGEST_TITLE - 1] + "…"


def _happened(change: Change) -> str:
    before, after = names(change.before[:2]), names(change.after[:2])
    if change.before and change.after and change.before != change.after:
        return f"{before} became {after}"
    verbs = {
        Kind.COLUMN_ADDED: "was added",
        Kind.TABLE_ADDED: "was added",
        Kind.COLUMN_REMOVED: "is gone",
        Kind.TABLE_REMOVED: "is gone",
        Kind.UNIT_CHANGED: "has another unit",
        Kind.FORMAT_CHANGED: "is written otherwise",
        Kind.MEANING_CHANGED: "means something else",
    }
    return f"{before or after} {verbs.get(change.kind, 'changed')}"


def _reason(
    drift: Drift, patch: Patch, patched: PatchedProject, tables: dict[str, str], first_seen: str | None
) -> Iterator[str]:
    severity = drift.severity or Severity.SILENT
    yield f"**{lead(severity)}{_done(drift, patch)}.**"
    yield table_of(drift.changes, tables, first_seen)
    yield from _consumers(drift, patched)


def _done(drift: Drift, patch: Patch) -> str:
    models = [PurePosixPath(c.path).stem for c in patch.changes if c.path.endswith((".sql", ".py"))]
    left = {change.table for change in drift.changes} & patch.unpatched
    if not patch.changes:
        return ", nothing is changed here before you answer"
    if left and left == {change.table for change in drift.changes}:
        return ", left to you: see the questions"
    where = f"in {names(models)}" if models else "in what is declared of it"
    if _is_propagated(patch):
        said = f", carried through {len(patch.changes)} files"
    elif len(models) == 1:
        said = f", fixed at {name(models[0])}"
    else:
        said = f", fixed {where}"
    return f"{said}; a part is left to you" if left or patch.waiting else said


def _consumers(drift: Drift, patched: PatchedProject) -> Iterator[str]:
    """Who reads columns that are gone: each is named, since nothing can give them back."""
    gone = {(c.table, n.lower()) for c in drift.changes if c.kind is Kind.COLUMN_REMOVED for n in c.before}
    if not gone:
        return
    reach = patched.graph.downstream(gone)
    readers = sorted({*reach.nodes} & patched.manifest.resources.keys())
    if not readers:
        yield "**What reads what is gone**: nothing in this project."
        return
    told = [name(patched.manifest.resources[node].name) for node in readers]
    more = f" and {len(told) - _CONSUMERS} more" if len(told) > _CONSUMERS else ""
    yield f"**What reads what is gone**: {', '.join(told[:_CONSUMERS])}{more}."


def _raw(drift: Drift, patch: Patch, patched: PatchedProject) -> list[tuple[str, tuple[str, frozenset[str]]]]:
    """Paths of models that show the source's rows as they came, with their names and the columns that do."""
    resources, changed = patched.manifest.resources, {change.path for change in patch.changes}
    nodes = {key for key, one in resources.items() if one.kind != "source" and one.path in changed}
    names = [(c.table, name) for c in drift.changes for name in (*c.before, *(r.column for r in c.restores))]
    drifted = {(table, name.partition(".")[0].lower()) for table, name in names}
    found = raw_copies(patched.manifest, patched.graph, drifted, nodes)
    return sorted((resources[node].path, (resources[node].name, columns)) for node, columns in found.items())


def _told_raw(raw: list[tuple[str, tuple[str, frozenset[str]]]]) -> Iterator[str]:
    """Models that nothing had to be done about, which a reader of them will wonder about."""
    if raw:
        told = "; ".join(f"{name(model)}: {names(sorted(columns))}" for _, (model, columns) in raw)
        yield (
            f"**Shown as it came**: {told}. Rows of the source stand there unchanged, and so, from the change on, "
            "as the source has them now; nothing is made of these columns."
        )


def _questions(drift: Drift, patch: Patch, answered: Set[str]) -> Iterator[str]:
    """With their places, those first that can't wait; what only a person can say of a change itself too.

    answered: paths of models that no question is asked about.
    """
    open_ones = [one for one in patch.questions if one.path not in answered]
    texts = [asked(question) for question in sorted(open_ones, key=lambda one: one.is_minor)]
    known = " ".join(texts)
    texts += [p for c in drift.changes if c.question and (p := prose(redact(c.question), 500)) not in known]
    texts = list(dict.fromkeys(texts))
    yield from texts[:_QUESTIONS]
    if len(texts) > _QUESTIONS:
        yield f"and {len(texts) - _QUESTIONS} more of the kind: `smelt drift check` lists them"


def _notes(drift: Drift, patch: Patch, tables: dict[str, str], held_rows: int | None) -> Iterator[str]:
    renamed = any(c.kind is Kind.COLUMN_RENAMED for c in drift.changes if c.table not in patch.unpatched)
    if patch.kept:
        told = "; ".join(
            f"{name(path)}: {prose(said, 200)}" for path, said in sorted(patch.kept.items())[:_CONSUMERS]
        )
        more = f"; and {len(patch.kept) - _CONSUMERS} more" if len(patch.kept) > _CONSUMERS else ""
        yield f"**Keeps the old name**: {told}{more}."
    if renamed and patch.mode is Mode.ABSORB:
        yield (
            "**Or carry the new name through**: `smelt drift propose --propagate` proposes the rename in every "
            "model that passes the column on, instead of keeping the old name at the boundary."
        )
    if not patch.changes:
        yield (
            "**Merging this as it is** changes nothing: models that do not build now will not build then. Merged "
            "or closed, the same is not asked again; a Smelt project builds from the source as it is now."
        )
    left = sorted({tables.get(table, table) for table in patch.unpatched})
    if left:
        yield f"**Not patched**: {names(left)}; the questions say why."
    if drift.notes:
        told = "; ".join(prose(redact(note), 160) for note in drift.notes[:5])
        yield f"**Not compared at the source**: {told}{'; …' if len(drift.notes) > 5 else ''}."
    if held_rows is not None:
        yield f"**Held-back rows**: {held_rows:,}" + (", replayed after the merge." if held_rows else ".")


def _confidence(drift: Drift, patch: Patch) -> float:
    """That of the least certain change that is patched."""
    patched = [change for change in drift.changes if change.table not in patch.unpatched]
    return min((min(1.0, max(0.0, c.confidence)) for c in patched or drift.changes), default=1.0)


def _is_propagated(patch: Patch) -> bool:
    """Whether models, and not only sources, have columns under other names."""
    return any(i.renamed for node, i in patch.interfaces.items() if not node.startswith("source."))


def _plain(text: Any) -> str:
    """A table's name for a title."""
    return prose(str(text), 80).replace("`", "'")
