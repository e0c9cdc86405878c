"""What happened to a source: classified changes, how sure that is, and how the old values are had again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a change is."""

    COLUMN_ADDED = "column_added"
    COLUMN_REMOVED = "column_removed"
    COLUMN_RENAMED = "column_renamed"
    COLUMN_SPLIT = "column_split"
    COLUMNS_MERGED = "columns_merged"
    COLUMNS_REORDERED = "columns_reordered"
    TYPE_WIDENED = "type_widened"
    TYPE_NARROWED = "type_narrowed"
    TYPE_CHANGED = "type_changed"
    NULLABILITY_CHANGED = "nullability_changed"
    DEFAULT_CHANGED = "default_changed"
    UNIT_CHANGED = "unit_changed"
    FORMAT_CHANGED = "format_changed"
    VALUES_ADDED = "values_added"
    VALUES_REMOVED = "values_removed"
    VALUES_RENAMED = "values_renamed"
    MEANING_CHANGED = "meaning_changed"
    NESTED_MOVED = "nested_moved"
    NESTED_CHANGED = "nested_changed"
    KEY_CHANGED = "key_changed"
    TABLE_ADDED = "table_added"
    TABLE_REMOVED = "table_removed"
    TABLE_RENAMED = "table_renamed"
    TABLE_SPLIT = "table_split"


class Severity(StrEnum):
    """What a change does to a project that is left as it is.

    silent: nothing. informative: nothing breaks, and somebody may want to know. breaking: something no longer
    builds, or a test fails. dangerous: everything builds, and numbers are wrong.
    """

    SILENT = "silent"
    INFORMATIVE = "informative"
    BREAKING = "breaking"
    DANGEROUS = "dangerous"

    @property
    def rank(self) -> int:
        """0 for silent to 3 for dangerous."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Fact:
    """Something that was measured and speaks for or against a change.

    name: of what was measured, such as `same_values`, `distinct_overlap`, `null_share`. text: one line for people
    with the numbers. value: 0..1 or a quantity. rows: how many rows it was measured on.
    """

    name: str
    text: str
    value: float | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Restored:
    """A column of before, made from what is there now.

    sql: a DuckDB expression over the columns in `reads`, quoted where they need it, without table names.
    compared, equal: rows with the same key at both times, and those for which it gives the old value.
    """

    column: str
    sql: str
    reads: tuple[str, ...]
    compared: int = 0
    equal: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether it is a column under another name, and nothing else."""
        return len(self.reads) == 1 and self.sql.strip('"').lower() == self.reads[0].strip('"').lower()


@dataclass(frozen=True)
class Supplied:
    """A column of now, made from what was there before: the other direction, for fixtures of unit tests."""

    column: str
    sql: str
    reads: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One change of one table.

    table: its id (before, if there was one). before, after: names of columns, or of tables where the kind is
    about tables. confidence: 0..1, calibrated; of the kind, against its being something else. is_thin: too few
    rows to be sure of anything; the facts say so. restores: every column of before that must be made from others
    now, if the change is to be absorbed. alternatives: what else it could be (a kind, and the column that it is
    about where that is another) with its confidence, likeliest first. question: what only a person can say; begins
    with the column, or the table, that it is about.

    detail: JSON. Each key is there where it says something, and is of the kinds that are named:

    | key | of | what it is |
    |---|---|---|
    | `also` | column_renamed | other kinds that it is, such as `["unit_changed"]`; their keys are there too |
    | `type_before`, `type_after` | all of one column | types in the warehouse's words |
    | `misfits` | type_narrowed, type_changed | `count` of values of before that don't fit, and some `examples` |
    | `nullable_before`, `nullable_after` | nullability_changed | whether it may be null, as declared |
    | `default_before`, `default_after` | default_changed | SQL, null for none |
    | `factor`, `offset` | unit_changed | now = before × factor + offset |
    | `unit_before`, `unit_after` | unit_changed | words, of a factor that is known |
    | `since_column`, `since` | unit_changed | SQL of the value from which on rows are in the new unit |
    | `doubtful_from`, `doubtful_to` | unit_changed | values of `since_column` between which both look alike |
    | `format_before`, `format_after` | format_changed, nested_changed | strftime's formats, or words |
    | `shift_seconds` | format_changed | by how much every time is moved |
    | `values` | values_renamed, format_changed, meaning_changed | old → new, as text |
    | `added_values` | values_added | values that none had |
    | `removed_values` | values_removed, meaning_changed | values that none has any more |
    | `delimiters` | column_split, columns_merged | what stands between the parts, in their order |
    | `fields` | nested_moved, nested_changed | dotted path before → dotted path now |
    | `removed_fields`, `added_fields` | nested_changed | dotted paths inside the column |
    | `retyped_fields` | nested_moved, nested_changed | dotted path inside the column → [type before, type now] |
    | `key_before`, `key_after` | key_changed | columns; the same ones where nothing identifies a row |
    | `pii` | column_added | the name, where it speaks of personal data |
    | `is_swap`, `after_id` | table_renamed | whether two tables changed places; the id of the table now |
    | `is_merge`, `before_ids`, `after_ids` | table_split | whether several became one; ids of all tables |
    """

    kind: Kind
    table: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    confidence: float
    severity: Severity
    facts: tuple[Fact, ...] = ()
    restores: tuple[Restored, ...] = ()
    supplies: tuple[Supplied, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    alternatives: tuple[tuple[str, float], ...] = ()
    is_thin: bool = False
    question: str | None = None


@dataclass(frozen=True)
class Drift:
    """Everything that happened between two times. notes: what could not be compared, and why."""

    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity | None:
        """That of the worst change; None if nothing changed."""
        return max((one.severity for one in self.changes), key=lambda one: one.rank, default=None)

    def of(self, table: str) -> tuple[Change, ...]:
        """The changes of one table."""
        return tuple(one for one in self.changes if one.table == table)
