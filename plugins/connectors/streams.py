"""What was inferred of one API, before anything is written: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plugins.connectors.inference.auth import Auth
from plugins.connectors.inference.cursors import Cursor
from plugins.connectors.inference.limits import Limits
from plugins.connectors.inference.pagination import Pagination
from plugins.connectors.inference.parents import Given
from plugins.connectors.inference.records import Records
from plugins.connectors.inference.servers import Server
from plugins.connectors.inferred import Inferred

Key = tuple[str, ...]


@dataclass(frozen=True)
class Stream:
    """One collection and everything inferred of it."""

    name: str
    path: str
    description: str
    is_collection: Inferred[bool]
    records: Inferred[Records]
    primary_key: Inferred[Key]
    pagination: Inferred[Pagination]
    cursor: Inferred[Cursor | None]
    given: Inferred[Given]
    schema: Mapping[str, Any]
    fixed: Mapping[str, str] = field(default_factory=dict)  # required parameters, at their defaults
    headers: Mapping[str, str] = field(default_factory=dict)  # required, at their defaults
    query: str = ""  # of GraphQL
    variables: Mapping[str, int] = field(default_factory=dict)  # of GraphQL, the same on each page

    @property
    def confidence(self) -> float:
        """That of the least sure of the parts without which nothing is read."""
        return min(
            self.is_collection.confidence,
            self.records.confidence,
            self.pagination.confidence,
            self.given.confidence,
        )


@dataclass(frozen=True)
class Skipped:
    """An endpoint that is not read, and why."""

    path: str
    reason: str
    confidence: float = 0.9


@dataclass(frozen=True)
class Input:
    """Something only the user can give. `name` is its key in the connector's configuration."""

    name: str
    title: str
    description: str
    is_secret: bool = False
    is_required: bool = True
    default: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inference:
    """All that was inferred of an API."""

    title: str
    version: str
    description: str
    server: Inferred[Server]
    auth: Inferred[Auth]
    limits: Inferred[Limits]
    streams: tuple[Stream, ...]
    skipped: tuple[Skipped, ...]
