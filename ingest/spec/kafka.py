"""What `source.yml` says of Kafka topics."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

_TYPE = re.compile(
    r"^(boolean|integer|bigint|float|double|varchar|date|time|timestamp|timestamptz|decimal\(\d+, ?\d+\))$"
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSpec(_Section):
    """One topic, and how its messages are read."""

    topic: str | None = Field(None, description="Default: the stream's name.")
    format: Literal["json", "avro", "protobuf", "text", "bytes"] = Field(
        default="json",
        description="Of the values. avro, protobuf: framed with a schema id of the connection's schema registry. "
        "json: objects, plain or framed. text, bytes: one column `value`.",
    )
    key_format: Literal["text", "json", "avro", "protobuf", "bytes"] = Field(
        default="text",
        description="Of the keys, kept in `_smelt_key`: as text, or as they are (`bytes`). json, avro, protobuf: "
        "the fields that `primary_key` names are taken from there where the value lacks them.",
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="json: types of fields whose values don't tell, such as `amount: decimal(12, 2)` or "
        "`ordered_at: timestamptz`; what doesn't fit goes to `_smelt_extra`.",
    )
    start: str = Field(
        default="earliest",
        description="Where a new stream begins: earliest, latest, or a time such as `2026-01-01T00:00:00Z`.",
    )

    @field_validator("start")
    @classmethod
    def _is_a_start(cls, start: str) -> str:
        if start not in {"earliest", "latest"}:
            try:
                datetime.fromisoformat(start)
            except ValueError:
                raise ValueError("earliest, latest or a time such as 2026-01-01T00:00:00Z") from None
        return start

    @field_validator("columns")
    @classmethod
    def _are_types(cls, columns: dict[str, str]) -> dict[str, str]:
        lowered = {name: kind.strip().lower() for name, kind in columns.items()}
        for name, kind in lowered.items():
            if not _TYPE.match(kind):
                raise ValueError(
                    f"{name}: {kind!r} is none of boolean, integer, bigint, float, double, varchar, date, time, "
                    "timestamp, timestamptz, decimal(p, s)"
                )
        return lowered


class KafkaGroupSpec(_Section):
    """How the processes that follow a source share its partitions."""

    group: str | None = Field(
        None, description="Consumer group of `smelt watch`; default: `smelt-<source>`. No offset is kept there."
    )
