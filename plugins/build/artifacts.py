"""One run_results.json for the whole build, as if one `dbt build` had made it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

_NAME = "run_results.json"


def keep_results(artifacts: Path, layer: str) -> None:
    """Put the results of the invocation just ended aside: the next one overwrites them."""
    (artifacts / _NAME).replace(artifacts / f"run_results.{layer}.json")


def merge_results(artifacts: Path, layers: Sequence[str]) -> None:
    """Write run_results.json with the nodes of all `layers`."""
    parts = [json.loads((artifacts / f"run_results.{layer}.json").read_text()) for layer in layers]
    merged = dict(parts[-1])
    merged["results"] = [result for part in parts for result in part["results"]]
    merged["elapsed_time"] = sum(part["elapsed_time"] for part in parts)
    (artifacts / _NAME).write_text(json.dumps(merged))
    for layer in layers:
        (artifacts / f"run_results.{layer}.json").unlink()
