"""Names of sources and streams: lower-case words, each stream's its own, whatever a table or file is called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from plugins.source_mapping import snake_case

_NAME = re.compile(r"[^a-z0-9]+")
# A source's bronze table of records that could not be read.
_KEPT = frozenset({"dead_letters"})


def source_name(text: str) -> str:
    """A name that sources may have."""
    return _plain(text) or "source"


def stream_names(tables: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """A name for each table (schema, name), and notes on those whose name isn't told by the table's alone.

    Tables of one name get their schema's before it; those that still collide are numbered, in their order.
    """
    plain = [_plain(table) or "stream" for _, table in tables]
    often = Counter(plain)
    wanted = [
        f"{_plain(schema)}_{name}" if often[name] > 1 and schema != "public" and _plain(schema) else name
        for (schema, _), name in zip(tables, plain, strict=True)
    ]
    # Whoever is called so exactly keeps the name; the others make way.
    exact = {name for (_, table), name in zip(tables, wanted, strict=True) if table == name} - _KEPT
    names: list[str] = []
    for (_, table), name in zip(tables, wanted, strict=True):
        taken = {*names, *_KEPT, *(exact if table != name else ())}
        names.append(_free(name, taken | ({*wanted} - {name})))
    notes = [
        f"{f'{schema}.{table}' if schema else table} is loaded as the stream {name}"
        for (schema, table), first, name in zip(tables, plain, names, strict=True)
        if name != first or not _plain(table)
    ]
    return names, notes


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _plain(text: str) -> str:
    """Words in lower case, beginning with a letter; empty if there is no Latin letter or digit in it."""
    name = _NAME.sub("_", snake_case(text)).strip("_") if re.search(r"\w", text) else ""
    if name in ("", "column") and not re.search(r"column", text, re.IGNORECASE):
        return ""
    return name if name[0].isalpha() else f"s_{name}"
