"""What `source.yml` says of MongoDB collections."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

_TYPE = re.compile(
    r"^(boolean|integer|bigint|float|double|varchar|date|time|timestamp|timestamptz|blob|decimal\(\d+, ?\d+\))$"
)
_KEY_TYPES = {"varchar", "bigint"}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MongoSpec(_Section):
    """One collection, and how its documents are read."""

    collection: str | None = Field(None, description="Default: the stream's name.")
    database: str | None = Field(None, description="Default: the one that the connection's URL names.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Types of top-level fields whose values don't tell, such as `amount: decimal(12, 2)` for "
        "Decimal128; what doesn't fit goes to `_smelt_extra`. `_id: varchar` or `_id: bigint`: all keys are of "
        "one kind, and land as they are.",
    )

    @field_validator("columns")
    @classmethod
    def _are_types(cls, columns: dict[str, str]) -> dict[str, str]:
        lowered = {name: kind.strip().lower() for name, kind in columns.items()}
        for name, kind in lowered.items():
            if not _TYPE.match(kind):
                raise ValueError(
                    f"{name}: {kind!r} is none of boolean, integer, bigint, float, double, varchar, date, time, "
                    "timestamp, timestamptz, blob, decimal(p, s)"
                )
        if lowered.get("_id", "varchar") not in _KEY_TYPES:
            raise ValueError("_id: either varchar or bigint")
        return lowered


class MongoChangesSpec(_Section):
    """How the change stream of a source is read."""

    full_document: Literal["lookup", "required"] = Field(
        default="lookup",
        description="What an update brings. lookup: the document as it is when the server looks it up, which may "
        "be later than the update. required: as it was right after the update; the collections must keep "
        "post-images (`changeStreamPreAndPostImages`).",
    )


def with_defaults(source: Any) -> Any:
    """A source of kind mongodb as it is written, with what its streams may leave away."""
    if (
        not isinstance(source, dict)
        or source.get("kind") != "mongodb"
        or not isinstance(source.get("streams"), list)
    ):
        return source
    streams = [
        {"sync_mode": "cdc", "primary_key": ["_id"], **stream} if isinstance(stream, dict) else stream
        for stream in source["streams"]
    ]
    return {**source, "streams": streams}
