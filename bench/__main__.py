"""Runs the benchmarks and prints their tables.

usage: python -m bench [NAME…]      (default: all; names as in NAMES)
"""

from __future__ import annotations

import sys
from importlib import import_module

from rich.console import Console

NAMES = (
    "discovery",
    "postgres",
    "cdc",
    "mysql",
    "kafka",
    "files",
    "watch",
    "soak",
    "webhooks",
    "build",
    "demo",
    "lineage",
    "review",
    "ask",
    "ask_project",
    "ask_index",
    "connectors",
    "drift_shapes",
    "drift_speed",
    "drift_classification",
    "drift_histories",
    "drift_quiet",
    "drift_fitting",
    "mapping",
    "mapping_fitting",
)
# Where a name isn't that of a module beside this one.
MODULES = {
    "drift_shapes": "drift.shapes_run",
    "drift_speed": "drift.speed",
    "drift_classification": "drift.classification",
    "drift_histories": "drift.histories",
    "drift_quiet": "drift.quiet",
    "drift_fitting": "drift.fitting",
    "mapping": "mapping.matching",
    "mapping_fitting": "mapping.fitting",
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, in order."""
    console = Console(width=max(Console().width, 110))
    # As their modules are called is fine, too.
    names = [name.replace(".", "_") for name in names]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        console.print(f"unknown benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}")
        return 2
    for name in names or NAMES:
        import_module(f"bench.{MODULES.get(name, name)}").run(console)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
