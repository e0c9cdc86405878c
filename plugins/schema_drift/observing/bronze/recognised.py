"""Tells a Smelt project from any other dbt project, without dbt, whose import takes seconds."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML, YAMLError

from plugins.core.project import Project
from plugins.core.settings.model import FILE_NAME

_PLUGIN = "plugins.core.warehouse.dbt_plugin"


def is_smelt_project(project: Project) -> bool:
    """Whether the project has a smelt.toml, and its profile lays views over bronze."""
    if not (project.folder / FILE_NAME).is_file():
        return False
    profile = _read(project.folder / project.profiles / "profiles.yml").get(
        _read(project.folder / "dbt_project.yml").get("profile")
    )
    outputs = profile.get("outputs") if isinstance(profile, dict) else None
    return isinstance(outputs, dict) and any(_has_plugin(output) for output in outputs.values())


def _has_plugin(output: Any) -> bool:
    plugins = output.get("plugins") if isinstance(output, dict) else None
    return isinstance(plugins, list) and any(isinstance(p, dict) and p.get("module") == _PLUGIN for p in plugins)


def _read(path: Any) -> dict[Any, Any]:
    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, YAMLError):
        return {}
    return document if isinstance(document, dict) else {}
