"""Where a model goes that stands between a source and everything that reads it, and what it is called."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from plugins.schema_drift.patching.project import PatchedProject


def base_name(project: PatchedProject, source: str) -> str:
    """`base_shop__orders` for the source's id; another one if something is called so already."""
    name = "__".join(re.sub(r"\W+", "_", one).lower() for one in source.split(".")[2:4])
    taken = {resource.name.lower() for resource in project.manifest.resources.values()}
    wanted = (f"base_{name}", f"base_{name}_before", *(f"base_{name}_{number}" for number in range(2, 99)))
    return next(one for one in wanted if one not in taken)


def base_path(project: PatchedProject, source: str) -> str:
    """Where the source is declared, if models stand there too; else beside the first model."""
    models = [PurePosixPath(r.path) for r in project.manifest.resources.values() if r.kind == "model" and r.path]
    declared = PurePosixPath(project.manifest.resources[source].path).parent
    roots = {path.parts[0] for path in models} or {"models"}
    is_among = bool(declared.parts) and declared.parts[0] in roots
    first = min((path.parent for path in models), default=PurePosixPath("models"))
    return str((declared if is_among else first) / f"{base_name(project, source)}.sql")


def pointed(text: str, source: str, name: str, model: str) -> str:
    """A text that reads a model wherever it read a source's table.

    >>> pointed("from {{ source('shop', 'orders') }}", "shop", "orders", "base_shop__orders")
    "from {{ ref('base_shop__orders') }}"
    """
    names = rf"(['\"]){re.escape(source)}\1\s*,\s*(['\"]){re.escape(name)}\2"
    return re.sub(rf"\bsource\(\s*{names}\s*\)", lambda found: f"ref({found[1]}{model}{found[1]})", text)
