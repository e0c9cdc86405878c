"""Columns of a model in the order and under the headings in which analysts look for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from plugins.core.editing.yaml_text import Flow
from plugins.source_mapping.drafting.layout import laid_out
from plugins.source_mapping.planning.expressions import unquoted

HEADINGS = ("ids", "text", "numerics", "booleans", "timestamps")
NUMBERS = ("tinyint", "smallint", "integer", "bigint", "hugeint", "decimal", "double", "float", "real", "numeric")


@dataclass(frozen=True)
class Selected:
    """A line of a select list. comment: what a reader should know of it. pii: class of personal data that it
    holds, if any."""

    name: str
    sql: str
    data_type: str
    description: str
    is_id: bool
    comment: str = ""
    pii: str = ""

    @property
    def heading(self) -> str:
        """Under which it is listed."""
        kind = self.data_type.lower()
        if self.is_id:
            return "ids"
        if kind.startswith("bool"):
            return "booleans"
        if kind.startswith(("date", "time")):
            return "timestamps"
        return "numerics" if kind.startswith(NUMBERS) else "text"


def documented(column: Selected) -> dict[str, object]:
    """The column in a model's YAML, without tests."""
    entry: dict[str, object] = {"name": unquoted(column.name)}
    if column.description:
        entry["description"] = column.description
    if column.pii:
        entry["config"] = {"meta": Flow(pii=column.pii)}
    return entry


def in_order(columns: Iterable[Selected]) -> list[Selected]:
    """Grouped by heading, each group in its own order."""
    listed = list(columns)
    return [one for heading in HEADINGS for one in listed if one.heading == heading]


def select_list(columns: Sequence[Selected], audit: Sequence[str], indent: int = 8) -> str:
    """The select list, a group a heading; audit: columns that come last."""
    pad = " " * indent
    blocks = [list(_block(heading, columns, pad)) for heading in HEADINGS]
    if audit:
        blocks.append([f"{pad}---------- audit", *(f"{pad}{name}," for name in audit)])
    text = "\n\n".join("\n".join(block) for block in blocks if block)
    return text.rstrip(",")


def _block(heading: str, columns: Sequence[Selected], pad: str) -> Iterator[str]:
    members = [one for one in columns if one.heading == heading]
    if members:
        yield f"{pad}---------- {heading}"
    for one in members:
        if one.comment:
            yield f"{pad}-- {one.comment}"
        yield laid_out(one.sql, "," if one.sql == one.name else f" as {one.name},", pad)
