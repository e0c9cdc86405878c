"""OpenLineage's dbt processor, with datasets named as the rest of Smelt's events name them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import attr
from openlineage.client.facet_v2 import datasource_dataset
from openlineage.common.provider.dbt.local import DbtLocalArtifactProcessor
from openlineage.common.provider.dbt.processor import Adapter, ModelNode

from plugins.core.lineage import LineageCache, ProjectLineage, known_columns
from plugins.core.project import Manifest
from plugins.observability.column_lineage import ColumnFacets
from plugins.observability.ids import version_facet


def results_of(artifacts: Path, since: datetime) -> dict[str, Any] | None:
    """What dbt did from `since` (UTC) on, as one run_results.json; None if nothing.

    A build that was stopped leaves one file by layer, and an earlier one may have left some too.
    """
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in artifacts.glob("run_results*.json")]
    fresh = sorted((part for part in parts if _written(part) >= since), key=_written)
    if not fresh:
        return None
    return {**fresh[-1], "results": [result for part in fresh for result in part["results"]]}


def _written(results: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(results["metadata"]["generated_at"])


class Processor(DbtLocalArtifactProcessor):
    """Events of `results`; reads the project's artifacts and changes none of them.

    lake: namespace of the bronze tables, which dbt sees as views. snapshots: bronze table → snapshot id.
    cache: file of column lineage that was read before.
    """

    def __init__(
        self,
        results: dict[str, Any],
        lake: str,
        snapshots: Mapping[str, int | None],
        folder: Path,
        cache: Path,
        **options: Any,
    ) -> None:
        super().__init__(project_dir=str(folder), target=results["args"].get("target"), **options)
        self._cache = cache
        self._results, self._lake, self._snapshots, self._folder = results, lake, snapshots, folder
        # The base class reads the file only for where the profiles are, which the folder tells as well.
        self._profiles = Path(results["args"].get("profiles_dir") or folder) / "profiles.yml"

    def get_dbt_metadata(self) -> tuple[dict, dict, dict, dict | None]:
        """Manifest, results, profile and (if there is one) catalog."""
        manifest = self.load_metadata(self.manifest_path, list(range(2, 13)), self.logger)
        catalog = (
            self.load_metadata(self.catalog_path, [1], self.logger) if Path(self.catalog_path).is_file() else None
        )
        profile = self.load_yaml_with_jinja(str(self._profiles))[str(self.profile_name)]
        return manifest, self._results, profile["outputs"][self.target or profile["target"]], catalog

    def extract_namespace(self, profile: dict) -> str:
        """The warehouse; a DuckDB file by its absolute path, for two projects may call theirs the same."""
        if self.adapter_type == Adapter.DUCKDB:
            return f"duckdb://{(self._folder / profile['path']).resolve()}"
        return super().extract_namespace(profile)

    def extract_dataset_data(self, node: ModelNode, assertions: Any, has_facets: bool = False) -> Any:
        """Namespace, name and facets; a bronze source is the Iceberg table at the build's snapshot."""
        if node.type != "source":
            return super().extract_dataset_data(node, assertions, has_facets)
        # Two sources may both have a table `orders`: only the identifier tells them apart.
        table = node.metadata_node["identifier"]
        named = attr.evolve(node, metadata_node={**node.metadata_node, "name": table})
        namespace, name, facets, input_facets = super().extract_dataset_data(named, assertions, has_facets)
        if node.metadata_node["schema"] != "bronze":
            return namespace, name, facets, input_facets
        if has_facets:
            facets["dataSource"] = datasource_dataset.DatasourceDatasetFacet(name="lake", uri=self._lake)
            facets.update(version_facet(self._snapshots.get(table)))
        return self._lake, f"bronze.{table}", facets, input_facets

    def get_column_lineage(self, namespace: str, compiled_sql: str) -> None:
        """Nothing: the base class takes CTEs for datasets and loses the columns of `select *`."""

    def node_to_output_dataset(self, node: ModelNode, *arguments: Any, **options: Any) -> Any:
        """The dataset that a node makes, with the lineage of its columns."""
        dataset = super().node_to_output_dataset(node, *arguments, **options)
        lineage = self._columns.of(node.metadata_node["unique_id"])
        if lineage is not None:
            dataset.facets = {**(dataset.facets or {}), "columnLineage": lineage}
        return dataset

    @cached_property
    def _columns(self) -> ColumnFacets:
        manifest = Manifest(self.manifest)
        known = known_columns(manifest, self._folder, Path(self.catalog_path))
        cache = LineageCache(self._cache)
        try:
            return ColumnFacets(ProjectLineage(manifest, known, cache).read(), self._dataset_of)
        finally:
            cache.close()

    def _dataset_of(self, node: str) -> tuple[str, str] | None:
        entry = self.manifest["sources"].get(node)
        if entry is not None:
            namespace, name, _, _ = self.extract_dataset_data(ModelNode(type="source", metadata_node=entry), None)
            return namespace, name
        entry = self.manifest["nodes"].get(node)
        if entry is None or entry["config"].get("materialized") == "ephemeral":
            return None
        name = self._format_dataset_name(entry["database"], entry["schema"], entry["alias"])
        return self.dataset_namespace, name

    def tables(self) -> dict[str, tuple[str, str]]:
        """`schema.table` of every model → namespace and name of its dataset; after `parse`."""
        return {
            f"{node['schema']}.{node['alias']}": (
                self.dataset_namespace,
                self._format_dataset_name(node["database"], node["schema"], node["alias"]),
            )
            for node in self.manifest["nodes"].values()
            if node["resource_type"] == "model"
        }
