"""Reads the lineage of one project, in a process of its own: `python -m bench.lineage_workers WHO FOLDER`.

Prints one JSON line; `cpu` is the seconds of CPU of the work itself, without starting Python and importing.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from plugins.core.lineage import LineageCache, ProjectLineage, known_columns
from plugins.core.project import Manifest


def smelt(folder: Path) -> dict[str, Any]:
    """From manifest.json and catalog.json to the graph; then again with one model changed."""
    cache = LineageCache(folder / "target" / "smelt-bench.db")
    started = time.process_time()
    manifest = Manifest.read(folder / "target" / "manifest.json")
    known = known_columns(manifest, catalog=folder / "target" / "catalog.json")
    graph = ProjectLineage(manifest, known, cache).read()
    cold = time.process_time() - started
    cache.close()

    changed = next(r for r in manifest.resources.values() if r.name.startswith("stg_raw__0"))
    manifest.resources[changed.id] = replace(changed, sql=f"{changed.sql}\nwhere id > 0")
    cache = LineageCache(folder / "target" / "smelt-bench.db")
    started = time.process_time()
    ProjectLineage(manifest, known, cache).read()
    again = time.process_time() - started
    return {
        "cpu": cold,
        "after_one_change": again,
        "read_again": cache.misses,
        "models": sum(r.kind == "model" for r in manifest.resources.values()),
        "edges": len(graph.edges),
        "unparsed": len(graph.unparsed),
    }


def colibri(folder: Path) -> dict[str, Any]:
    """dbt-colibri's extraction from the same files."""
    from dbt_colibri.lineage_extractor.extractor import DbtColumnLineageExtractor

    failures = _Failures()
    logging.getLogger("colibri").addHandler(failures)
    started = time.process_time()
    extractor = DbtColumnLineageExtractor(
        str(folder / "target" / "manifest.json"), str(folder / "target" / "catalog.json")
    )
    lineage = extractor.extract_project_lineage()["lineage"]["parents"]
    cpu = time.process_time() - started
    models = {key for key in extractor.manifest["nodes"] if key.startswith("model.")}
    edges = sum(len(parents) for columns in lineage.values() for parents in columns.values())
    unparsed = len((models - lineage.keys()) | failures.models(models))
    return {"cpu": cpu, "models": len(models), "edges": edges, "unparsed": unparsed}


class _Failures(logging.Handler):
    """Keeps what was logged as an error, to find the models that it names."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.messages.append(record.getMessage())

    def models(self, known: set[str]) -> set[str]:
        """Those of `known` that a message names."""
        return {model for model in known for message in self.messages if model in message}


_WORKERS: dict[str, Callable[[Path], dict[str, Any]]] = {"smelt": smelt, "colibri": colibri}

if __name__ == "__main__":
    print(json.dumps(_WORKERS[sys.argv[1]](Path(sys.argv[2]))))
