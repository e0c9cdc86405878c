"""What the peers of discovery say, each run in an environment of its own."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

# What csv-detective says, in our words; it has more kinds of codes of France, which none of the columns holds.
_WORDS = {
    "email": "email", "url": "url", "uuid": "uuid", "iso_country_code_alpha2": "country", "pays": "country",
    "iso_country_code_alpha3": "country", "date": "date", "datetime_aware": "timestamp", "bool": "boolean",
    "datetime_naive": "timestamp", "datetime_rfc822": "timestamp", "latitude_wgs": "latitude", "tel_fr": "phone",
    "latitude_wgs_fr_metropole": "latitude", "longitude_wgs": "longitude", "code_postal": "postal_code",
    "longitude_wgs_fr_metropole": "longitude", "json": "json", "geojson": "json", "int": "number",
    "float": "number",
    "money": "amount", "percent": "percentage", "sexe": "enum", "adresse": "address", "username": "code",
    "string": "text", "year": "number",
}  # fmt: skip
_WORKER = """
import json, sys, time
from csv_detective import routine
found, seconds = {}, 0.0
for path in sys.argv[1:]:
    started = time.perf_counter()
    result = routine(path, num_rows=-1, save_results=False)
    seconds += time.perf_counter() - started
    found[path] = {name: one["format"] for name, one in result["columns"].items()}
print(json.dumps([seconds, found]))
"""


def ask_csv_detective(
    tables: Mapping[str, Mapping[str, list[Any]]],
) -> tuple[float, dict[str, dict[str, str]]] | None:
    """Seconds, and by table and column what csv-detective takes it for, in our words; None if it can't be had."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for number, (name, columns) in enumerate(tables.items()):
            paths[name] = _write(Path(folder) / f"{number}.csv", list(columns), list(columns.values()))
        output = _run("csv-detective==0.13.0", _WORKER, list(paths.values()))
        if output is None:
            return None
    seconds, found = json.loads(output.splitlines()[-1])
    said = {
        name: {one: found[paths[name]].get(one, "string") for one in columns} for name, columns in tables.items()
    }
    return seconds, {
        name: {column: _WORDS.get(word) or word for column, word in columns.items()}
        for name, columns in said.items()
    }


# Lists every minimal combination that is unique, and every inclusion: true of the rows, and hard to choose from.
_LISTING = """
import json, sys
import desbordante as d
uniques, inclusions = [], []
for path in sys.argv[1:]:
    algorithm = d.ucc.algorithms.Default()
    algorithm.load_data(table=(path, ",", True))
    algorithm.execute()
    uniques.append(len(algorithm.get_uccs()))
algorithm = d.ind.algorithms.Default()
algorithm.load_data(tables=[(path, ",", True) for path in sys.argv[1:]])
algorithm.execute(max_arity=1)
for one in algorithm.get_inds():
    sides = one.get_lhs(), one.get_rhs()
    inclusions.append([[side.table_index, side.column_indices[0]] for side in sides])
print(json.dumps([uniques, inclusions]))
"""


def _bare(value: Any) -> str:
    """A value without what Desbordante's reader stumbles over."""
    return "" if value is None else re.sub(r'[\s,"]', " ", str(value))


def ask_desbordante(samples: Mapping[str, pa.Table]) -> tuple[int, set[tuple[str, str, str, str]]] | None:
    """How many minimal unique combinations it lists, and all inclusions of single columns; None without it."""
    names = list(samples)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, sample in enumerate(samples.values()):
            header = [f"c{place}" for place in range(len(sample.column_names))]
            columns = [list(map(_bare, column.to_pylist())) for column in sample.columns]
            paths.append(_write(Path(folder) / f"{number}.csv", header, columns))
        output = _run("desbordante==2.5.0", _LISTING, paths)
    if output is None:
        return None
    uniques, inclusions = json.loads(output.splitlines()[-1])

    def place(side: list[int]) -> tuple[str, str]:
        return names[side[0]], samples[names[side[0]]].column_names[side[1]]

    return sum(uniques), {(*place(one), *place(two)) for one, two in inclusions}


def _write(path: Path, header: Sequence[str], columns: Sequence[Sequence[Any]]) -> str:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(zip(*columns, strict=True))
    return str(path)


def _run(package: str, code: str, arguments: list[str]) -> str | None:
    """What a worker prints that runs with a peer in an environment of its own; None if it can't be had."""
    uv = next(one for one in (".uv/bin/uv", "uv") if one == "uv" or Path(one).exists())
    command = [
        uv,
        "run",
        "--no-project",
        "--isolated",
        "--python",
        "3.11",
        "--with",
        package,
        "python",
        "-c",
        code,
    ]
    try:
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=900, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
