"""Builds of an earlier time: a file of their own, from a profile like the target's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ruamel.yaml import YAML

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings


def parse_time(text: str) -> datetime:
    """An ISO 8601 date or time, UTC unless it says otherwise; a date means its first moment."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise SmeltError(f"{text!r} is not a time", "write for example 2026-11-20T10:00 (UTC)") from error
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    if time > datetime.now(UTC):
        raise SmeltError(f"{time:%Y-%m-%d %H:%M:%S} UTC has not come yet", "name a time in the past")
    return time


def as_of_profiles(settings: Settings, as_of: datetime) -> Path:
    """A folder with a profiles.yml whose outputs write to `asof/<time>.duckdb`, else like the project's."""
    warehouse = settings.local_root / "asof" / f"{as_of:%Y%m%dT%H%M%SZ}.duckdb"
    yaml = YAML(typ="rt")
    profiles = yaml.load((settings.project_dir / "profiles.yml").read_text(encoding="utf-8"))
    for profile in profiles.values():
        for output in profile.get("outputs", {}).values():
            output["path"] = str(warehouse)
    folder = warehouse.parent / "profiles" / warehouse.stem
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "profiles.yml").open("w", encoding="utf-8") as file:
        yaml.dump(profiles, file)
    return folder
