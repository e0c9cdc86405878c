"""JSON: one document, or one a line; objects within rows become columns of their own, `address.city`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plugins.core.errors import SmeltError
from plugins.source_mapping.files.delimited import Delimited
from plugins.source_mapping.files.opening import HEAD, decoded
from plugins.source_mapping.matching import SAMPLE_ROWS

_MOST_CHARACTERS = 512 * 2**20
# What is nested deeper stays JSON.
_DEEPEST = 8


def read_documents(path: Path, encoding: str) -> Delimited:
    """The rows of a JSON file as columns, in the order in which their names come up.

    Raises SmeltError if it is no JSON, nested too deeply, or one document that is too long.
    """
    records, notes = _records(path, encoding)
    flat = [_flat(record) for record in records]
    names = tuple(dict.fromkeys(name for record in flat for name in record))
    return Delimited(names, tuple([record.get(name) for record in flat] for name in names), tuple(notes))


def _records(path: Path, encoding: str) -> tuple[list[Any], list[str]]:
    """The first rows, and notes."""
    with decoded(path, encoding) as file:
        head = file.read(HEAD)
        if _is_one_a_line([line for line in head.splitlines() if line.strip()][:2]):
            return _one_a_line(path, encoding)
        text = head + file.read(_MOST_CHARACTERS)
    if len(text) > _MOST_CHARACTERS:
        raise SmeltError(f"{path} is one JSON document of more than 512 MB", "write one object a line (ndjson)")
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except RecursionError as error:
        raise SmeltError(f"{path} is nested too deeply to be read", "flatten it at its source") from error
    except ValueError as error:
        raise SmeltError(f"{path} is no JSON: {error}", "check the file in an editor") from error
    if isinstance(document, list):
        return document[:SAMPLE_ROWS], []
    inner = [key for key, value in document.items() if _holds_rows(value)] if isinstance(document, dict) else []
    if len(inner) == 1:
        return document[inner[0]][:SAMPLE_ROWS], [f"its rows are those of the field `{inner[0][:80]}`"]
    return [document], []


def _holds_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _is_one_a_line(lines: Sequence[str]) -> bool:
    """Whether the first line is an object by itself, and another line follows."""
    if len(lines) < 2:
        return False
    try:
        return isinstance(json.loads(lines[0].lstrip("\ufeff")), dict)
    except (ValueError, RecursionError):
        return False


def _one_a_line(path: Path, encoding: str) -> tuple[list[Any], list[str]]:
    records: list[Any] = []
    bad = 0
    with decoded(path, encoding) as file:
        for line in file:
            if len(records) >= SAMPLE_ROWS:
                break
            if not line.strip():
                continue
            try:
                records.append(json.loads(line.lstrip("\ufeff")))
            except (ValueError, RecursionError):
                bad += 1
    return records, [f"{bad:,} lines are no JSON and were left out"] if bad else []


def _flat(record: object) -> dict[str, str | None]:
    if not isinstance(record, dict):
        return {"value": _as_text(record)}
    found: dict[str, str | None] = {}
    _add(found, record, "", 1)
    return found


def _add(found: dict[str, str | None], fields: dict[str, Any], before: str, depth: int) -> None:
    for name, value in fields.items():
        if isinstance(value, dict) and value and depth < _DEEPEST:
            _add(found, value, f"{before}{name}.", depth + 1)
        else:
            found[before + name] = _as_text(value)


def _as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
