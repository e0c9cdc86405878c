"""JSON: one document, or one a line. Rows keep their shape."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plugins.core.errors import SmeltError
from plugins.discovery.reading.text import as_utf8

_MOST_BYTES = 512 * 2**20


def read_documents(path: Path, folder: Path, rows: int) -> tuple[list[Any], int, tuple[str, ...]]:
    """Some rows of a JSON file, how many it has, and notes.

    Raises SmeltError if it holds no JSON, or none that can be read.
    """
    plain, note = as_utf8(path, folder)
    notes = [note] if note else []
    if not (start := _start(plain)):
        raise SmeltError(f"{path} is empty", "give it at least one JSON value")
    if start == "{" and _is_lines(plain):
        found, total, bad = _lines(plain, rows)
    else:
        if plain.stat().st_size > _MOST_BYTES:
            raise SmeltError(
                f"{path} is one JSON document of more than 512 MB", "write one object a line (ndjson)"
            )
        try:
            whole = json.loads(plain.read_text(encoding="utf-8", errors="replace"))
        except RecursionError as error:
            raise SmeltError(f"{path} is nested too deeply to be read", "flatten it at its source") from error
        except ValueError:
            found, total, bad = _lines(plain, rows)
        else:
            every, inner = _rows_in(whole)
            notes += [inner] if inner else []
            chance = random.Random(7)  # noqa: S311
            found, total, bad = every if len(every) <= rows else chance.sample(every, rows), len(every), []
    if bad:
        notes.append(f"lines left out, as they are no JSON: {len(bad):,}, the first is line {bad[0]:,}")
        if not total:
            raise SmeltError(
                f"{path} holds no JSON: line {bad[0]:,} is the first that can't be read",
                "check the file in an editor",
            )
    return found, total, tuple(notes)


def _start(path: Path) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        while block := file.read(4_096):
            if block.strip():
                return block.strip()[0]
    return ""


def _is_lines(path: Path) -> bool:
    """Whether the first line is a JSON value by itself, and another follows."""
    with open(path, encoding="utf-8", errors="replace") as file:
        filled = [line for line in (file.readline(), file.readline()) if line.strip()]
    try:
        json.loads(filled[0])
    except (ValueError, RecursionError, IndexError):
        return False
    return len(filled) > 1


def _lines(path: Path, rows: int) -> tuple[list[Any], int, list[int]]:
    """A sample of the lines that are JSON, how many are, and the numbers of those that are not."""
    chance = random.Random(7)  # noqa: S311
    kept: list[Any] = []
    bad: list[int] = []
    total = 0
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            # Only lines of the sample are parsed (algorithm R); a bad one among the others changes nothing.
            place = total if total < rows else chance.randrange(total + 1)
            if place < rows:
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError):
                    bad.append(number)
                    continue
                if place == len(kept):
                    kept.append(value)
                else:
                    kept[place] = value
            total += 1
    return kept, total, bad


def _rows_in(whole: Any) -> tuple[list[Any], str | None]:
    """The rows of a document: its elements, those of the one list of objects in an envelope, or itself."""
    if isinstance(whole, list):
        return whole, None
    if isinstance(whole, Mapping):
        lists = [
            key
            for key, value in whole.items()
            if isinstance(value, list) and value and isinstance(value[0], Mapping)
        ]
        if len(lists) == 1 and len(whole) <= 12:
            return whole[lists[0]], f"its rows are those of the field `{lists[0]}`"
    return [whole], None
