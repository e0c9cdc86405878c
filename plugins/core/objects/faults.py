"""What PyArrow and DuckDB raise when the lake's bucket can't be reached, in one line for people."""

from __future__ import annotations

import duckdb

_NETWORK = ("AWS Error", "HTTP Error", "HTTP GET", "HTTP HEAD", "HTTP PUT", "HTTP POST", "Could not establish")


def unreachable(root: str, error: Exception) -> str | None:
    """What to say if `error` comes from the way to the bucket of `root`; None if it means something else."""
    if "://" not in root or not isinstance(error, OSError | duckdb.Error):
        return None
    text = " ".join(str(error).split())
    if not isinstance(error, duckdb.HTTPException) and not any(sign in text for sign in _NETWORK):
        return None
    return f"the lake {root} cannot be reached: {text[:300]}"
