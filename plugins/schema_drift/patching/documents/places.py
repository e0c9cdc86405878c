"""Where a project keeps the documents that say something about its tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from plugins.schema_drift.patching.documents.fragments import has_braces
from plugins.schema_drift.patching.project import PatchedProject

# dbt's own defaults (its reference of dbt_project.yml).
_DEFAULTS = {
    "model-paths": ["models"],
    "seed-paths": ["seeds"],
    "snapshot-paths": ["snapshots"],
    "analysis-paths": ["analyses"],
    "test-paths": ["tests"],
    "macro-paths": ["macros"],
    "docs-paths": [],
}
# What Smelt reads beside what dbt reads.
_OWN = ("sources", "contracts")


def property_folders(project: PatchedProject) -> tuple[str, ...] | None:
    """Folders whose documents dbt or Smelt reads; None: any, for the project does not say which in plain words."""
    if "dbt_project.yml" not in project.paths:
        settings: Any = {}
    else:
        try:
            settings = YAML(typ="safe").load(project.read("dbt_project.yml"))
        except YAMLError:
            return None
    if not isinstance(settings, dict):
        return None
    folders = list(_OWN)
    for key, default in _DEFAULTS.items():
        listed = settings.get(key, default)
        if not isinstance(listed, list) or any(not isinstance(one, str) or has_braces(one) for one in listed):
            return None
        folders += listed
    return tuple(dict.fromkeys(_plain(folder) for folder in folders))


def is_below(path: str, folders: Sequence[str] | None) -> bool:
    """Whether a file stands in one of some folders, however deep.

    >>> is_below("models/a/b.yml", ("models",)), is_below("bench/models.yml", ("models",))
    (True, False)
    """
    return folders is None or any(not folder or path.startswith(f"{folder}/") for folder in folders)


def _plain(folder: str) -> str:
    stripped = folder.strip().removeprefix("./").strip("/")
    return "" if stripped == "." else stripped
