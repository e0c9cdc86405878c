"""Which kind of file one is, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from plugins.source_mapping.files.delimited import read_delimited
from plugins.source_mapping.files.documents import read_documents
from plugins.source_mapping.files.opening import empty, encoding_of, start_of
from plugins.source_mapping.matching import Column, Table

_JSON, _TABS, _COMMAS = ("json", "ndjson", "jsonl"), ("tsv", "tab"), ("csv",)


@dataclass(frozen=True)
class ReadTable:
    """A file's table, and what a reader should know of how it was read."""

    table: Table
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> ReadTable:
    """The table in a file: its columns in order, with the values of its first rows.

    Raises SmeltError if there is no such file, if it is empty, or if it holds no table.
    """
    start = start_of(path)
    types: Sequence[str] = ()
    notes: list[str] = []
    if start.startswith(b"PAR1"):
        from plugins.source_mapping.files.parquet import read_parquet

        read, types = read_parquet(path)
    else:
        encoding = encoding_of(path, start)
        text = start.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
        if not text:
            raise empty(path)
        if not encoding.startswith("utf-8"):
            notes.append(f"written in {encoding}")
        suffix = path.name.lower().removesuffix(".gz").rpartition(".")[2]
        is_json = suffix in _JSON or (text[0] in "{[" and suffix not in (*_TABS, *_COMMAS))
        read = (
            read_documents(path, encoding)
            if is_json
            else read_delimited(path, encoding, is_tab=suffix in _TABS and "\t" in text)
        )
    columns = tuple(
        Column(name, values, data_type=data_type)
        for name, values, data_type in zip_longest(read.names, read.columns, types, fillvalue="")
    )
    notes += (*read.notes, *_odd_names(read.names))
    return ReadTable(Table(columns, name=_stem(path)), tuple(f"{path.name}: {note}" for note in notes))


def _stem(path: Path) -> str:
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return name.rpartition(".")[0] or name


def _odd_names(names: Sequence[str]) -> list[str]:
    notes = []
    if again := len(names) - len(set(names)):
        notes.append(f"{again:,} names are given again; these columns were kept apart, in the file's order")
    if unnamed := sum(not name.strip() for name in names):
        notes.append(f"{unnamed:,} columns have no name")
    return notes
