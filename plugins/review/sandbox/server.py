"""Both sides of a review of a project that builds in a database server: in scratch schemas, with dbt's `--defer`.

What was built is copied out of the scratch schemas, large tables in part, and compared in DuckDB as all else.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from plugins.core.errors import SmeltError
from plugins.core.project import Manifest
from plugins.core.settings import remember
from plugins.review.keys import find_key
from plugins.review.sandbox.plan import BuildPlan
from plugins.review.sandbox.profile import write_server_profile
from plugins.review.sandbox.session import BuiltSide, Compiled, Copied, Sandbox, Side

_PREFIX = "smelt_review"
# database, schema of the project, and the scratch schema that stands for it
Schemas = list[tuple[str | None, str, str]]


@dataclass
class ServerSandbox(Sandbox):
    """Builds in scratch schemas of the target's server, and drops them.

    token: part of the schemas' names, of this review alone. compiled: what was compiled last, by side.
    """

    token: str = field(default_factory=lambda: secrets.token_hex(4))
    compiled: dict[str, Compiled] = field(default_factory=dict)

    tasks = "server_tasks"
    needs_network = True
    is_closed = False
    # A build gives the nodes of the parsed project scratch schemas.
    keeps_processes = False

    def compile(self, changed: Sequence[str], *sides: Side) -> list[Compiled]:
        """As for DuckDB; what production has is asked of the server."""
        compiled = super().compile(changed, *sides)
        self.compiled = {side.side.name: side for side in compiled}
        return compiled

    def build(self, plans: Mapping[str, BuildPlan], *sides: Side) -> dict[str, BuiltSide]:
        """Build both sides in the server, and copy what is compared. The scratch schemas are gone afterwards."""
        if not any(plan.select or plan.tests for plan in plans.values()):
            return super().build(plans, *sides)
        with self._registered([schema for side in sides for schema in self._schemas(side)], sides[0]):
            built = super().build(plans, *sides)
            parts = _parts([side.rows for side in built.values()], self.settings.sample_rows)
            copied = self._on_all(sides, lambda side: self._copy(side, built[side.name], parts))
        return {side.name: result for side, result in zip(sides, copied, strict=True)}

    def clean_up(self, side: Side) -> None:
        """Drop what crashed reviews of this project have left in the server: a living one holds its lock."""
        for path in sorted(self.state.glob(f"{_PREFIX}_*.json")):
            with suppress(Timeout), FileLock(path.with_suffix(".lock"), timeout=0):
                if path.is_file():
                    self._drop(path, side)

    def _write_profile(self, folder: Path, project_dir: Path) -> Path:
        for secret in self.origin.secrets:
            remember(secret)
        write_server_profile(self.origin, folder / "scratch", schema=f"{_PREFIX}_{self.token}_{folder.name}")
        return write_server_profile(self.origin, folder)

    def _build_arguments(self, side: Side, plan: BuildPlan) -> dict[str, Any]:
        return {
            "scratch_profiles": str(side.folder / "scratch"),
            "state": str(side.project.target_path),
            "schemas": self._schemas(side),
            "input_rows": self.settings.input_rows,
            "select": list(plan.select),
            "tests": list(plan.tests),
            "reads": list(plan.reads),
        }

    def _schemas(self, side: Side) -> Schemas:
        """A scratch schema for each schema that the project names; the first is for what hooks write."""
        manifest = self.compiled[side.name].loaded.manifest
        name = f"{_PREFIX}_{self.token}_{side.name}"
        places = {(node.get("database"), node["schema"]) for node in manifest.document["nodes"].values()}
        places |= {(source.get("database"), source["schema"]) for source in manifest.document["sources"].values()}
        databases = sorted({database or "" for database, _ in places})
        schemas: Schemas = [(database or None, name, name) for database in databases]
        ordered = sorted(places, key=lambda place: (place[0] or "", place[1]))
        return schemas + [(database, schema, f"{name}_{n}") for n, (database, schema) in enumerate(ordered)]

    def _copy(self, side: Side, built: BuiltSide, parts: Mapping[str, int]) -> BuiltSide:
        manifest = self.compiled[side.name].loaded.manifest
        scratch = {(database, schema): name for database, schema, name in self._schemas(side)}
        copies = [self._copy_of(side, manifest, scratch, node, parts[node]) for node in built.rows]
        if not copies:
            return built
        arguments = {"warehouse": str(side.warehouse), "dialect": manifest.dialect, "copies": copies}
        try:
            result = self._run("copying:copy_side", side, arguments)
        except SmeltError as error:
            return replace(built, error=f"what was built could not be read: {error.message}")
        copied = {
            node: Copied(built.rows[node], parts[node], found.get("types", {}), found.get("error"))
            for node, found in result["copied"].items()
        }
        return replace(built, copied=copied)

    def _copy_of(
        self, side: Side, manifest: Manifest, scratch: Mapping[tuple[Any, str], str], node: str, one_in: int
    ) -> dict[str, Any]:
        entry = manifest.document["nodes"][node]
        columns = self.compiled[side.name].loaded.graph.nodes[node].columns
        return {
            "id": node,
            "database": entry.get("database"),
            "schema": scratch[entry.get("database"), entry["schema"]],
            "identifier": entry.get("alias") or entry["name"],
            "kept_as": [entry["schema"], entry.get("alias") or entry["name"]],
            "key": list(find_key(manifest, node, columns)),
            "one_in": one_in,
        }

    @contextmanager
    def _registered(self, schemas: Schemas, side: Side) -> Iterator[None]:
        """Note what will be created before it is, so that a crash leaves nothing that nobody knows of."""
        path = self.state / f"{_PREFIX}_{self.token}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            path.write_text(json.dumps([[database, name] for database, _, name in schemas]))
            try:
                yield
            finally:
                self._drop(path, side)

    def _drop(self, path: Path, side: Side) -> None:
        self._run(f"{self.tasks}:drop_schemas", side, {"drop": json.loads(path.read_text())})
        path.unlink()
        path.with_suffix(".lock").unlink(missing_ok=True)


def _parts(sides: Sequence[Mapping[str, int]], enough: int) -> dict[str, int]:
    """Of how many rows of each node one is copied: the same on both sides, for the larger of them."""
    nodes = {node for rows in sides for node in rows}
    largest = {node: max(rows.get(node, 0) for rows in sides) for node in nodes}
    return {node: max(1, -(-rows // enough)) for node, rows in largest.items()}
