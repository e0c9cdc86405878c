"""How an API behaves, written down by a person: what the mock server does, and what inferences are measured on.

One YAML file per API. It holds what the API's specification says or its documentation tells, endpoint by
endpoint; nothing in it may come from a program that infers the same. `bench/data/connectors/README.md` describes
the fields for those who write one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from plugins.core.errors import SmeltError

AuthKind = Literal["bearer", "api_key_header", "api_key_query", "basic", "oauth2", "none"]
PaginationKind = Literal["offset", "page", "cursor", "next_url", "link_header", "none"]
StreamField = Literal["records", "primary_key", "pagination", "cursor", "parent", "required_inputs"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Credential(_Strict):
    """One way to prove who asks: its kind, and the header or query parameter that carries it."""

    kind: AuthKind
    name: str | None = None


class Auth(Credential):
    """The credential asked for; `together` must come with it, each of `also` would be a right answer too."""

    together: tuple[Credential, ...] = ()
    also: tuple[Credential, ...] = ()
    why: str = ""


class Pagination(_Strict):
    """How the next page is asked for: `parameter` and `size_parameter` of the query.

    `next` is where the answer tells what comes next (a token, a number or a URL; null if nobody says);
    `start` is the number of the first page, `max_size` the most records that one page holds.
    """

    kind: PaginationKind
    parameter: str | None = None
    size_parameter: str | None = None
    max_size: int | None = None
    start: int = 1
    next: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _tells_what_comes_next(self) -> Pagination:
        if self.kind in ("cursor", "next_url") and not self.next:
            raise ValueError(f"pagination of the kind {self.kind} needs `next`: where the answer has it")
        return self


class Cursor(_Strict):
    """The record's `field` of its last change and the query `parameter` that filters by it (field >= value).

    `with_` are the query parameters that have to be sent beside it, such as the name of the field to filter by.
    `parameter` is null where the field only orders.
    """

    field: str
    parameter: str | None
    with_: dict[str, str] = Field(default={}, alias="with")


class Parent(_Strict):
    """A request parameter that takes the value of `field` of each record of another stream."""

    path: str
    parameter: str
    field: str


def _as_parents(value: Any) -> Any:
    return () if value is None else [value] if isinstance(value, dict) else value


# null, one parent or several in the file; several entries with one path take several fields of the same record
Parents = Annotated[tuple[Parent, ...], BeforeValidator(_as_parents)]
FieldPath = tuple[str, ...]


class Alternatives(_Strict):
    """Other right answers for a stream's fields, each as it would stand in the field itself."""

    records: tuple[FieldPath, ...] = ()
    primary_key: tuple[tuple[str, ...] | None, ...] = ()
    pagination: tuple[Pagination, ...] = ()
    cursor: tuple[Cursor | None, ...] = ()
    parent: tuple[Parents, ...] = ()
    required_inputs: tuple[tuple[str, ...], ...] = ()


class Stream(_Strict):
    """One GET endpoint that is a collection worth syncing.

    `records` is the path of the list in the answer: empty if the body is the list, "*" for each element. Fields of
    a key are dotted where they are nested. `doubtful`: leaving the stream out is right too. `unscored`: fields
    that no answer can be held against. `fields` and `items` describe records for the mock where the specification
    has no schema of them.
    """

    path: str
    records: FieldPath
    primary_key: tuple[str, ...] | None
    pagination: Pagination
    cursor: Cursor | None
    parent: Parents = ()
    required_inputs: tuple[str, ...] = ()
    also: Alternatives = Alternatives()
    unscored: tuple[StreamField, ...] = ()
    doubtful: bool = False
    fields: dict[str, Literal["string", "integer", "number", "boolean", "datetime", "array", "object"]] = {}
    items: Literal["object", "string"] = "object"
    why: str = ""


class NotCollection(_Strict):
    """One GET endpoint that is none, and why; `doubtful`: taking it for a collection would not be wrong."""

    path: str
    why: str
    doubtful: bool = False


class Labels(_Strict):
    """What is known of one API. `paths` is "all", or the rule by which the labelled GET endpoints were chosen."""

    spec: str
    paths: str
    base_url: str | None
    base_url_also: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    auth: Auth
    why: str = ""
    streams: tuple[Stream, ...]
    not_collections: tuple[NotCollection, ...] = ()

    def stream(self, path: str) -> Stream | None:
        """The labelled stream at a path template, or None."""
        return next((stream for stream in self.streams if stream.path == path), None)


def read_labels(path: Path) -> Labels:
    """Read one label file.

    Raises:
        SmeltError: if the file is no YAML, or doesn't have the fields described here.

    """
    try:
        return Labels.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise SmeltError(f"{path.name} is not valid YAML: {error}", "correct the file") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SmeltError(f"{path.name}: {where}: {first['msg']}", "correct the label file") from error


def read_all_labels(folder: Path) -> list[Labels]:
    """Each label file of a folder, in the order of the names."""
    return [read_labels(path) for path in sorted(folder.glob("*.yml"))]
