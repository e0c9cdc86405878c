"""Whether there is a lake at all: without PyIceberg, whose import takes a second."""

from __future__ import annotations

from plugins.core.settings import Settings


def has_lake(settings: Settings) -> bool:
    """Whether anything was ever loaded; doesn't create the lake."""
    return bool(settings.lake.catalog) or (settings.local_root / "catalog.db").is_file()
