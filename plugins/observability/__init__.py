"""OpenLineage events of what Smelt did.

A run's id goes in; its ledger rows (and dbt's artifacts) become events, appended to a file and sent to an
endpoint if one is configured. Nothing here can fail a run, or hold one up for longer than its budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.core.settings import Settings

__all__ = ["emit_run"]


def emit_run(settings: Settings, run_id: str, artifacts: Path | None = None) -> str | None:
    """Emit the events of a finished run; returns a line that says what went wrong, if anything did.

    artifacts: folder of dbt's manifest.json and run_results.json, if the run built models.
    """
    from plugins.observability.emit import emit

    return emit(settings, run_id, artifacts)
