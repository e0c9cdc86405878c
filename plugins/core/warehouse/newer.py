"""Reads DuckDB files that a newer DuckDB than ours has written: ours is pinned to what has extension wheels.

A newer DuckDB lies in a folder beside the environment's packages, and copies the tables in a process of its own.
Of the file nothing but data comes over: no views, no SQL, and no constraints.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb

from plugins.core.duck import literal, quote
from plugins.core.errors import SmeltError

# `make env` installs it there.
FOLDER = Path(sys.prefix) / "duckdb-next"
_SECONDS = 600

_COPY = """
import json, sys
sys.path.insert(0, sys.argv[1])
import duckdb
quote = lambda name: '"' + name.replace('"', '""') + '"'
con = duckdb.connect(sys.argv[2], read_only=True)
tables = con.execute(
    "select schema_name, table_name from duckdb_tables() "
    "where not internal and database_name = current_database() order by table_oid"
).fetchall()
for number, (schema, table) in enumerate(tables):
    target = sys.argv[3].replace("'", "''")
    con.execute(f"copy (from {quote(schema)}.{quote(table)}) to '{target}/{number}.parquet' (format parquet)")
print(json.dumps(tables))
"""


def is_newer(path: Path) -> bool:
    """Whether a file can't be opened because a newer DuckDB wrote it."""
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error as error:
        return "newer version" in str(error)
    return False


def copy_tables(path: Path, folder: Path) -> Path:
    """Copy the tables of a newer file to a file of our DuckDB in `folder`; returns its path.

    Raises SmeltError if no newer DuckDB is installed, or if it can't read the file either.
    """
    if not FOLDER.is_dir():
        raise SmeltError(
            f"{path} was written by a newer DuckDB than {duckdb.__version__}",
            f"uv pip install --no-deps --target {FOLDER} 'duckdb>=2'",
        )
    parts = folder / "parts"
    parts.mkdir()
    command = [sys.executable, "-I", "-c", _COPY, str(FOLDER), str(path), str(parts)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise SmeltError(f"{path} could not be copied in {_SECONDS} s", "export it with its own DuckDB") from error
    if run.returncode != 0:
        raise SmeltError(f"{path} cannot be read: {run.stderr.strip().splitlines()[-1]}", "check that it is whole")
    copy = folder / path.name
    with duckdb.connect(str(copy)) as con:
        for number, (schema, table) in enumerate(json.loads(run.stdout)):
            con.execute(f"create schema if not exists {quote(schema)}")
            file = literal(str(parts / f"{number}.parquet"))
            con.execute(f"create table {quote(schema)}.{quote(table)} as from read_parquet({file})")
    return copy
