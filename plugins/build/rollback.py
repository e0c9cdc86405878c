"""Back to an earlier run: readers see it at once, nothing is rebuilt or deleted."""

from __future__ import annotations

from plugins.core.errors import SmeltError
from plugins.core.ledger import Ledger, open_run
from plugins.core.settings import Settings
from plugins.core.warehouse.lock import queue_for
from plugins.core.warehouse.published import PublishedRun, point_to, published_runs, read_run, run_path


def rollback(settings: Settings, run_id: str) -> PublishedRun:
    """Publish the run whose id is, or ends in, `run_id` again.

    Raises SmeltError if no run, or more than one, answers to it, or if its catalog file is damaged.
    """
    known = [path.stem for path in sorted((settings.published_dir / "runs").glob("*.duckdb"))]
    matching = [name for name in known if name == run_id] or [
        name for name in known if name.endswith(run_id.upper())
    ]
    if len(matching) != 1:
        problem = "was never published" if not matching else f"is the end of several: {', '.join(matching)}"
        raise SmeltError(f"run {run_id} {problem}", "choose one of `smelt rollback --list`")
    with open_run(Ledger(settings), "rollback", to=matching[0]), queue_for(settings.published_dir / "catalog"):
        run = read_run(run_path(settings, matching[0]))
        point_to(settings, run.id)
    return run


def runs(settings: Settings) -> list[PublishedRun]:
    """All runs that can be rolled back to, oldest first."""
    return published_runs(settings)
