"""Holds as the ledger keeps them: `plugins.build` reads the same ones.

Most projects have no lake, and need not wait for what reads one.
"""

from __future__ import annotations

from dataclasses import replace

from plugins.core.lake import has_lake
from plugins.core.ledger import Hold, Ledger, Released, hold, open_holds, open_run, release, released_holds
from plugins.core.settings import Settings
from plugins.schema_drift.healing.streams import read_streams, stream_of

__all__ = [
    "Hold",
    "Released",
    "follow",
    "held_rows",
    "hold",
    "needs",
    "open_holds",
    "release",
    "released_holds",
]


def held_rows(settings: Settings, source: str) -> int | None:
    """Rows of a source that wait in bronze; None: nothing of it is held back."""
    holds = [one for one in _holds(settings) if one.source == source and one.is_blocking]
    if not holds:
        return None
    from plugins.core.lake import Lake
    from plugins.core.warehouse.held import count_held

    return sum(count_held(Lake(settings), holds).values())


def needs(settings: Settings, proposal_id: str) -> int:
    """Rows that came while their stream was held for this proposal, and that only its patch reads right."""
    holds = [one for one in _holds(settings) if one.proposal_id == proposal_id and one.is_blocking]
    if not holds:
        return 0
    from plugins.core.lake import Lake
    from plugins.schema_drift.healing.undone import rows_left_behind

    lake, streams = Lake(settings), read_streams(settings.project_dir)
    return sum(rows_left_behind(lake, one, stream_of(one.table, streams).key) for one in holds)


def follow(settings: Settings, source: str, proposal_id: str, url: str) -> None:
    """What is held of a source waits for this proposal from now on: it was opened apart from any run."""
    holds = [one for one in _holds(settings) if one.source == source]
    late = [one for one in holds if one.proposal_id != proposal_id or one.detail.get("url") is None]
    if late:
        with open_run(Ledger(settings), "drift", follows=proposal_id) as run:
            hold(
                run,
                *(replace(one, proposal_id=proposal_id, detail={**one.detail, "url": url}) for one in late),
            )


def _holds(settings: Settings) -> tuple[Hold, ...]:
    """None where there is no lake: only loads of Smelt are ever held back."""
    return open_holds(Ledger(settings)) if has_lake(settings) else ()
