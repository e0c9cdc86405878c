"""Pairs of tables with the pairs of columns that are known to be right.

An archive holds `<benchmark>/<case>/{source.csv,target.csv,ground_truth.json}`. What may be copied is in
`bench/data/matching`; SMELT_MATCHING_CASES names another archive, with further benchmarks of the same form.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plugins.source_mapping.matching import Column, Table

_BUNDLED = Path(__file__).parents[1] / "data" / "matching" / "cases.tar.xz"
_ROWS = 500


@dataclass(frozen=True)
class Case:
    """truth: 1 where a pair is right, shape (source columns, target columns)."""

    benchmark: str
    name: str
    source: Table
    target: Table
    truth: NDArray[np.int8]

    @property
    def has_values(self) -> bool:
        """Whether both tables have rows."""
        return all(any(any(c.values) for c in table.columns) for table in (self.source, self.target))


def archive() -> Path:
    """Where the cases are."""
    return Path(os.environ.get("SMELT_MATCHING_CASES", _BUNDLED))


def read_cases() -> list[Case]:
    """All cases, in the order of their names."""
    with tarfile.open(archive()) as tar:
        held = {member.name.removeprefix("./"): _text(tar, member) for member in tar if member.isfile()}
    return list(_cases(held))


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = tar.extractfile(member)
    return file.read().decode() if file else ""


def _cases(held: dict[str, str]) -> Iterator[Case]:
    for folder in sorted({name.rpartition("/")[0] for name in held if name.endswith("ground_truth.json")}):
        benchmark, _, name = folder.partition("/")
        source, target = _table(held[f"{folder}/source.csv"]), _table(held[f"{folder}/target.csv"])
        truth = np.zeros((len(source.columns), len(target.columns)), dtype=np.int8)
        ours = {column.name: place for place, column in enumerate(source.columns)}
        theirs = {column.name: place for place, column in enumerate(target.columns)}
        for pair in json.loads(held[f"{folder}/ground_truth.json"]):
            truth[ours[pair["source_column"]], theirs[pair["target_column"]]] = 1
        yield Case(benchmark, name, source, target, truth)


def _table(text: str) -> Table:
    csv.field_size_limit(2**30)
    header, *rows = csv.reader(io.StringIO(text))
    sample = rows[:_ROWS]
    return Table(
        tuple(
            Column(name, [row[place] if place < len(row) else None for row in sample])
            for place, name in enumerate(header)
        )
    )
