"""What became of one stream in one run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)
