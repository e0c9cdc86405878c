"""Rows of a query → a Parquet file, with what bronze says of every row."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from plugins.core.duck import literal

# A load waits for the compression; maintenance, which writes most rows again, has more time for it.
FAST = "compression zstd, compression_level 1"


def write_parquet(con: duckdb.DuckDBPyConnection, select: str, file: str, compression: str = FAST) -> int:
    """Write the rows of `select` to `file`; returns how many. compression: as options of DuckDB's `copy`."""
    done = con.execute(f"copy ({select}) to {literal(file)} (format parquet, {compression})").fetchone()
    return done[0] if done else 0


def audited(select: str, batch_id: str) -> str:
    """`select` with the batch and the time at which its rows are loaded."""
    now = datetime.now(UTC).isoformat()
    audit = f"{literal(batch_id)} as _smelt_batch_id, {literal(now)}::timestamptz as _smelt_loaded_at"
    return f"select *, {audit} from ({select})"
