"""Who uses a model's columns: models by column lineage, and metrics, exposures and tests by what they name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from plugins.core.lineage import ColumnGraph, LineageCache, ProjectLineage, known_columns
from plugins.core.project.resources import Manifest


@dataclass(frozen=True)
class Consumers:
    """Of one model. `of` lists those of columns, `of_rows` those of its rows, each with its kind before it."""

    manifest: Manifest
    model: str

    def of(self, columns: Collection[str]) -> list[str]:
        """Everything that names one of these columns, or that can't be read and may."""
        graph = self._graph
        direct = {
            edge.to_node: edge.from_column
            for edge in graph.edges
            if edge.from_node == self.model and edge.from_column in columns
        }
        found = [
            f"model {self._name(node)} ({column})" for node, column in sorted(direct.items()) if node != self.model
        ]
        unread = [
            node
            for node in graph.children.get(self.model, ())
            if node in graph.nodes and graph.nodes[node].may_use
        ]
        found += [
            f"model {self._name(node)} (its SQL can't be read)"
            for node in sorted(unread)
            if node in self.manifest.resources
        ]
        return list(dict.fromkeys([*found, *self._semantic(columns), *self._tests(columns), *self._exposures()]))

    def of_rows(self) -> list[str]:
        """Everything that reads the model."""
        below = self._graph.descendants([self.model])
        models = [f"model {self._name(node)}" for node in sorted(below) if node in self.manifest.resources]
        metrics = [f"metric {name}" for name in sorted(self._metrics(self._measures_of_model()))]
        return [*models, *metrics, *self._exposures()]

    @cached_property
    def _graph(self) -> ColumnGraph:
        known = known_columns(self.manifest)
        return ProjectLineage(self.manifest, known, LineageCache(None)).read()

    def _name(self, node: str) -> str:
        resource = self.manifest.resources.get(node)
        return resource.name if resource is not None else node

    def _semantic_models(self) -> Iterator[dict]:
        for one in self.manifest.of_type("semantic_model"):
            if self.model in (one.get("depends_on") or {}).get("nodes", ()):
                yield dict(one)

    def _semantic(self, columns: Collection[str]) -> Iterator[str]:
        """Parts of semantic models outside the model's own file are theirs to keep; all are listed."""
        for one in self._semantic_models():
            for section in ("entities", "dimensions", "measures"):
                for part in one.get(section) or ():
                    words = set(re.findall(r"\w+", str(part.get("expr") or part["name"]).lower()))
                    for column in sorted(words & set(columns)):
                        metrics = sorted(self._metrics({part["name"]})) if section == "measures" else []
                        named = f", metrics {', '.join(metrics)}" if metrics else ""
                        yield f"semantic model {one['name']} ({part['name']} is made from {column}{named})"

    def _measures_of_model(self) -> set[str]:
        return {part["name"] for one in self._semantic_models() for part in one.get("measures") or ()}

    def _metrics(self, measures: Collection[str]) -> set[str]:
        found = set()
        for metric in self.manifest.of_type("metric"):
            inputs = (metric.get("type_params") or {}).get("input_measures") or ()
            if {entry["name"] for entry in inputs} & set(measures):
                found.add(metric["name"])
        return found

    def _tests(self, columns: Collection[str]) -> Iterator[str]:
        """Tests of other models that compare with a column, and singular tests over the model."""
        for test in self.manifest.of_type("test"):
            nodes = (test.get("depends_on") or {}).get("nodes", ())
            if self.model not in nodes:
                continue
            metadata = test.get("test_metadata") or {}
            field = str((metadata.get("kwargs") or {}).get("field") or "").lower()
            if metadata and test.get("attached_node") != self.model and field in columns:
                yield f"test {test['name']} ({field})"
            elif not metadata:
                words = set(re.findall(r"\w+", str(test.get("raw_code") or "").lower()))
                for column in sorted(words & set(columns)):
                    yield f"test {test['name']} ({column})"

    def _exposures(self) -> Iterator[str]:
        """What is outside the warehouse, of which nobody knows the columns that it reads."""
        for exposure in self.manifest.of_type("exposure"):
            if self.model in (exposure.get("depends_on") or {}).get("nodes", ()):
                yield f"exposure {exposure.get('label') or exposure['name']}"
