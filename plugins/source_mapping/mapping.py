"""`smelt map SOURCE`: read, match, draft, prove, propose."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plugins.core.errors import SmeltError
from plugins.core.project import Manifest, Project
from plugins.core.project.compiled import compiled_manifest
from plugins.core.settings import Settings
from plugins.source_mapping.decisions import KIND, decisions, last_proposed, record, with_edits
from plugins.source_mapping.document import SourceMapping, read_mapping
from plugins.source_mapping.drafting.files import Drafts, draft_files
from plugins.source_mapping.drafting.house import learn_house
from plugins.source_mapping.entities import load_entities
from plugins.source_mapping.planning.past import Past
from plugins.source_mapping.planning.plan import Plan, plan_mapping
from plugins.source_mapping.planning.standing import read_standing
from plugins.source_mapping.proposing import make_proposal
from plugins.source_mapping.streams import load_source

if TYPE_CHECKING:
    from plugins.review import ChangedSources, Proposal, Repository

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Mapped:
    """url: of the pull request; None if the evidence speaks against it, or nobody asked to open it."""

    plan: Plan
    drafts: Drafts
    proposal: Proposal | None
    body: str
    url: str | None
    has_failed: bool
    seconds: float


def map_source(
    project: Project,
    settings: Settings,
    source: str,
    *,
    to: str | None = None,
    domain: str | None = None,
    is_opened: bool = True,
    forge: str | None = None,
    on_progress: Progress = lambda _: None,
) -> Mapped:
    """Map a source, and propose its staging models as a pull request.

    to: a folder, a group or a model: the entities that are looked at. domain: folder of new entities; default: the
    source's name. Raises SmeltError for what can't be read, and as the sandbox and the forge do.
    """
    from plugins.review import Proposals, Repository, prove

    started = time.monotonic()
    on_progress("reading the project")
    manifest = compiled_manifest(project)
    plan = _settled(settings, plan_source(project, settings, manifest, source, to, on_progress), on_progress)
    house = learn_house(project.folder, manifest, frozenset(settings.review.macros))
    described = _specified(settings, source)
    drafts = draft_files(
        plan, house, domain or source, described.get("description", ""), described.get("owner", "")
    )
    repository = Repository.find(project.folder)
    base = repository.resolve("HEAD")
    known = find_open(settings, source)
    proposal = make_proposal(
        plan, drafts, _committed(repository, project, base, drafts), base, known.id if known else None
    )
    if proposal is None:
        return Mapped(plan, drafts, None, "", None, False, time.monotonic() - started)
    proven = prove(project, settings, proposal, on_progress, sources=_sources(settings, manifest, plan))
    proposals = Proposals(settings)
    proposals.add(proven.proposal, proven.body)
    url = None
    if is_opened and not proven.has_failed:
        on_progress("opening the pull request")
        url = proposals.open(proposal.id, forge).url
    return Mapped(plan, drafts, proven.proposal, proven.body, url, proven.has_failed, time.monotonic() - started)


def _settled(settings: Settings, plan: Plan, on_progress: Progress) -> Plan:
    """The plan, its doubts looked at by a language model if one is configured; none is a normal state."""
    from plugins.core.llm import has_model, open_model

    if not has_model(settings):
        return plan
    from plugins.core.ledger import Ledger, open_run
    from plugins.source_mapping.settling import settle

    on_progress("asking the language model about the doubtful pairs")
    with open_run(Ledger(settings), "map") as run:
        model = open_model(settings, run)
        return settle(plan, model) if model is not None else plan


def _committed(repository: Repository, project: Project, base: str, drafts: Drafts) -> dict[str, str]:
    """The drafted files as they are at the base: what is only in the working tree is not in a pull request's
    way.
    """
    prefix = repository.prefix(project.folder)
    paths = {str(prefix / path): path for path in drafts.files}
    found = repository.blobs(base, list(paths))
    return {paths[path]: text.decode(errors="replace") for path, text in found.items()}


def plan_source(
    project: Project, settings: Settings, manifest: Manifest, source: str, to: str | None, on_progress: Progress
) -> Plan:
    """The plan, which nothing is drafted of yet."""
    on_progress("discovering the source")
    found = load_source(project, settings, manifest, source)
    on_progress("reading the entities")
    entities = load_entities(project, settings, manifest, to)
    own = {name: one for name, one in entities.items() if not _is_own(one.fed_by, source)}
    decided = _decided(project, settings, source)
    past = Past.of(_others(project, source))
    _require_known(decided, manifest)
    taken = frozenset(r.name for r in manifest.resources.values() if r.kind in ("model", "seed", "snapshot"))
    mine = {e.entity for s in decided.streams for e in s.entities if e.is_new} if decided else set()
    standing = read_standing(manifest, source)
    taken -= mine | standing.entities
    on_progress("matching")
    is_chosen = to is not None and len(entities) == 1
    return plan_mapping(found, own, decided, past, taken, standing, is_chosen=is_chosen)


def _require_known(decided: SourceMapping | None, manifest: Manifest) -> None:
    """Raises SmeltError for an entity that is said to be there, and is no model: what people say is not
    dropped.
    """
    known = {r.name for r in manifest.resources.values()}
    for stream in decided.streams if decided else ():
        for entity in stream.entities:
            if not entity.is_new and entity.status != "rejected" and entity.entity not in known:
                raise SmeltError(
                    f"mapping.yml maps {stream.stream} to {entity.entity}, which is no model of this project",
                    "correct its name, or say `is_new: true` to have it drafted",
                )


def _decided(project: Project, settings: Settings, source: str) -> SourceMapping | None:
    """mapping.yml as people left it; what they decided goes to the ledger."""
    there = read_mapping(mapping_path(project, source))
    if there is None:
        return None
    from plugins.core.ledger import Ledger

    proposed = last_proposed(settings, source)
    there = with_edits(there, proposed)
    record(Ledger(settings), source, decisions(there, proposed))
    return there


def _is_own(fed_by: tuple[str, ...], source: str) -> bool:
    """Whether an entity is made of this source and of no other: mapped already."""
    return bool(fed_by) and all(one.startswith(f"{source}.") for one in fed_by)


def mapping_path(project: Project, source: str) -> Path:
    """Where the mapping of a source is."""
    return project.folder / "sources" / source / "mapping.yml"


def _others(project: Project, source: str) -> list[SourceMapping]:
    """Mappings of the other sources; one that can't be read teaches nothing, and is said where it is used."""
    found = []
    for path in sorted((project.folder / "sources").glob("*/mapping.yml")):
        if path.parent.name != source:
            with suppress(SmeltError):
                found.append(read_mapping(path))
    return [one for one in found if one is not None]


def _specified(settings: Settings, source: str) -> dict[str, str]:
    """Description and owner in source.yml, if there is one."""
    from ruamel.yaml import YAML

    path = settings.project_dir / "sources" / source / "source.yml"
    document = YAML(typ="safe", pure=True).load(path.read_text("utf-8")) if path.is_file() else {}
    return {key: str(document[key]) for key in ("description", "owner") if document.get(key)}


def _sources(settings: Settings, manifest: Manifest, plan: Plan) -> ChangedSources | None:
    """Bronze as it is now, of which what is published knows nothing yet; None where there is no bronze."""
    if not plan.source.in_bronze:
        return None
    from plugins.core.lake import Lake, pin_namespace
    from plugins.review import ChangedSources, SideInputs

    pins = tuple(pin_namespace(Lake(settings), "bronze"))
    return ChangedSources(base=SideInputs(pins=pins), head=SideInputs(pins=pins))


def find_open(settings: Settings, source: str) -> Proposal | None:
    """The open proposal about this source's mapping."""
    from plugins.review import Proposals

    proposals = Proposals(settings)
    for proposal_id in reversed(proposals.store.ids):
        # One whose files can't be read is passed over: `smelt proposals list` names it.
        with suppress(SmeltError):
            one = proposals.find(proposal_id).proposal
            if one.kind == KIND and one.subject == source and not proposals.status(one).state.decision.is_final:
                return one
    return None
