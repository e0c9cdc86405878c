"""A project's manifest and column graph, for any dbt project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plugins.core.errors import SmeltError
from plugins.core.lineage import ColumnGraph, Columns, LineageCache, Place, ProjectLineage, known_columns
from plugins.core.project import Manifest, Project, Resource
from plugins.core.project.compiled import OWN_TARGET, compiled_manifest


@dataclass(frozen=True)
class Loaded:
    """A project, read. `known`: columns with types by node id, as far as anything outside the SQL knows them."""

    folder: Path
    manifest: Manifest
    graph: ColumnGraph
    known: dict[str, Columns]
    lineage: ProjectLineage

    def find(self, name: str) -> tuple[Resource, str | None]:
        """What a person means by MODEL or MODEL.COLUMN; raises SmeltError with names like it."""
        try:
            return self._resource(name), None
        except SmeltError as error:
            model, _, column = name.rpartition(".")
            if not model:
                raise
            try:
                resource = self._resource(model)
            except SmeltError as other:
                # That a table may be one of several says more than that nothing has the whole name.
                raise (other if self._tables(model) else error) from None
            return resource, self._column(resource, column)

    def _resource(self, name: str) -> Resource:
        """What has this name; of a source, the table's own name is enough where no other has it."""
        try:
            return self.manifest.find(name)
        except SmeltError:
            tables = self._tables(name)
            if len(tables) == 1:
                return tables[0]
            if not tables:
                raise
        names = ", ".join(sorted(one.name for one in tables))
        raise SmeltError(f"{name!r} may mean {names}", "give the source too") from None

    def _tables(self, name: str) -> list[Resource]:
        resources = self.manifest.resources.values()
        sources = (one for one in resources if one.kind == "source")
        return [one for one in sources if one.name.lower().rpartition(".")[2] == name.lower()]

    def _column(self, resource: Resource, column: str) -> str:
        import difflib

        columns = self.graph.nodes[resource.id].columns
        if column.lower() in columns:
            return column.lower()
        near = difflib.get_close_matches(column.lower(), columns, n=3)
        raise SmeltError(
            f"{resource.name} has no column {column!r}",
            f"did you mean {', '.join(near)}?" if near else f"its columns: {', '.join(columns) or 'unknown'}",
        )

    def label(self, place: Place) -> str:
        """`model.column`, as people write it."""
        node, column = place
        resource = self.manifest.resources.get(node)
        written = self.graph.nodes[node].columns.get(column, column) if node in self.graph.nodes else column
        return f"{resource.name if resource else node}.{written}"


def load_lineage(project: Project | None, manifest_path: Path | None = None) -> Loaded:
    """Read a project, or only its manifest where there is no project; raises SmeltError.

    Models that were read before are taken from `target/smelt/lineage.db`.
    """
    if manifest_path is not None:
        manifest, folder = Manifest.read(manifest_path), manifest_path.resolve().parent
        known = known_columns(manifest, catalog=folder / "catalog.json")
        cache = LineageCache()
    else:
        assert project is not None
        manifest, folder = compiled_manifest(project), project.folder
        known = _known(project, manifest)
        cache = LineageCache(folder / OWN_TARGET / "lineage.db")
    lineage = ProjectLineage(manifest, known, cache)
    try:
        return Loaded(folder, manifest, lineage.read(), known, lineage)
    finally:
        cache.close()


def _known(project: Project, manifest: Manifest) -> dict[str, Columns]:
    known = known_columns(manifest, project.folder, project.artifacts / "catalog.json")
    leaves = {r.id for r in manifest.resources.values() if r.kind == "source"}
    # Finding the warehouse means loading dbt, which takes seconds: only where the catalog leaves a gap.
    if leaves - known.keys() and manifest.adapter == "duckdb":
        known = known_columns(manifest, project.folder, warehouse=project.warehouse) | known
    return known
