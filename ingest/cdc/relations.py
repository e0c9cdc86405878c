"""What pgoutput says of tables: Relation messages, and how each column's text becomes a bronze value.

https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from plugins.core.postgres import PgColumn, described

_NUMERIC = 1700


@dataclass(frozen=True)
class PgType:
    """A row of `pg_type`, with what a domain or an array is made of. kind: as `PgColumn.kind`.

    composite: how the type is written in SQL if it is a composite one, or an array of such; None: it is neither.
    """

    name: str
    kind: str
    base: int
    base_modifier: int
    composite: str | None = None


_UNKNOWN = PgType("text", "b", 0, -1)


@dataclass(frozen=True)
class Relation:
    """A table as a Relation message describes it; a change of its columns makes another one.

    identity: `d` (primary key), `n` (nothing), `f` (full), `i` (an index). key: names of the columns that
    identify a row in the log. composites: by alias, how the types of columns with composite values are written.
    """

    id: int
    schema: str
    name: str
    identity: str
    columns: tuple[PgColumn, ...]
    key: tuple[str, ...]
    composites: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> tuple[str, str]:
        """Schema and name."""
        return self.schema, self.name


def read_relation(message: bytes, types: Mapping[int, PgType]) -> Relation:
    """Parse a Relation message. types: `pg_type` by oid; a type that isn't there lands as text."""
    (relation_id,) = struct.unpack_from("!i", message, 1)
    schema, at = _text(message, 5)
    name, at = _text(message, at)
    identity, count = chr(message[at]), struct.unpack_from("!h", message, at + 1)[0]
    at += 3
    rows, key, composites = [], [], []
    for _ in range(count):
        is_key = message[at] & 1
        column, at = _text(message, at + 1)
        oid, modifier = struct.unpack_from("!Ii", message, at)
        at += 8
        rows.append((None, None, column, *_type(oid, modifier, types), None))
        composites.append(types.get(oid, _UNKNOWN).composite)
        if is_key:
            key.append(column)
    columns = tuple(described(rows))
    written = {column.alias: type_ for column, type_ in zip(columns, composites, strict=True) if type_}
    return Relation(relation_id, schema or "pg_catalog", name, identity, columns, tuple(key), written)


def unknown_types(message: bytes, types: Mapping[int, PgType]) -> set[int]:
    """Oids of types in a Relation message that `types` doesn't have."""
    _, at = _text(message, 5)
    _, at = _text(message, at)
    (count,) = struct.unpack_from("!h", message, at + 1)
    at += 3
    oids = set()
    for _ in range(count):
        _, at = _text(message, at + 1)
        oids.add(struct.unpack_from("!I", message, at)[0])
        at += 8
    return oids - types.keys()


def _type(oid: int, modifier: int, types: Mapping[int, PgType]) -> tuple[str, str, str]:
    """Name, declaration and kind, as the catalog query of a batch pull has them: both must land in one type."""
    found = types.get(oid, _UNKNOWN)
    if found.kind != "d":
        return found.name, _declared(found.name, oid, modifier), found.kind
    base = types.get(found.base, _UNKNOWN)
    kind = "a" if base.kind == "a" else "d"
    return base.name, _declared(base.name, found.base, found.base_modifier), kind


def _declared(name: str, oid: int, modifier: int) -> str:
    """The type with its modifier, as far as bronze types depend on it: precision and scale of a numeric."""
    if oid != _NUMERIC or modifier < 4:
        return name
    precision = ((modifier - 4) >> 16) & 0xFFFF
    scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024
    return f"numeric({precision},{scale})"


def _text(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(0, at)
    return message[at:end].decode(), end + 1
