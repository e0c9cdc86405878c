"""dbt's artifacts → events, by OpenLineage's own processor."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from openlineage.client.event_v2 import RunEvent

from plugins.core.settings import Settings
from plugins.observability.ids import run_uuid


def dbt_events(settings: Settings, run_id: str, artifacts: Path) -> tuple[list[RunEvent], str | None]:
    """Events of every model, snapshot and test in `run_results.json`; a line instead if they can't be made."""
    from openlineage.common.provider.dbt.local import DbtLocalArtifactProcessor
    from openlineage.common.provider.dbt.processor import ParentRunMetadata

    if not (artifacts / "run_results.json").is_file() or not (artifacts / "manifest.json").is_file():
        return [], None
    namespace = settings.openlineage.namespace
    # The processor resolves profiles.yml, which may name this variable.
    os.environ.setdefault("SMELT_PROJECT_DIR", str(settings.project_dir))
    quiet = logging.getLogger("openlineage.common.provider.dbt")
    quiet.setLevel(logging.CRITICAL)
    try:
        processor = DbtLocalArtifactProcessor(
            project_dir=str(settings.project_dir),
            target_path=str(artifacts),
            producer="https://github.com/smelt-data/smelt",
            job_namespace=namespace,
        )
        processor.dbt_run_metadata = ParentRunMetadata(
            run_id=run_uuid(run_id), job_name="smelt.build", job_namespace=namespace
        )
        return list(processor.parse().events()), None
    except Exception as error:  # noqa: BLE001 - the processor meets anybody's project; lineage must not fail a build
        return [], f"dbt's lineage events could not be made: {type(error).__name__}: {error}"
