"""What the review page shows: the mapping, and both sides with their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from plugins.core.project import Manifest, Project
from plugins.core.project.compiled import compiled_manifest
from plugins.core.settings import Settings
from plugins.source_mapping.document import EntityMapping, SourceMapping
from plugins.source_mapping.mapping import mapping_path, plan_source
from plugins.source_mapping.matching import Table
from plugins.source_mapping.page.content import ANY_TARGET, Readings
from plugins.source_mapping.page.personal import Personal, personal_sources, personal_targets
from plugins.source_mapping.planning.drafted import own_columns
from plugins.source_mapping.planning.pairing import planned_expression
from plugins.source_mapping.planning.plan import Plan


@dataclass(frozen=True)
class ReviewInputs:
    """sources: tables by stream. targets: by entity; those that are new have their names only. path: of
    mapping.yml. readings: by stream and entity. personal: columns whose values nobody may see.
    """

    mapping: SourceMapping
    sources: dict[str, Table]
    targets: dict[str, Table]
    path: Path
    readings: Readings = field(default_factory=dict)
    personal: Personal = field(default_factory=Personal)


def review_inputs(project: Project, settings: Settings, source: str) -> ReviewInputs:
    """The mapping as it is decided so far, with proposals for the rest. Raises SmeltError as `plan_source`
    does.
    """
    manifest = compiled_manifest(project)
    plan = plan_source(project, settings, manifest, source, None, lambda _: None)
    return ReviewInputs(
        plan.mapping,
        {stream.name: stream.table for stream in plan.source.streams},
        {name: entity.table for name, entity in plan.entities.items()},
        mapping_path(project, source),
        {
            (stream.stream, entity.entity): _readings(plan, stream.stream, entity)
            for stream in plan.mapping.streams
            for entity in stream.entities
            if any(one.name == stream.stream for one in plan.source.streams)
        },
        _personal(settings, manifest, plan),
    )


def _personal(settings: Settings, manifest: Manifest, plan: Plan) -> Personal:
    """What source.yml lists, what the dbt project marks, and what discovery finds."""
    from plugins.review import find_pii

    source = plan.source.name
    specified = _specified(settings, source)
    marked = {one.name: find_pii(manifest, one.id) for one in manifest.resources.values() if one.kind == "source"}
    models = {one.name: find_pii(manifest, one.id) for one in manifest.resources.values() if one.kind == "model"}
    used = {entity.entity for stream in plan.mapping.streams for entity in stream.entities}
    return Personal(
        {
            stream.name: personal_sources(
                stream.profile.columns,
                specified.get(stream.name, frozenset()) | marked.get(f"{source}.{stream.name}", frozenset()),
            )
            for stream in plan.source.streams
        },
        {
            name: personal_targets(entity.table, models.get(name, frozenset()))
            for name, entity in plan.entities.items()
            if name in used
        },
    )


def _specified(settings: Settings, source: str) -> dict[str, frozenset[str]]:
    """Columns that source.yml lists as personal, by stream; none without the file."""
    from ruamel.yaml import YAML

    path = settings.project_dir / "sources" / source / "source.yml"
    document = YAML(typ="safe", pure=True).load(path.read_text("utf-8")) if path.is_file() else None
    streams = document.get("streams") if isinstance(document, dict) else None
    return {one["name"]: frozenset(map(str, one.get("pii") or ())) for one in streams or () if "name" in one}


def _readings(plan: Plan, stream: str, mapping: EntityMapping) -> dict[str, dict[str, str]]:
    source, entity = plan.source.stream(stream), plan.entities.get(mapping.entity)
    names = [column.name for column in source.table.columns]
    if mapping.is_new or entity is None:
        own = {one.columns[0]: one.expression for one in own_columns(source, names, set()) if one.expression}
        return {ANY_TARGET: own}
    found: dict[str, dict[str, str]] = {}
    for target in entity.table.columns:
        made = {name: planned_expression(source, entity, target.name, name) for name in names}
        found[target.name] = {name: one.sql for name, one in made.items() if one is not None and one.sql}
    return found
