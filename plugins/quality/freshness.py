"""How old the newest load of each stream is, against what its owner promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from sqlalchemy import func, select

from plugins.core.errors import SmeltError
from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import Settings


@dataclass(frozen=True)
class Freshness:
    """A stream's newest successful load (None: never), its age in seconds, and its SLA in seconds (None: none).

    is_in_place: it is not loaded but read at its source by each build; loaded_at: when its schema was looked at.
    """

    stream: str
    loaded_at: datetime | None
    age_seconds: float | None
    sla_seconds: float | None
    is_in_place: bool = False

    @property
    def is_late(self) -> bool:
        """Whether the promise is broken."""
        if self.sla_seconds is None:
            return False
        return self.age_seconds is None or self.age_seconds > self.sla_seconds

    @property
    def timeliness(self) -> float | None:
        """1 within the SLA, then falling as SLA / age; None where nothing is promised."""
        if self.sla_seconds is None:
            return None
        if self.age_seconds is None:
            return 0.0
        return 1.0 if self.age_seconds <= self.sla_seconds else self.sla_seconds / self.age_seconds


def stream_freshness(settings: Settings, ledger: Ledger, now: datetime | None = None) -> dict[str, Freshness]:
    """`source.stream` → freshness, for every stream of a source.yml. Finding nothing new counts as a load."""
    now = now or datetime.now(UTC)
    loads = TABLES["stream_loads"]
    query: Any = (
        select(loads.c.source, loads.c.stream, func.max(loads.c.at).label("at"))
        .where(loads.c.outcome.in_(("loaded", "unchanged")))
        .group_by(loads.c.source, loads.c.stream)
    )
    newest = ledger.read(query)
    loaded = {f"{row['source']}.{row['stream']}": row["at"].replace(tzinfo=UTC) for row in newest}
    found = {}
    for stream, (sla, is_in_place) in _promises(settings).items():
        at = loaded.get(stream)
        age = (now - at).total_seconds() if at else None
        found[stream] = Freshness(stream, at, age, sla.total_seconds() if sla else None, is_in_place)
    return found


def _promises(settings: Settings) -> dict[str, tuple[timedelta | None, bool]]:
    """Each stream's `freshness_sla`, and whether it is read in place; the rest of source.yml is for ingest."""
    duration = TypeAdapter(timedelta | None)
    promises = {}
    for path in sorted((settings.project_dir / "sources").glob("*/source.yml")):
        try:
            document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
            for stream in document["streams"]:
                promises[f"{path.parent.name}.{stream['name']}"] = (
                    duration.validate_python(stream.get("freshness_sla")),
                    stream.get("sync_mode") == "federated",
                )
        except (YAMLError, KeyError, TypeError, ValidationError) as error:
            raise SmeltError(f"{path}: cannot be read: {error}", "see docs/reference/source.md") from error
    return promises
