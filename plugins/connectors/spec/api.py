"""An API as the inference reads it, whatever version its spec is written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plugins.connectors.spec.shapes import Shape, Shapes


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation. `is_lost`: its reference is broken, and the name comes from the reference."""

    name: str
    place: str  # path, query, header, cookie
    is_required: bool
    shape: Shape
    description: str = ""
    example: Any = None
    is_lost: bool = False

    @property
    def prose(self) -> str:
        """Everything said about it in words."""
        return " ".join(text for text in (self.description, self.shape.description) if text)


@dataclass(frozen=True)
class Body:
    """What an operation answers: a raw schema, and whether that was written down, or taken from an example or
    prose."""

    schema: Any
    origin: str  # schema, example, prose
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One GET endpoint."""

    path: str
    operation_id: str = ""
    summary: str = ""
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    media_types: tuple[str, ...] = ()
    is_deprecated: bool = False
    security: tuple[Mapping[str, Any], ...] | None = None
    servers: tuple[Mapping[str, Any], ...] = ()
    prose_of_errors: str = ""
    extensions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """How messages call it."""
        return f"GET {self.path}"

    @property
    def prose(self) -> str:
        """Summary and description."""
        return f"{self.summary}\n{self.description}"

    def query(self) -> tuple[Parameter, ...]:
        """Its query parameters."""
        return tuple(one for one in self.parameters if one.place == "query")


@dataclass(frozen=True)
class Api:
    """A whole API: its GET operations, and what holds for all of them."""

    title: str
    version: str
    description: str
    servers: tuple[Mapping[str, Any], ...]
    schemes: Mapping[str, Mapping[str, Any]]
    security: tuple[Mapping[str, Any], ...] | None
    operations: tuple[Operation, ...]
    shapes: Shapes
    schemas: Mapping[str, Any]
    extensions: Mapping[str, Any] = field(default_factory=dict)
    # Schemes as each operation wants them, also of POST and the like: they tell how the API is used.
    used_security: tuple[tuple[Mapping[str, Any], ...], ...] = ()
    tags: tuple[str, ...] = ()
