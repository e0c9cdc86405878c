"""Every file of a mapping: what is new, what an entity in place means for a reviewer, what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from plugins.source_mapping.document import EntityMapping, StreamMapping, render_mapping
from plugins.source_mapping.drafting.contract import draft_contract, with_account
from plugins.source_mapping.drafting.declaring import draft_source
from plugins.source_mapping.drafting.entity import Reference, draft_entity
from plugins.source_mapping.drafting.house import House
from plugins.source_mapping.drafting.staging import AUDIT, Staged, draft_staging
from plugins.source_mapping.planning.drafted import snake_case
from plugins.source_mapping.planning.expressions import unquoted
from plugins.source_mapping.planning.plan import Plan
from plugins.source_mapping.streams import SourceStream

# Below this a reference is a guess, and a guess is no test.
_SURE_REFERENCE = 0.75
_NAMED = 6


@dataclass
class Drafts:
    """files: text by path. told: what each does, in a line of markdown. models: staging models by stream and
    entity; types: of their columns. entities: those that are drafted. there: models that the project has."""

    files: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    models: dict[tuple[str, str], str] = field(default_factory=dict)
    types: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    entities: set[str] = field(default_factory=set)
    there: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)

    def add(self, path: PurePosixPath | str, text: str, told: str) -> None:
        """One more file."""
        self.files[str(path)] = text
        self.told[str(path)] = told


@dataclass(frozen=True)
class _Drafting:
    plan: Plan
    house: House
    domain: str
    owner: str
    drafts: Drafts


def draft_files(plan: Plan, house: House, domain: str, description: str, owner: str) -> Drafts:
    """domain: the folder of new entities. description, owner: of the source."""
    drafts = Drafts(there=house.models)
    source = plan.source
    if source.in_bronze and not all(stream.is_declared for stream in source.streams):
        drafts.add(
            f"sources/{source.name}/_{snake_case(source.name)}__sources.yml",
            draft_source(source, description, owner),
            "declares the source to dbt",
        )
    drafts.add(
        f"sources/{source.name}/mapping.yml", render_mapping(plan.mapping), "the mapping, for people to decide"
    )
    one = _Drafting(plan, house, domain, owner or source.name, drafts)
    for mapped in plan.mapping.streams:
        if any(stream.name == mapped.stream for stream in source.streams):
            _draft_stream(one, source.stream(mapped.stream), mapped)
    if house.is_layered and source.in_bronze:
        drafts.notes += _unaccounted(plan, drafts)
    return drafts


def _unaccounted(plan: Plan, drafts: Drafts) -> Iterator[str]:
    """Streams that a build says nothing about: it accounts for the rows of entities."""
    staged = {stream for stream, entity in drafts.models if entity not in drafts.entities}
    staged -= {stream for stream, entity in drafts.models if entity in drafts.entities}
    if staged:
        names = ", ".join(f"`{name}`" for name in sorted(staged)[:_NAMED])
        more = f" and {len(staged) - _NAMED} more" if len(staged) > _NAMED else ""
        yield (
            f"**{len(staged)} of {len(plan.source.streams)} streams are only staged** ({names}{more}): "
            "no entity is made of their own rows, so that a build does not account for them."
        )


def _draft_stream(one: _Drafting, stream: SourceStream, mapped: StreamMapping) -> None:
    open_to = [entity for entity in mapped.entities if is_drafted(entity)]
    for mapping in open_to:
        name = _staging_name(one, stream, mapping, is_alone=len(open_to) == 1)
        _draft_one(one, stream, mapping, name)


def _staging_name(one: _Drafting, stream: SourceStream, mapping: EntityMapping, *, is_alone: bool) -> str:
    name = f"stg_{snake_case(one.plan.source.name)}__{snake_case(stream.name if is_alone else mapping.entity)}"
    if name in one.drafts.models.values():
        return f"stg_{snake_case(one.plan.source.name)}__{snake_case(stream.name)}_{mapping.entity}"
    return name


def _draft_one(one: _Drafting, stream: SourceStream, mapping: EntityMapping, name: str) -> None:
    source, house = one.plan.source, one.house
    entity = None if mapping.is_new else one.plan.entities.get(mapping.entity)
    domain = entity.domain if entity is not None and house.silver else one.domain
    folder = house.staging_folder(source.name, domain)
    audit = tuple(AUDIT) if source.in_bronze else ()
    standing = one.plan.standing.of(stream.name, mapping.entity)
    staged = draft_staging(name, source.name, stream, mapping, entity, audit, standing)
    one.drafts.models[stream.name, mapping.entity] = name
    one.drafts.types[stream.name, mapping.entity] = {unquoted(one.name): one.data_type for one in staged.columns}
    one.drafts.add(folder / f"{name}.sql", staged.sql, f"types and renames `{stream.name}`")
    one.drafts.add(folder / f"{name}.yml", staged.yaml, "describes it")
    if mapping.is_new and not staged.key and not (house.is_layered and source.in_bronze):
        one.drafts.notes.append(f"**`{stream.name}` has no key** that is sure enough to be tested.")
    if mapping.is_new and house.is_layered and source.in_bronze:
        _draft_layers(one, stream, mapping, staged, folder)


def _draft_layers(
    one: _Drafting, stream: SourceStream, mapping: EntityMapping, staged: Staged, folder: PurePosixPath
) -> None:
    drafts, house, source = one.drafts, one.house, one.plan.source
    if not stream.profile.rows:
        drafts.notes.append(
            f"**`{stream.name}` has no rows yet**: it is staged, its types are not known, and no entity is "
            "made of it."
        )
        return
    if not staged.key:
        drafts.notes.append(
            f"**`{stream.name}` has no key** that is sure enough, so it is staged and no entity is made of "
            "it: say "
            "`primary_key` in source.yml, and run `smelt map` again."
        )
        return
    drafts.entities.add(mapping.entity)
    references = list(_references(one.plan, stream, mapping))
    for model in draft_entity(mapping.entity, source.name, one.owner, stream, staged, references):
        drafts.add(folder / f"{model.name}.sql", model.sql, _told(model.name, mapping.entity))
        drafts.add(folder / f"{model.name}.yml", model.yaml, "describes it")
    if house.contracts is not None:
        described = f"{mapping.entity.replace('_', ' ').capitalize()} of {source.name}."
        path = f"{house.contracts}/{folder.name}/{mapping.entity}.yml"
        drafts.add(path, draft_contract(mapping.entity, described, staged), "the contract that the gate checks")
    if house.accounting is not None:
        before = drafts.files.get(house.accounting, house.texts[house.accounting])
        after = with_account(before, source.name, stream.name, mapping.entity, staged.key)
        drafts.add(house.accounting, after, "accounts for every row of the streams that entities are made of")


def _told(model: str, entity: str) -> str:
    if model == entity:
        return "the entity: the newest valid version of each row"
    return _LAYERS[model.partition("_")[0]]


_LAYERS = {"int": "every version, with the rules it breaks", "quarantine": "rows that break a rule, as they came"}


def _references(plan: Plan, stream: SourceStream, mapping: EntityMapping) -> Iterator[Reference]:
    """What discovery found of this stream, where the other side becomes an entity with that key."""
    for key in plan.source.foreign_keys:
        theirs = plan.mapping.stream(key.to_stream)
        is_sure = len(key.columns) == 1 and key.confidence >= _SURE_REFERENCE
        if key.stream != stream.name or theirs is None or not is_sure:
            continue
        if plan.source.stream(key.to_stream).key != key.to_columns:
            continue
        for entity in theirs.entities:
            ours, to = _target(mapping, key.columns[0]), _target(entity, key.to_columns[0])
            if entity.is_new and is_drafted(entity) and ours and to:
                yield Reference(ours, entity.entity, to)


def is_drafted(mapping: EntityMapping) -> bool:
    """Whether models are made of it: not of what people rejected, nor of a view that they are asked about."""
    return mapping.status != "rejected" and not (mapping.is_new and mapping.status == "question")


def _target(mapping: EntityMapping, column: str) -> str | None:
    return next((one.target for one in mapping.columns if one.columns == (column,)), None)


def existing(plan: Plan) -> Iterator[tuple[StreamMapping, EntityMapping]]:
    """Shares in entities that the project has."""
    for stream in plan.mapping.streams:
        for mapping in stream.entities:
            if not mapping.is_new and mapping.status != "rejected":
                yield stream, mapping
