"""A manifest with compiled SQL: the one that is there if it is newer than the project, else a new one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ruamel.yaml import YAML, YAMLError

from plugins.core.errors import SmeltError
from plugins.core.project.project import Project
from plugins.core.project.resources import Manifest

# Below dbt's own target folder, which projects ignore in git and `dbt clean` empties.
OWN_TARGET = Path("target/smelt")
_DEFAULTS = {
    "model-paths": "models",
    "seed-paths": "seeds",
    "snapshot-paths": "snapshots",
    "macro-paths": "macros",
    "test-paths": "tests",
    "analysis-paths": "analyses",
}


def compiled_manifest(project: Project) -> Manifest:
    """The project with compiled SQL; runs `dbt compile` only if a file changed since the last time.

    Raises SmeltError if the project does not compile at all; models that fail alone are not compiled.
    """
    own = replace(project, target_path=OWN_TARGET)
    candidates = [own.artifacts] if project.target else [project.artifacts, own.artifacts]
    newest = max(_times(project.folder), default=0.0)
    for folder in candidates:
        path = folder / "manifest.json"
        if path.is_file() and path.stat().st_mtime > newest:
            manifest = _read_whole(path)
            if manifest is not None and _is_compiled(manifest):
                return manifest
    own.compile()
    own.release()
    return Manifest.read(own.artifacts / "manifest.json")


def _read_whole(path: Path) -> Manifest | None:
    """The manifest, unless dbt was interrupted while it wrote it."""
    try:
        return Manifest.read(path)
    except SmeltError:
        return None


def _is_compiled(manifest: Manifest) -> bool:
    return all(
        resource.sql is not None
        for resource in manifest.resources.values()
        if resource.kind in ("model", "snapshot") and resource.language == "sql"
    )


def _times(folder: Path) -> Iterator[float]:
    """When each file that dbt reads was last changed."""
    for path in (folder / "dbt_project.yml", folder / "packages.yml", folder / "profiles.yml"):
        if path.is_file():
            yield path.stat().st_mtime
    for root in _read_by_dbt(folder):
        for path, folders, files in os.walk(folder / root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            yield os.stat(path).st_mtime
            for name in files:
                # Of a link, its own: what it points to may be gone.
                yield os.lstat(os.path.join(path, name)).st_mtime


def _read_by_dbt(folder: Path) -> set[str]:
    """The folders that dbt_project.yml names, or dbt's defaults."""
    try:
        settings = YAML(typ="safe").load((folder / "dbt_project.yml").read_text())
    except (OSError, YAMLError):
        settings = None
    if not isinstance(settings, dict):
        return set(_DEFAULTS.values())
    found: set[str] = {settings.get("packages-install-path") or "dbt_packages"}
    for key, default in _DEFAULTS.items():
        named = settings.get(key)
        found |= {str(path) for path in named} if isinstance(named, list) else {default}
    return found
