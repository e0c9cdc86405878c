"""What became of one stream in one run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class StreamResult:
    """The outcome of loading one stream: `loaded`, `unchanged` or `failed`.

    schema_version: the stream's schema version if this load began it, else None. schema_change: how it differs
    from the one before, such as `+price_gbp −unit_price`; None for the first.
    notes: things a person should know, such as columns that a frozen schema has no room for.
    """

    source: str
    stream: str
    outcome: str
    rows_read: int = 0
    rows_loaded: int = 0
    tombstones: int = 0
    dead_letters: int = 0
    bytes: int = 0
    seconds: float = 0.0
    batch_id: str | None = None
    snapshot_id: int | None = None
    schema_version: int | None = None
    schema_change: str | None = None
    error: str | None = None
    hint: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`source.stream`."""
        return f"{self.source}.{self.stream}"

    def followed_by(self, later: StreamResult) -> StreamResult:
        """Both parts of one load as one; the batch and snapshot are those of the later, if it has any."""
        return replace(
            later,
            outcome="loaded" if "loaded" in (self.outcome, later.outcome) else later.outcome,
            rows_read=self.rows_read + later.rows_read,
            rows_loaded=self.rows_loaded + later.rows_loaded,
            tombstones=self.tombstones + later.tombstones,
            dead_letters=self.dead_letters + later.dead_letters,
            bytes=self.bytes + later.bytes,
            batch_id=later.batch_id or self.batch_id,
            schema_version=later.schema_version or self.schema_version,
            schema_change=later.schema_change or self.schema_change,
            notes=tuple(dict.fromkeys((*self.notes, *later.notes))),
        )

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)
