"""Maintaining a project's lake: bronze tables, and published ones of runs that are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import duckdb
from filelock import FileLock, Timeout
from pyiceberg.exceptions import CommitFailedException
from sqlalchemy.exc import DatabaseError

from plugins.core.errors import SmeltError
from plugins.core.lake import Lake
from plugins.core.lake.maintenance import Maintained, maintain_table
from plugins.core.settings import Settings
from plugins.core.warehouse.pinned import all_pins, remove_pins_of_killed_builds
from plugins.core.warehouse.pruning import prune_runs

_PUBLISHED = ("silver", "gold")


def maintain_bronze(
    lake: Lake, tables: Sequence[str], *, thorough: bool = False, is_dry: bool = False
) -> list[Maintained]:
    """Maintain these bronze tables (`<source>__<stream>`), beside whoever writes and reads them.

    Cheap where there is nothing to do: for callers that load and follow sources, once a minute or after a load.
    Raises SmeltError if something that is pinned can't be made out, when nothing is thrown away, or if the disk or
    the catalog fails; what was done until then stays.
    """
    pins = cache(lambda: all_pins(lake.settings))
    with _told():
        there = set(lake.tables("bronze"))
        return [
            maintain_table(lake, f"bronze.{name}", pins, thorough=thorough, is_dry=is_dry)
            for name in tables
            if name in there
        ]


def maintain_published(
    lake: Lake, *, thorough: bool = False, is_dry: bool = False
) -> tuple[list[str], list[Maintained]]:
    """Remove published runs beyond what is kept, and what only they needed; ids of the runs, and what was done.

    Does nothing while a build publishes. Raises SmeltError as `maintain_bronze` does.
    """
    settings = lake.settings
    if not settings.published_dir.is_dir():
        return [], []
    gone = prune_runs(settings, is_dry=is_dry)
    if not is_dry:
        remove_pins_of_killed_builds(settings)
    pins = cache(lambda: all_pins(settings))
    done = []
    for namespace in _PUBLISHED:
        for name in lake.tables(namespace):
            # File by file, as long as nobody publishes: what is written there is not committed yet.
            lock = FileLock(f"{settings.published_dir / 'catalog'}.lock")
            try:
                with lock.acquire(timeout=0), _told():
                    done.append(
                        maintain_table(lake, f"{namespace}.{name}", pins, thorough=thorough, is_dry=is_dry)
                    )
            except Timeout:
                return gone, done
    return gone, done


def maintain_on_the_way(settings: Settings, tables: Sequence[str], *, is_published: bool = False) -> str | None:
    """What loads do of it, for the tables that they wrote to; why it could not be done, in a line, or None.

    is_published: published runs and tables too.
    """
    if not settings.maintenance.is_automatic:
        return None
    try:
        lake = Lake(settings)
        maintain_bronze(lake, tables)
        if is_published:
            maintain_published(lake)
    except SmeltError as error:
        return error.message
    return None


@contextmanager
def _told() -> Iterator[None]:
    """What disk, catalog or object store have against it, as a SmeltError; each step leaves the table whole."""
    try:
        yield
    except (OSError, DatabaseError, duckdb.Error, CommitFailedException) as error:
        raise SmeltError(
            f"the lake could not be maintained: {' '.join(str(error).split())[:300]}",
            "nothing was lost; mend what is said, and run `smelt maintain`",
        ) from error
