"""Which nodes a change of files can concern: those that must be compiled to see what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

# Any of these may change the meaning of every model.
_OF_THE_PROJECT = frozenset(
    {"dbt_project.yml", "packages.yml", "dependencies.yml", "package-lock.yml", "profiles.yml", "vars.yml"}
)


def find_candidates(manifest: Any, folder: Path, changed: Iterable[str]) -> list[str] | None:
    """Ids of the nodes that come from changed files or use a changed macro; None: all nodes.

    manifest: dbt's own, in process. folder: the project's. changed: paths relative to it.
    """
    paths = {str(PurePosixPath(path)) for path in changed}
    if paths & _OF_THE_PROJECT or any(_is_of_a_package(folder, path) for path in paths):
        return None
    root = manifest.metadata.project_name
    macros = {
        key for key, m in manifest.macros.items() if m.package_name == root and m.original_file_path in paths
    }
    macros = _users(manifest.macros, macros)
    found = []
    for node in manifest.nodes.values():
        if node.package_name != root and not macros.intersection(node.depends_on.macros):
            continue
        patch = (getattr(node, "patch_path", None) or "").partition("://")[2]
        is_changed = node.package_name == root and (node.original_file_path in paths or patch in paths)
        if is_changed or macros.intersection(node.depends_on.macros):
            found.append(node.unique_id)
    return found


def _is_of_a_package(folder: Path, path: str) -> bool:
    """Whether a file belongs to another dbt project within this one: a local package."""
    return any((folder / above / "dbt_project.yml").is_file() for above in PurePosixPath(path).parents[:-1])


def _users(macros: Mapping[str, Any], changed: set[str]) -> set[str]:
    """Changed macros, and all that call them."""
    found = set(changed)
    while True:
        more = {key for key, macro in macros.items() if not found.isdisjoint(macro.depends_on.macros)} - found
        if not more:
            return found
        found |= more
