"""What discovery finds: values, without behaviour worth the name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Semantic = Literal[
    "id", "foreign_key", "uuid", "email", "phone", "iban", "card", "national_id", "ip", "url", "country",
    "currency",
    "language", "postal_code", "person_name", "address", "latitude", "longitude", "amount", "percentage", "number",
    "timestamp", "date", "time", "boolean", "enum", "code", "text", "free_text", "json", "array", "map",
    "polymorphic", "binary", "empty",
]  # fmt: skip
SEMANTICS: tuple[str, ...] = Semantic.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Finding:
    """Something that was found, how sure that is (0..1), and how it is known, in words with numbers."""

    value: str
    confidence: float
    evidence: str


@dataclass(frozen=True)
class Variant:
    """One of the types that a field of several types has; share: of its values that are not null, 0..1."""

    data_type: str
    share: float


@dataclass(frozen=True)
class ColumnProfile:
    """What is known of a column.

    name: unique in the stream; a nested field is `customer__name`, and `path` is ("customer", "name").
    data_type: DuckDB's name of the type as it came. casts_to: of a text or number column whose values are of
    another type, that DuckDB type, such as DATE; None if there is none.
    null_share: of the rows, 0..1, missing fields included. placeholders: values that stand for a missing one.
    distinct: different values in the sample. looked_at: rows of the sample.
    semantic: one of SEMANTICS. runners_up: what else it may be, best first. pii: class of personal data, if any.
    format: how values are written, where that matters: `%d.%m.%Y`, `epoch ms`, `ISO 3166-1 alpha-2`, `yes/no`.
    zone: of a timestamp: `UTC`, an offset, `mixed offsets`, or None if it doesn't say. unit: of an amount (`EUR`,
    `kg`, `cents`), or the name of the column that has it, as `column:currency`.
    values: all values of an enum. minimum, maximum: as text. examples: as text; all of these masked if personal.
    variants: types of a field that has several.
    """

    name: str
    path: tuple[str, ...]
    data_type: str
    casts_to: str | None
    nullable: bool
    null_share: float
    distinct: int
    looked_at: int
    semantic: Finding
    runners_up: tuple[Finding, ...] = ()
    pii: Finding | None = None
    format: str | None = None
    zone: str | None = None
    unit: str | None = None
    values: tuple[str, ...] = ()
    placeholders: tuple[str, ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    mean_length: float = 0.0
    examples: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True)
class Key:
    """Columns whose values together tell rows apart, and no fewer of them do. is_primary: the best of the keys."""

    columns: tuple[str, ...]
    confidence: float
    evidence: str
    is_primary: bool = False


@dataclass(frozen=True)
class Dependency:
    """Rows that agree on `columns` agree on `determines`, too. violations: rows of the sample that don't.

    is_mutual: and the other way round, so that each stands for the other, like a code and its name.
    """

    columns: tuple[str, ...]
    determines: str
    violations: int
    confidence: float
    evidence: str
    is_mutual: bool = False


@dataclass(frozen=True)
class StreamProfile:
    """What is known of a stream.

    rows: of the stream, where they were counted, or of the sample. sampled: rows that were looked at.
    keys: best first. children: one stream for each array, named `<parent>__<field>`; the array itself stays a
    column of its parent. parent: of a child, the name of the stream that it was in. notes: what a reader should
    know, such as a bound that was met. view_of: the stream that all of its rows are rows of, if there is one.
    """

    name: str
    rows: int
    sampled: int
    columns: tuple[ColumnProfile, ...]
    keys: tuple[Key, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    children: tuple[StreamProfile, ...] = ()
    parent: str | None = None
    notes: tuple[str, ...] = ()
    view_of: str | None = None

    def column(self, name: str) -> ColumnProfile:
        """The column of a name; raises KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def primary_key(self) -> Key | None:
        """The key to use, if there is one that is likely."""
        return next((key for key in self.keys if key.is_primary), None)

    def walk(self) -> Iterator[StreamProfile]:
        """The stream, its children, theirs, and so on."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class ForeignKey:
    """Columns of a stream whose values are those of a key of another (or of the same)."""

    stream: str
    columns: tuple[str, ...]
    to_stream: str
    to_columns: tuple[str, ...]
    confidence: float
    evidence: str


@dataclass(frozen=True)
class SourceProfile:
    """All streams of a source, children within their parents, and the references between any of them."""

    streams: tuple[StreamProfile, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()

    def walk(self) -> Iterator[StreamProfile]:
        """All streams, children too."""
        for stream in self.streams:
            yield from stream.walk()
