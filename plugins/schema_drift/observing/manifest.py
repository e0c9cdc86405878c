"""The project's manifest as fast as can be: what dbt wrote last, as long as it still names the same sources."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from ruamel.yaml import YAML, YAMLError

from plugins.core.errors import SmeltError
from plugins.core.project import Manifest, Project
from plugins.core.project.compiled import OWN_TARGET

_SOURCES = re.compile(rb"^\s*['\"]?sources['\"]?\s*:", re.MULTILINE)
_ROOTS = ("model-paths", "seed-paths", "snapshot-paths")
_DEFAULT_ROOTS = ("models", "seeds", "snapshots")
_CONFIGURATION = ("dbt_project.yml", "packages.yml", "dependencies.yml")


def source_manifest(project: Project) -> Manifest:
    """A manifest that is right about sources and seeds, though models may have changed since.

    The target folder's if no YAML file was changed after it was written; otherwise dbt parses, which takes
    seconds. Raises SmeltError if the project does not parse.
    """
    # What a target is called may be a path's; schemas depend on the target.
    named = OWN_TARGET / "targets" / quote(project.target, safe="") if project.target else OWN_TARGET
    own = replace(project, target_path=named)
    declaring, newest = _declaring_files(project)
    for folder in [own.artifacts] if project.target else [project.artifacts, own.artifacts]:
        path = folder / "manifest.json"
        try:
            if path.stat().st_mtime <= newest:
                continue
            manifest = Manifest.read(path)
        # It was never written, or dbt was interrupted while it wrote it.
        except (OSError, SmeltError):
            continue
        if _files_of(manifest) == declaring:
            return manifest
    return Manifest.read(own.write_manifest())


def _declaring_files(project: Project) -> tuple[set[str], float]:
    """YAML files of the project itself that declare sources, seeds' files, and when any of all was changed."""
    folder = project.folder
    newest = max(_time(folder / name) for name in _CONFIGURATION)
    newest = max(newest, _time(folder / project.profiles / "profiles.yml"))
    declaring = set()
    for path in _walk(folder):
        if path.suffix == ".csv":
            declaring.add(path.relative_to(folder).as_posix())
            continue
        newest = max(newest, _time(path))
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if _SOURCES.search(text):
            declaring.add(path.relative_to(folder).as_posix())
    return declaring, newest


def _files_of(manifest: Manifest) -> set[str]:
    """The files of the root project that the manifest has sources and seeds from."""
    document = manifest.document
    nodes = [*document.get("sources", {}).values(), *document.get("disabled", {}).values()]
    flat = [one for node in nodes for one in (node if isinstance(node, list) else [node])]
    flat += [node for node in document["nodes"].values() if node.get("resource_type") == "seed"]
    own = [n for n in flat if n.get("package_name") == manifest.project_name]
    return {n["original_file_path"] for n in own if n.get("resource_type") in ("source", "seed")}


def _walk(folder: Path) -> Iterator[Path]:
    for root in _roots(folder):
        for path, folders, files in os.walk(folder / root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in files:
                if name.endswith((".yml", ".yaml", ".csv")):
                    yield Path(path, name)


def _roots(folder: Path) -> tuple[str, ...]:
    try:
        settings = YAML(typ="safe").load((folder / "dbt_project.yml").read_text(encoding="utf-8"))
    except (OSError, UnicodeError, YAMLError):
        settings = None
    found: list[str] = []
    for key, default in zip(_ROOTS, _DEFAULT_ROOTS, strict=True):
        named = settings.get(key) if isinstance(settings, dict) else None
        found += [str(path) for path in named] if isinstance(named, list) else [default]
    return tuple(dict.fromkeys(found))


def _time(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0
