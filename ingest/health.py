"""What `smelt doctor` looks at: each source's connection, the lake, the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select

from ingest.extract.registry import extractor
from ingest.spec import SourceSpec, load_sources
from plugins.core.errors import SmeltError
from plugins.core.lake import Lake
from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import Settings, mask


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. found: what was there, or what went wrong; fix: what to do about it."""

    what: str
    is_healthy: bool
    found: str
    fix: str | None
    milliseconds: float

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def examine(settings: Settings) -> list[Finding]:
    """Look at everything once; never raises for what is found."""
    sources = load_sources(settings.project_dir)
    findings = [
        _look(
            f"{source.name} (connection {source.connection})",
            lambda source=source: extractor(source.kind).check(settings, source),
        )
        for source in sources
    ]
    findings += [
        _look(f"{source.name} (log)", lambda source=source: _slot(settings, source))
        for source in sources
        if source.kind == "postgres" and any(stream.sync_mode == "cdc" for stream in source.streams)
    ]
    return [*findings, _look("lake", lambda: _lake(settings)), _look("ledger", lambda: _ledger(settings))]


def _look(what: str, check: Callable[[], str]) -> Finding:
    started = time.monotonic()
    try:
        found, fix, is_healthy = check(), None, True
    except SmeltError as error:
        found, fix, is_healthy = mask(error.message), mask(error.hint or "") or None, False
    return Finding(what, is_healthy, found, fix, (time.monotonic() - started) * 1000)


def _slot(settings: Settings, source: SourceSpec) -> str:
    from ingest.cdc.health import check_slot

    return check_slot(settings, source)


def _lake(settings: Settings) -> str:
    lake = Lake(settings)
    if not lake.exists():
        return f"{lake.root}: nothing loaded yet"
    names = lake.tables("bronze")
    for name in names:
        lake.table(f"bronze.{name}")
    return f"{lake.root}: {len(names)} bronze tables"


def _ledger(settings: Settings) -> str:
    (rows,) = Ledger(settings).read(select(func.count().label("n")).select_from(TABLES["run_events"]))
    return f"{rows['n']:,} run events"
