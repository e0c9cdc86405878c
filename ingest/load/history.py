"""What a load writes into the ledger: its outcome, and the stream's schema when that changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import desc, select

from ingest.load.result import StreamResult
from ingest.load.types import Column
from plugins.core.ledger import TABLES, Run


@dataclass(frozen=True)
class SchemaVersion:
    """A version that a load began. change: how it differs from the one before, `+price_gbp −unit_price`."""

    number: int
    change: str | None


def record_schema(run: Run, source: str, stream: str, columns: list[Column]) -> SchemaVersion | None:
    """Append a schema version if the columns differ from the last one; None if they don't."""
    described = [{"name": c.name, "type": c.type, "nullable": True} for c in columns]
    # The order in which a source lists its columns means nothing to a reader.
    canonical = json.dumps(sorted(described, key=lambda c: c["name"]), sort_keys=True)
    fingerprint = hashlib.sha256(canonical.encode()).hexdigest()
    versions = TABLES["schema_versions"]
    newest: Any = (
        select(versions.c.version, versions.c.fingerprint, versions.c.columns)
        .where(versions.c.source == source, versions.c.stream == stream)
        .order_by(desc(versions.c.version))
        .limit(1)
    )
    last = run.ledger.read(newest)
    if last and last[0]["fingerprint"] == fingerprint:
        return None
    version = last[0]["version"] + 1 if last else 1
    row = {
        "source": source,
        "stream": stream,
        "version": version,
        "fingerprint": fingerprint,
        "columns": described,
    }
    run.append("schema_versions", row)
    return SchemaVersion(version, _change(last[0]["columns"], described) if last else None)


def _change(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> str:
    """Columns that came, went, or have another type, in a line."""
    old, new = ({c["name"]: c["type"] for c in columns} for columns in (before, after))
    came = [f"+{name}" for name in new if name not in old]
    went = [f"−{name}" for name in old if name not in new]
    retyped = [f"{n} {old[n]} → {kind}" for n, kind in new.items() if n in old and old[n] != kind]
    return " ".join([*came, *went, *retyped])


def record_load(run: Run, result: StreamResult, position: dict[str, Any] | None) -> None:
    """Append the outcome of one stream."""
    names = (
        "source", "stream", "outcome", "batch_id", "snapshot_id", "rows_read", "rows_loaded",
        "tombstones", "dead_letters", "bytes", "seconds", "error",
    )  # fmt: skip
    run.append("stream_loads", {**{name: getattr(result, name) for name in names}, "position": position})
