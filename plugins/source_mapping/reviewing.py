"""What the review page shows: the mapping, and both sides with their values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plugins.core.project import Project
from plugins.core.project.compiled import compiled_manifest
from plugins.core.settings import Settings
from plugins.source_mapping.document import SourceMapping
from plugins.source_mapping.mapping import mapping_path, plan_source
from plugins.source_mapping.matching import Table


@dataclass(frozen=True)
class ReviewInputs:
    """sources: tables by stream. targets: by entity; those that are new have their names only. path: of
    mapping.yml.
    """

    mapping: SourceMapping
    sources: dict[str, Table]
    targets: dict[str, Table]
    path: Path


def review_inputs(project: Project, settings: Settings, source: str) -> ReviewInputs:
    """The mapping as it is decided so far, with proposals for the rest. Raises SmeltError as `plan_source`
    does.
    """
    plan = plan_source(project, settings, compiled_manifest(project), source, None, lambda _: None)
    return ReviewInputs(
        plan.mapping,
        {stream.name: stream.table for stream in plan.source.streams},
        {name: entity.table for name, entity in plan.entities.items()},
        mapping_path(project, source),
    )
