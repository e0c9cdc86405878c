"""Where machines may write: new files in few folders, edits wherever the project keeps what it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_NEW: Mapping[str, frozenset[str]] = {
    "models": frozenset({".sql", ".yml", ".yaml", ".md"}),
    "sources": frozenset({".yml", ".yaml", ".md"}),
    "seeds": frozenset({".csv", ".yml", ".yaml"}),
    "tests": frozenset({".sql", ".yml", ".yaml", ".csv"}),
    "contracts": frozenset({".yml", ".yaml"}),
}
# docs.getdbt.com/reference/dbt_project.yml, with dbt's defaults
_DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "model-paths": ("models",),
    "macro-paths": ("macros",),
    "snapshot-paths": ("snapshots",),
    "analysis-paths": ("analyses",),
    "test-paths": ("tests",),
    "seed-paths": ("seeds",),
    "docs-paths": (),
}
_TEXTS = frozenset({".sql", ".yml", ".yaml", ".md"})
_EDITED: Mapping[str, frozenset[str]] = {
    "model-paths": _TEXTS | {".py", ".csv"},
    "macro-paths": _TEXTS,
    "snapshot-paths": _TEXTS,
    "analysis-paths": _TEXTS,
    "test-paths": _TEXTS | {".csv"},
    "seed-paths": frozenset({".csv", ".yml", ".yaml", ".md"}),
    "docs-paths": frozenset({".md"}),
}
# Read by other tools; dbt does not see them.
_ALSO_EDITED = {"sources": _NEW["sources"], "contracts": _NEW["contracts"], "soda": _NEW["contracts"]}


@dataclass(frozen=True)
class Places:
    """The project's own folders, by what dbt calls them, such as `macro-paths`."""

    folders: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _DEFAULTS)

    @classmethod
    def read(cls, dbt_project: str) -> Places:
        """Those that a dbt_project.yml names; what can't be read leaves dbt's defaults."""
        try:
            document: Any = YAML(typ="safe", pure=True).load(dbt_project)
        except (YAMLError, ValueError, RecursionError):
            return cls()
        named = document if isinstance(document, dict) else {}
        return cls({key: _folders(named.get(key), default) for key, default in _DEFAULTS.items()})

    def why_not(self, path: PurePosixPath, *, is_edit: bool) -> str | None:
        """Why a machine may not write this file; None: it may. is_edit: the file is there already."""
        if len(path.parts) < 2 or any(part.startswith(".") for part in path.parts):
            return "machines write below models, sources, seeds, tests and contracts only"
        suffixes = _NEW.get(path.parts[0], frozenset[str]())
        if is_edit:
            suffixes |= frozenset().union(*(_EDITED[kind] for kind in self.kinds(path)))
            suffixes |= _ALSO_EDITED.get(path.parts[0], frozenset())
        if path.suffix not in suffixes:
            return f"machines write no {path.suffix or 'such'} files in {path.parts[0]}"
        return None

    def kinds(self, path: PurePosixPath) -> frozenset[str]:
        """What dbt reads the file as, such as `macro-paths`."""
        return frozenset(
            kind for kind, folders in self.folders.items() for folder in folders if path.is_relative_to(folder)
        )


def _folders(value: Any, default: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list):
        return default
    paths = [PurePosixPath(str(entry)) for entry in value]
    # The whole project, or what lies outside of it, is no folder of models.
    return tuple(str(p) for p in paths if p.parts and not p.is_absolute() and ".." not in p.parts)
