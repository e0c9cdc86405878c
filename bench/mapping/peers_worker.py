"""Runs one matcher of `valentine` over an archive of cases; runs in the peers' own environment, not in ours.

usage: peers_worker.py ARCHIVE MATCHER ROWS SECONDS      prints one line of JSON a case:
    {"case": "benchmark/name", "seconds": 1.2, "scores": [["source column", "target column", 0.9], …]}
    {"case": "benchmark/name", "failed": "timed out"}
"""

from __future__ import annotations

import io
import json
import multiprocessing
import sys
import tarfile
import time
import warnings
from multiprocessing.connection import Connection
from typing import Any

_NEEDS_VALUES = ("Coma instances", "JaccardDistance", "DistributionBased")


def main(archive: str, name: str, rows: int, limit: float) -> None:
    """Match every case, each in a process of its own that ends after `limit` seconds."""
    warnings.simplefilter("ignore")
    # Before the first fork, so that no case waits for imports.
    _matcher(name)
    with tarfile.open(archive) as tar:
        held = {one.name.removeprefix("./"): tar.extractfile(one).read() for one in tar if one.isfile()}  # pyright: ignore[reportOptionalMemberAccess]
    folders = sorted(path.rpartition("/")[0] for path in held if path.endswith("ground_truth.json"))
    for folder in folders:
        tables = [held[f"{folder}/{side}.csv"] for side in ("source", "target")]
        has_values = all(len(table.splitlines()) > 1 for table in tables)
        if name in _NEEDS_VALUES and not has_values:
            found: dict[str, Any] = {"failed": "needs values"}
        else:
            found = _within(limit, name, tables, rows)
        print(json.dumps({"case": folder, **found}), flush=True)


def _within(limit: float, name: str, tables: list[bytes], rows: int) -> dict[str, Any]:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    worker = multiprocessing.get_context("fork").Process(target=_match, args=(theirs, name, tables, rows))
    worker.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(limit) else {"failed": "timed out"}
    except EOFError:
        return {"failed": "ended without a result"}
    finally:
        worker.kill()
        worker.join()


def _match(results: Connection, name: str, tables: list[bytes], rows: int) -> None:
    import pandas
    from valentine import valentine_match  # pyright: ignore[reportMissingImports]

    frames = [pandas.read_csv(io.BytesIO(table), nrows=rows, low_memory=False) for table in tables]
    matcher = _matcher(name)
    started = time.perf_counter()
    try:
        matches = valentine_match(frames, matcher, instance_sample_size=rows)
    # Whatever a peer fails with, the others go on.
    except Exception as error:  # noqa: BLE001
        results.send({"failed": f"{type(error).__name__}: {error}"[:200]})
        return
    scores = [[pair.source_column, pair.target_column, float(score)] for pair, score in matches.items()]
    results.send({"seconds": time.perf_counter() - started, "scores": scores})


def _matcher(name: str) -> Any:
    from valentine import algorithms  # pyright: ignore[reportMissingImports]

    return {
        "Coma schema": lambda: algorithms.Coma(use_instances=False),
        "Coma instances": lambda: algorithms.Coma(use_instances=True),
        "Cupid": lambda: algorithms.Cupid(),
        "SimilarityFlooding": lambda: algorithms.SimilarityFlooding(),
        "JaccardDistance": lambda: algorithms.JaccardDistanceMatcher(),
        "DistributionBased": lambda: algorithms.DistributionBased(),
    }[name]()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
