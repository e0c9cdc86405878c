"""Profiles for people: a table per stream, keys, references, and a diagram in mermaid."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plugins.core.discovery import ColumnProfile, SourceProfile, StreamProfile

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_LONGEST = 40
_MOST_COLUMNS = 200
_MOST_LISTED = 8


def plain(text: str, longest: int = _LONGEST) -> str:
    """A name or value in one line, without what would steer a terminal."""
    text = _CONTROL.sub("·", text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def show(console: Console, source: SourceProfile) -> None:
    """Print the profiles of a source."""
    for stream in source.walk():
        _show_stream(console, stream)
    if source.foreign_keys:
        console.print(Text("References", style="bold"))
        for one in source.foreign_keys:
            line = Text(f"  {_names(one.stream, one.columns)} → {_names(one.to_stream, one.to_columns)}  ")
            console.print(line + _sure(one.confidence) + Text(f"  {plain(one.evidence, 160)}", style="dim"))


def _show_stream(console: Console, stream: StreamProfile) -> None:
    sampled = f", {stream.sampled:,} looked at" if stream.sampled < stream.rows else ""
    within = f", within {plain(stream.parent)}" if stream.parent else ""
    console.print(
        Text(plain(stream.name, 100), style="bold cyan") + Text(f"  {stream.rows:,} rows{sampled}{within}")
    )
    for note in stream.notes:
        console.print(Text(f"  note  {plain(note, 300)}", style="yellow"))
    if stream.columns:
        console.print(_columns(stream.columns[:_MOST_COLUMNS]))
    if len(stream.columns) > _MOST_COLUMNS:
        console.print(
            Text(f"  and {len(stream.columns) - _MOST_COLUMNS:,} columns more: --json has all", style="dim")
        )
    for key in stream.keys[:_MOST_LISTED]:
        label = "key " if key.is_primary else "key?"
        line = Text(f"  {label}  {', '.join(map(plain, key.columns))}  ", style="bold" if key.is_primary else "")
        console.print(line + _sure(key.confidence) + Text(f"  {plain(key.evidence, 200)}", style="dim"))
    for one in stream.dependencies[:_MOST_LISTED]:
        arrow = "↔" if one.is_mutual else "→"
        line = Text(f"  {', '.join(map(plain, one.columns))} {arrow} {plain(one.determines)}  ")
        console.print(line + _sure(one.confidence) + Text(f"  {plain(one.evidence, 200)}", style="dim"))
    if (more := len(stream.dependencies) - _MOST_LISTED) > 0:
        console.print(Text(f"  and {more:,} dependencies more: --json has all", style="dim"))
    console.print()


def _columns(columns: Sequence[ColumnProfile]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 1))
    for title in ("column", "type", "meaning", "sure", "personal", "null", "distinct", "examples"):
        table.add_column(
            title, overflow="fold", justify="right" if title in ("sure", "null", "distinct") else "left"
        )
    for column in columns:
        table.add_row(
            Text(plain(column.name, 60)), _type(column), _meaning(column), _sure(column.semantic.confidence),
            Text(column.pii.value.replace("_", " "), style="red") if column.pii else Text(""),
            Text(f"{column.null_share:.0%}" if column.null_share else ""), Text(f"{column.distinct:,}"),
            Text(", ".join(plain(one, 24) for one in column.values[:6] or column.examples[:3]), style="dim"),
        )  # fmt: skip
    return table


def _type(column: ColumnProfile) -> Text:
    short = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
    name = short.get(column.data_type, column.data_type)
    into = f" → {short.get(column.casts_to, column.casts_to)}" if column.casts_to else ""
    return Text(f"{name}{into}")


def _meaning(column: ColumnProfile) -> Text:
    said = [
        column.format,
        f"zone {column.zone}" if column.zone else None,
        f"in {column.unit}" if column.unit else None,
    ]
    if column.variants:
        said.append(", ".join(f"{one.data_type} {one.share:.0%}" for one in column.variants))
    detail = ", ".join(plain(one, 50) for one in said if one)
    return Text(column.semantic.value.replace("_", " ")) + Text(f" ({detail})" if detail else "", style="dim")


def _sure(confidence: float) -> Text:
    style = "green" if confidence >= 0.8 else "yellow" if confidence >= 0.5 else "red"
    return Text(f"{confidence:.2f}", style=style)


def _names(stream: str, columns: Sequence[str]) -> str:
    return f"{plain(stream)}.{', '.join(map(plain, columns))}"


def mermaid(source: SourceProfile) -> str:
    """An entity-relationship diagram of a source: keys, references, and no values."""
    lines = ["erDiagram"]
    streams = list(source.walk())
    names = _identifiers([stream.name for stream in streams])
    for one in source.foreign_keys:
        label = re.sub(r"[^\w, -]", " ", ", ".join(one.columns))
        lines.append(f'    {names[one.to_stream]} ||--o{{ {names[one.stream]} : "{label}"')
    for stream in streams:
        primary = set(stream.primary_key.columns) if stream.primary_key else set()
        foreign = {name for one in source.foreign_keys if one.stream == stream.name for name in one.columns}
        lines.append(f"    {names[stream.name]} {{")
        fields = _identifiers([column.name for column in stream.columns])
        for column in stream.columns:
            marks = [mark for mark, has in (("PK", column.name in primary), ("FK", column.name in foreign)) if has]
            kind = re.sub(r"\W+", "_", column.casts_to or column.data_type).strip("_").lower() or "text"
            lines.append(f"        {kind} {fields[column.name]} {', '.join(marks)}".rstrip())
        lines.append("    }")
    return "\n".join(lines)


def _identifiers(names: Sequence[str]) -> dict[str, str]:
    """Names as mermaid takes them, each its own."""
    found: dict[str, str] = {}
    for name in names:
        word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "x"
        word = word if word[0].isalpha() else f"_{word}"
        number, unique = 1, word
        while unique in found.values():
            number += 1
            unique = f"{word}_{number}"
        found[name] = unique
    return found
