"""The one interface between a source system and the load: what is asked of it, what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from ingest.spec import SourceSpec, StreamSpec
from plugins.core.settings import Settings

if TYPE_CHECKING:
    from plugins.core.lake.sidecar import Sidecar


@dataclass(frozen=True)
class PullRequest:
    """One pull of one stream.

    position: what the bronze table says was loaded so far (empty: nothing).
    con: the DuckDB connection in which the relation must be readable; private to this pull.
    workdir: an empty local folder for staged files; the caller deletes it after the commit.
    progress: call with the number of further source rows read, where they pass through Python.
    keep: like `workdir`, but for all pulls of one load; None: there is only one.
    sidecar: files beside the bronze table that its position may name; it is there from `Pull.advance_from` on.
    """

    settings: Settings
    source: SourceSpec
    stream: StreamSpec
    position: Mapping[str, Any]
    con: duckdb.DuckDBPyConnection
    workdir: Path
    progress: Callable[[int], None]
    keep: Path | None = None
    sidecar: Sidecar | None = None


@dataclass(frozen=True)
class DeadLetter:
    """A record that could not be read: why, where it stands in the source, and its raw bytes."""

    reason: str
    position: str
    raw: bytes


@dataclass(frozen=True)
class Scope:
    """Which rows of the stream a pull speaks for: a key in scope that it doesn't yield was deleted.

    `everything`: a full pull. `nothing`: an increment, which never deletes.
    Otherwise `predicate`: an SQL predicate over bronze rows (a re-read file speaks for that file's rows).
    """

    predicate: str

    @classmethod
    def everything(cls) -> Scope:
        """A full pull."""
        return cls("true")

    @classmethod
    def nothing(cls) -> Scope:
        """An increment."""
        return cls("false")


def _no_position(_con: duckdb.DuckDBPyConnection, _loaded: str) -> Mapping[str, Any]:
    return {}


def _nothing_to_do() -> None:
    return None


def _as_it_is(error: Exception) -> Exception:
    return error


@dataclass(frozen=True)
class Pull:
    """What a pull yields.

    relation: a SELECT over `PullRequest.con`, read once. Its columns are the source's columns, in bronze types
        or DuckDB types that the load casts, and optionally `_smelt_source_position` (fixed-width text that
        sorts in source order, unique in the pull; absent: the load numbers the rows) and `_smelt_extra` (JSON).
    expected, advance: position entries that the pull starts from and ends at.
    advance_from: called with (con, SELECT over the rows as read) after reading, for entries such as the
        greatest cursor value; merged over `advance`.
    notes: what the summary should tell (`throttled 2 ×, waited 1.5 s`).
    acknowledge: called after the commit.
    is_last: whether nothing is left to pull; if not, the load commits this and pulls again.
    explain: turns an error met while the relation is read into a SmeltError, or Transient if it may pass.
    """

    relation: str
    scope: Scope
    expected: Mapping[str, Any] = field(default_factory=dict)
    advance: Mapping[str, Any] = field(default_factory=dict)
    advance_from: Callable[[duckdb.DuckDBPyConnection, str], Mapping[str, Any]] = _no_position
    dead_letters: Sequence[DeadLetter] = ()
    estimated_rows: int | None = None
    notes: Sequence[str] = ()
    acknowledge: Callable[[], None] = _nothing_to_do
    is_last: bool = True
    explain: Callable[[Exception], Exception] = _as_it_is


class Extractor(Protocol):
    """Reads one kind of source system."""

    def pull(self, request: PullRequest) -> Pull:
        """Begin a pull. Raises SmeltError for what the user must mend, and
        `ingest.retry.Transient` for what may pass by itself (the caller retries with backoff)."""
        ...

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """A line that says what was reached (`PostgreSQL 18.4, 4 tables`); raises SmeltError if nothing was."""
        ...
