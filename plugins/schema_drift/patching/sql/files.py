"""The files of a project that are SQL, and what dbt makes of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from plugins.core.sql.template import Template
from plugins.schema_drift.patching.project import PatchedProject

_FOLDERS = {"target", "dbt_packages", "dbt_modules", "logs", ".venv", "node_modules"}


@dataclass(frozen=True)
class SqlFiles:
    """All `.sql` files of the project itself, and the nodes that are made of them."""

    project: PatchedProject

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Their paths, in order."""
        return tuple(sorted(path for path in self.project.paths if _is_own(path, ".sql")))

    @cached_property
    def python_paths(self) -> tuple[str, ...]:
        """Paths of Python models, in order."""
        python = {n["original_file_path"] for n in self.nodes.values() if n.get("language") == "python"}
        return tuple(sorted(path for path in self.project.paths if path in python))

    @cached_property
    def nodes(self) -> Mapping[str, Mapping[str, Any]]:
        """Nodes of the project's own package by id: models, snapshots, tests, analyses, hooks."""
        manifest = self.project.manifest
        name = manifest.project_name
        return {key: node for key, node in manifest.document["nodes"].items() if node.get("package_name") == name}

    @cached_property
    def by_path(self) -> dict[str, list[str]]:
        """Ids of the nodes that a file makes."""
        found: dict[str, list[str]] = {}
        for key, node in self.nodes.items():
            if node.get("resource_type") != "test" or "test_metadata" not in node:
                found.setdefault(node.get("original_file_path", ""), []).append(key)
        return found

    def readers(self, table: str) -> list[str]:
        """Nodes that dbt knows to read a node directly."""
        return [key for key, node in self.nodes.items() if table in _parents(node)]

    def template(self, path: str) -> Template:
        """The Jinja of a file of the commit."""
        if path not in self._templates:
            self._templates[path] = Template(self.project.read(path))
        return self._templates[path]

    @cached_property
    def _templates(self) -> dict[str, Template]:
        return {}

    def called(self, table: str) -> list[str]:
        """Paths of files that may name a node by `source()` or `ref()`, in order."""
        names = table.split(".")
        return sorted(self.with_words(names[2:4] if table.startswith("source.") else names[-1:]))

    def naming(self, table: str, relation: tuple[str, str]) -> Iterator[tuple[str, Template]]:
        """Files whose text may name a node: by `source()` or `ref()`, or by its name in the warehouse."""
        written = self.with_words(relation)
        for path in sorted({*self.called(table), *written}):
            yield path, self.template(path)

    @cached_property
    def _by_word(self) -> dict[str, set[str]]:
        """Paths by each word of their texts, in lower case."""
        found: dict[str, set[str]] = {}
        for path in self.paths:
            for word in set(re.findall(r"\w+", self.project.read(path).lower())):
                found.setdefault(word, set()).add(path)
        return found

    def with_words(self, names: Iterable[str]) -> set[str]:
        """Paths of texts that hold every word of some names."""
        words = {word for name in names for word in re.findall(r"\w+", name.lower())}
        found = [self._by_word.get(word, set()) for word in words]
        return set.intersection(*found) if found else set()

    def macros(self, node: str) -> tuple[str, ...]:
        """Ids of all macros that a node calls, however deep."""
        macros = self.project.manifest.document.get("macros", {})
        entry = self.nodes.get(node, {})
        found: dict[str, None] = {}
        queue = list((entry.get("depends_on") or {}).get("macros", ()))
        while queue:
            macro = queue.pop()
            # What dbt itself brings calls itself only.
            if macro in found or macro.startswith("macro.dbt") or macro not in macros:
                continue
            found[macro] = None
            queue += (macros[macro].get("depends_on") or {}).get("macros", ())
        return tuple(found)


def _parents(node: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple((node.get("depends_on") or {}).get("nodes", ()))


def _is_own(path: str, suffix: str) -> bool:
    return path.endswith(suffix) and not _FOLDERS.intersection(PurePosixPath(path).parts)
