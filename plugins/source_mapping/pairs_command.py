"""`smelt map` of two files: which column of one is which of the other; thin."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from plugins.core.errors import SmeltError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.text import Text

    from plugins.source_mapping.matching import Matching, Table

# Below this a pair is told only if it is among the best of its source column.
_LEAST = 0.001
_BEST = 25
# All pairs are held in memory, with some fifty numbers each.
_MOST_PAIRS = 2_000_000
# What a person may take without a look, and what is worth one.
_SURE, _LIKELY, _POSSIBLE = 0.9, 0.5, 0.1
# What files are called whatever is in them.
_SAY_NOTHING = frozenset({
    "columns", "csv", "data", "dataset", "dump", "export", "extract", "file", "import", "input", "json", "left",
    "new", "old", "out", "output", "parquet", "raw", "right", "sample", "schema", "sheet", "source", "src",
    "table", "target", "temp", "test", "tgt", "the", "tmp", "untitled",
})  # fmt: skip
_MOST_SHOWN = 500
_LONGEST = 60


def map_files(source_file: Path, target_file: Path, descriptions: Path | None, as_json: bool) -> None:
    """Print the pairs of two files' columns, best first, as JSON; or the best target of each source column.

    Raises SmeltError if a file can't be read, or if the tables are too wide for each other.
    """
    # Before numpy is there: for products as small as these a second thread mostly spins, a third of all CPU.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from plugins.source_mapping.files import describe, read_table

    ours, theirs = read_table(source_file), read_table(target_file)
    source, target, notes = ours.table, theirs.table, (*ours.notes, *theirs.notes)
    if len(source.columns) * len(target.columns) > _MOST_PAIRS:
        raise SmeltError(
            f"{len(source.columns):,} × {len(target.columns):,} columns are more than {_MOST_PAIRS:,} pairs",
            "give files with fewer columns: those that are to be mapped",
        )
    if descriptions is not None:
        source, target, more = describe(descriptions, source, target)
        notes += more
    from plugins.source_mapping.matching import match

    matching = match(_tellingly_named(source), _tellingly_named(target))
    for note in notes:
        typer.echo(f"note  {_plain(note, 300)}", err=True)
    if as_json:
        typer.echo(json.dumps(pairs_document(matching), ensure_ascii=True))
    else:
        _show(matching, f"{_plain(source.name)} → {_plain(target.name)}")


def _tellingly_named(table: Table) -> Table:
    """With what a name says of the contents: nothing of `source.csv`, `orders` of `export_orders_2024.csv`."""
    words = re.split(r"[\W\d_]+", table.name)
    return replace(table, name=" ".join(one for one in words if len(one) > 2 and one.lower() not in _SAY_NOTHING))


def pairs_document(matching: Matching) -> list[dict[str, str | float]]:
    """All pairs worth a look and at least the best 25 of each source column, the surest first."""
    import numpy as np

    confidences = matching.confidences
    if not confidences.size:
        return []
    kept = confidences >= _LEAST
    best = np.argsort(-confidences, axis=1, kind="stable")[:, :_BEST]
    np.put_along_axis(kept, best, True, axis=1)
    rows, columns = np.nonzero(kept)
    order = np.argsort(-confidences[rows, columns], kind="stable")
    return [
        {
            "source_column": matching.source.columns[row].name,
            "target_column": matching.target.columns[column].name,
            # Enough places that no two pairs fall together.
            "confidence": round(float(confidences[row, column]), 6),
        }
        for row, column in zip(rows[order], columns[order], strict=True)
    ]


@dataclass(frozen=True)
class _Line:
    """target, runner_up: places in the target; None: none is likely enough."""

    source: int
    target: int | None
    confidence: float
    runner_up: int | None


def _lines(confidences: NDArray[np.float32]) -> list[_Line]:
    lines = []
    for source, row in enumerate(confidences):
        order = (-row).argsort(kind="stable")
        best, *others = (int(place) for place in order[:2])
        confidence = float(row[best])
        is_found = confidence >= _POSSIBLE
        is_close = bool(others) and row[others[0]] >= max(_POSSIBLE, confidence / 3)
        lines.append(_Line(source, best if is_found else None, confidence, others[0] if is_close else None))
    return lines


def _show(matching: Matching, title: str) -> None:
    from rich import table as tables
    from rich.console import Console
    from rich.text import Text

    from plugins.source_mapping.matching.evidence import explain

    console = Console(highlight=False)
    if not matching.confidences.size:
        console.print("One of the files has no columns: there is nothing to match.")
        return
    lines = _lines(matching.confidences)
    ours, theirs = matching.source.columns, matching.target.columns
    table = tables.Table(title=Text(title), title_justify="left")
    for heading in ("source column", "target column", "confidence", "why"):
        table.add_column(heading, justify="right" if heading == "confidence" else "left", overflow="fold")
    for line in lines[:_MOST_SHOWN]:
        if line.target is None:
            continue
        why = explain(matching, line.source, line.target)
        if line.runner_up is not None:
            why += f"; or {_plain(theirs[line.runner_up].name)}"
        cells = _plain(ours[line.source].name), _plain(theirs[line.target].name)
        table.add_row(*map(Text, cells), _sure(line.confidence), Text(why))
    if table.rows:
        console.print(table)
    if len(lines) > _MOST_SHOWN:
        console.print(f"and {len(lines) - _MOST_SHOWN:,} source columns more: --json has all")
    used = {line.target for line in lines}
    unmatched = [ours[line.source].name for line in lines if line.target is None]
    _list(console, "no target", unmatched)
    _list(console, "no source", [column.name for place, column in enumerate(theirs) if place not in used])
    sure = sum(line.confidence >= _SURE for line in lines)
    doubtful = sum(_POSSIBLE <= line.confidence < _LIKELY for line in lines)
    likely = len(lines) - sure - doubtful - len(unmatched)
    console.print(
        f"{len(lines):,} source columns: {sure:,} sure (≥ {_SURE}), {likely:,} likely, {doubtful:,} doubtful, "
        f"{len(unmatched):,} without a target"
    )
    for hint in _hints(matching, doubtful + len(unmatched)):
        console.print(Text(f"hint  {hint}", style="dim"), soft_wrap=True)


def _hints(matching: Matching, open_ones: int) -> list[str]:
    hints = []
    tables = (matching.source, matching.target)
    bare = [name for name, table in zip(("source", "target"), tables, strict=True) if not _has_values(table)]
    if bare and open_ones:
        hints.append(f"rows would tell more: there are none in {' and '.join(bare)}")
    if open_ones and not any(column.description for table in tables for column in table.columns):
        hints.append("what the columns are, in words, would help: --descriptions FILE")
    return [*hints, "--json has all pairs with their confidence"]


def _has_values(table: Table) -> bool:
    return any(any(column.values) for column in table.columns)


def _sure(confidence: float) -> Text:
    from rich.text import Text

    style = "green" if confidence >= _SURE else "" if confidence >= _LIKELY else "yellow"
    return Text(f"{confidence:.2f}", style=style)


def _list(console: object, heading: str, names: list[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    if names and isinstance(console, Console):
        shown = ", ".join(_plain(name) for name in names[:20])
        more = f" and {len(names) - 20:,} more" if len(names) > 20 else ""
        console.print(Text(f"{heading}  ", style="bold") + Text(shown + more), soft_wrap=True)


def _plain(name: str, longest: int = _LONGEST) -> str:
    """A name in one line, without what would steer a terminal; a name of nothing is still seen."""
    text = "".join(letter if letter.isprintable() else "·" for letter in name).strip()
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text or '""'
