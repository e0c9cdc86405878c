"""Both sides of a review, from two commits to two built databases."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from plugins.core.errors import SmeltError
from plugins.core.lineage import Columns, LineageCache, ProjectLineage
from plugins.core.project import Manifest, Project
from plugins.core.settings import mask
from plugins.core.settings.policies import ReviewSettings
from plugins.lineage import Loaded
from plugins.review.sandbox.confine import ConfinedProcess, ConfinementLimits, ForkServer
from plugins.review.sandbox.inputs import ChangedSources, SideInputs
from plugins.review.sandbox.parsing import can_go_on
from plugins.review.sandbox.plan import BuildPlan
from plugins.review.sandbox.production import Production
from plugins.review.sandbox.profile import SCRATCH, write_profile
from plugins.review.sandbox.workspace import Workspace

T = TypeVar("T")

PARTIAL_PARSE = "partial_parse.msgpack"
# Of which commit that is.
_PARSED = "partial_parse.txt"


@dataclass(frozen=True)
class Side:
    """One commit in the sandbox. `project` lives in its worktree; `warehouse` is its scratch database."""

    name: str
    commit: str
    project: Project
    folder: Path
    warehouse: Path


@dataclass(frozen=True)
class Compiled:
    """A compiled side; `failed`: models that did not compile, with dbt's reason."""

    side: Side
    loaded: Loaded
    failed: Mapping[str, str]


@dataclass(frozen=True)
class Copied:
    """A table that was copied out of a server: all its rows, or one in `one_in` by the hash of its key.

    types: the server's own, by column. error: why it could not be read.
    """

    rows: int
    one_in: int = 1
    types: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class BuiltSide:
    """What dbt said of each node that was built or tested.

    contracts: outcomes of a Smelt project's Soda contracts. again: what a second run of incremental models
    did. rows, copied: of what was built in a server.
    """

    plan: BuildPlan
    nodes: tuple[Mapping[str, Any], ...] = ()
    seconds: float = 0.0
    error: str | None = None
    contracts: tuple[Mapping[str, Any], ...] = ()
    again: tuple[Mapping[str, Any], ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    copied: Mapping[str, Copied] = field(default_factory=dict)


@dataclass(frozen=True)
class Later:
    """What production will have once the change is merged.

    continued: for each incremental model and snapshot, how its table differs from one that is built anew. failed:
    reasons by node. tests: what dbt said of data tests there. built: ids of what was built. accounts: rows of the
    model that accounts for rows, `accounting`; None: it could not be built.
    """

    continued: tuple[Mapping[str, Any], ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    tests: tuple[Mapping[str, Any], ...] = ()
    built: frozenset[str] = frozenset()
    accounts: tuple[tuple[Any, ...], ...] | None = ()
    accounting: str | None = None
    error: str | None = None


@dataclass
class Sandbox:
    """Compiles and builds sides in confined processes, each in a DuckDB file of its own.

    origin: the user's project. production: what the build reads; of a server its tables are known once a side is
    compiled. state: where what the next review can use again is kept. server: what confined processes are forked
    from. sources: those that are not the same on both sides. processes: of the sides, by their folders.
    """

    origin: Project
    workspace: Workspace
    production: Production
    settings: ReviewSettings
    state: Path
    server: ForkServer
    environment: Mapping[str, str] = field(default_factory=dict)
    sources: ChangedSources | None = None
    processes: dict[Path, ConfinedProcess] = field(default_factory=dict)

    tasks: ClassVar[str] = "tasks"
    needs_network: ClassVar[bool] = False
    # Whatever SQL does inside, nothing outside changes.
    is_closed: ClassVar[bool] = True
    # What a task leaves of the parsed project is what the next one would parse.
    keeps_processes: ClassVar[bool] = True

    def prepare(self, name: str, commit: str) -> Side:
        """Check a commit out, with the packages that the user has installed; raises SmeltError."""
        worktree = self.workspace.check_out(name, commit)
        folder = self.workspace.folder / name
        project_dir = worktree / self.workspace.repository.prefix(self.origin.folder)
        if not (project_dir / "dbt_project.yml").is_file():
            raise SmeltError(
                f"there is no dbt_project.yml in {self.origin.folder.name} at {name} ({commit[:10]})",
                "review against a base that has the project",
            )
        _copy_packages(self.origin.folder, project_dir)
        profiles = self._write_profile(folder, project_dir)
        note = self.state / _PARSED
        parsed = note.read_text().partition(" ")[0] if note.is_file() else ""
        if parsed == commit or (parsed and can_go_on(self.workspace.repository, parsed, commit)):
            _copy(self.state / PARTIAL_PARSE, folder / "target" / PARTIAL_PARSE)
        project = replace(
            self.origin,
            folder=project_dir,
            profiles_dir=profiles,
            target=self.origin.target_name,
            target_path=folder / "target",
        )
        return Side(name, commit, project, folder, project_dir / SCRATCH)

    def has_parsed(self, commit: str) -> bool:
        """Whether the parse that is kept is of this commit and target."""
        note = self.state / _PARSED
        return (self.state / PARTIAL_PARSE).is_file() and note.is_file() and note.read_text() == self._of(commit)

    def parse(self, side: Side) -> None:
        """Have dbt parse a side, and keep the parse for those that are prepared after it. Raises SmeltError."""
        with self._start(side) as process:
            process.run(f"{__package__}.tasks:parse_side", self._told(side))
        self._keep_parse(side)

    def _keep_parse(self, side: Side) -> None:
        note = self.state / _PARSED
        self.state.mkdir(parents=True, exist_ok=True)
        note.unlink(missing_ok=True)
        _copy(side.folder / "target" / PARTIAL_PARSE, self.state / PARTIAL_PARSE)
        note.write_text(self._of(side.commit))

    def _of(self, commit: str) -> str:
        # dbt parses everything anew for another target, and for another version of itself.
        return f"{commit} {self.origin.target_name} {version('dbt-core')}"

    def compile(self, changed: Sequence[str], *sides: Side) -> list[Compiled]:
        """Compile what the changed files (relative to the project) can reach, on all sides at the same time.

        Raises SmeltError if a side does not compile at all.
        """
        arguments = {"changed": list(changed), "sources": sorted(self.sources.ids) if self.sources else []}
        results = self._on_all(sides, lambda side: self._compile(side, arguments))
        # dbt's parse of the base, which is what people have agreed on, saves the next review most of it.
        self._keep_parse(sides[0])
        self._learn(results)
        return [self._read(side, result) for side, result in zip(sides, results, strict=True)]

    def build(self, plans: Mapping[str, BuildPlan], *sides: Side) -> dict[str, BuiltSide]:
        """Build the sides, at the same time. A side that can't be built at all is a result too."""
        built = self._on_all(sides, lambda side: self._build(side, plans[side.name]))
        return {side.name: result for side, result in zip(sides, built, strict=True)}

    def build_later(
        self,
        base: Side,
        head: Side,
        plan: BuildPlan,
        nodes: Sequence[str],
        keys: Mapping[str, Sequence[str]],
        accounting: tuple[str, str, str] | None,
        is_tested: bool,
    ) -> Later:
        """Build head on what it will read once merged, and continue base's tables of `nodes` there.

        accounting: id, schema and name of the model that accounts for rows. keys: of `nodes`. is_tested: whether
        data tests are run there.
        """
        side = replace(head, name="later")
        arguments = {
            **self._build_arguments(side, plan),
            "base": str(base.warehouse),
            "continued": list(nodes),
            "is_tested": is_tested,
            "keys": {node: list(key) for node, key in keys.items()},
            "accounting": list(accounting[1:]) if accounting else None,
        }
        try:
            found = self._run("later:build_later", side, arguments)
        except SmeltError as error:
            return Later(error=error.message, accounting=accounting[0] if accounting else None)
        accounts = found["accounts"]
        return Later(
            tuple(found["continued"]),
            {node: mask(reason) for node, reason in found["failed"]},
            tuple({**one, "message": mask(one["message"])} for one in found["tests"]),
            frozenset(plan.select),
            None if accounts is None else tuple(map(tuple, accounts)),
            accounting[0] if accounting else None,
        )

    def clean_up(self, side: Side) -> None:
        """Forget what crashed reviews have left outside of their workspace: here there is nothing."""

    def _on_all(self, sides: Sequence[Side], work: Callable[[Side], T]) -> list[T]:
        """Work on all sides at the same time; what breaks off one, such as Ctrl-C, ends the others."""
        with ThreadPoolExecutor(len(sides)) as pool:
            try:
                return list(pool.map(work, sides))
            except BaseException:
                self.server.close()
                raise

    def _write_profile(self, folder: Path, project_dir: Path) -> Path:
        return write_profile(self.origin, folder, project_dir, self.production)

    def _learn(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Take from compiling what it found out about production."""
        found = {(schema, table): columns for result in results for schema, table, columns in result["tables"]}
        if found:
            self.production = replace(self.production, tables={**self.production.tables, **found})

    def _compile(self, side: Side, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._run(f"{self.tasks}:compile_side", side, arguments)
        except SmeltError as error:
            message = error.message.replace(f"{side.project.folder}{os.sep}", "")
            hint = error.hint
            if hint is None or str(side.folder) in hint:
                hint = f"`git switch --detach {side.commit[:10]}` and `dbt parse` show the rest"
            raise SmeltError(f"{side.name} ({side.commit[:10]}) cannot be compiled: {message}", hint) from error

    def _build(self, side: Side, plan: BuildPlan) -> BuiltSide:
        if not plan.select and not plan.tests:
            return BuiltSide(plan)
        try:
            result = self._run(f"{self.tasks}:build_side", side, self._build_arguments(side, plan))
        except SmeltError as error:
            return BuiltSide(plan, error=error.message)
        nodes = tuple({**node, "message": mask(node["message"])} for node in result["nodes"])
        return BuiltSide(
            plan,
            nodes,
            result["seconds"],
            contracts=tuple(result["contracts"]),
            again=tuple(result["again"]),
            rows=result["rows"],
        )

    def _build_arguments(self, side: Side, plan: BuildPlan) -> dict[str, Any]:
        return {
            "production": str(self.production.path) if self.production.path else None,
            "alias": self.production.alias,
            "extensions": list(self.production.extensions),
            "input_rows": self.settings.input_rows,
            "select": list(plan.select),
            "tests": list(plan.tests),
            "deferred": [list(pair) for pair in plan.deferred],
            "views": [list(pair) for pair in plan.views],
        }

    def _run(self, task: str, side: Side, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Do a task in the side's process; a process that died is replaced."""
        name, told = f"{__package__}.{task}", {**self._told(side), **arguments}
        if not self.keeps_processes:
            with self._start(side) as process:
                return process.run(name, told)
        process = self.processes.get(side.folder)
        if process is None or not process.is_alive:
            process = self.processes[side.folder] = self._start(side)
        return process.run(name, told)

    def _told(self, side: Side) -> dict[str, Any]:
        """What every task is told."""
        return {
            "project_dir": str(side.project.folder),
            "profiles_dir": str(side.project.profiles_dir),
            "target": side.project.target,
            "target_path": str(side.project.target_path),
            "environment": self._dbt_environment(side),
            "warehouse": str(side.warehouse),
            "inputs": self._inputs(side.name).told,
            "lays_tables": self.production.lake_root is not None,
        }

    def _start(self, side: Side) -> ConfinedProcess:
        # What is built later is built in the process of head.
        given = [folder for name in (side.name, "later") for folder in self._inputs(name).folders]
        readable = [self.workspace.folder, *self.production.readable, *given]
        if self.production.path is not None:
            readable.append(self.production.path)
        return self.server.start(
            adapter=self.origin.adapter,
            has_network=self.needs_network,
            limits=ConfinementLimits(self.settings.seconds, int(self.settings.memory_gb * 2**30)),
            readable=readable,
            writable=[side.folder],
            environment={**self.environment},
        )

    def _dbt_environment(self, side: Side) -> dict[str, str]:
        """A Smelt project reads production's bronze snapshots, and gets an empty ledger of its own."""
        if self.production.lake_root is None:
            return {}
        found = {
            "SMELT_LAKE__ROOT": self.production.lake_root,
            "SMELT_LEDGER__URL": f"sqlite:///{side.folder / 'ledger.db'}",
        }
        inputs = self._inputs(side.name)
        pinned = self.production.pins if inputs.pins is None else inputs.pins
        if pinned is not None:
            pins = side.folder / "pins.json"
            others = [pin for pin in pinned if (pin.namespace, pin.table) not in inputs.tables]
            pins.write_text(json.dumps([asdict(pin) for pin in others]))
            found["SMELT_PINS"] = str(pins)
        return found

    def _inputs(self, side: str) -> SideInputs:
        return self.sources.of(side) if self.sources is not None else SideInputs()

    def _read(self, side: Side, result: Mapping[str, Any]) -> Compiled:
        manifest = Manifest.read(Path(result["manifest"]))
        tables = (
            {**self.production.tables, **self._inputs(side.name).columns}
            if self.sources
            else self.production.tables
        )
        known: dict[str, Columns] = {}
        for resource in manifest.resources.values():
            if resource.relation is not None and resource.relation[1:] in tables:
                known[resource.id] = tables[resource.relation[1:]]
        cache = LineageCache(self.state / "lineage.db")
        try:
            lineage = ProjectLineage(manifest, known, cache)
            loaded = Loaded(side.project.folder, manifest, lineage.read(), known, lineage)
        finally:
            cache.close()
        return Compiled(side, loaded, {node: mask(reason) for node, reason in result["failed"].items()})


def _copy(origin: Path, destination: Path) -> None:
    """Copy a file that may not be there; a reader sees the old one or the new one."""
    if origin.is_file():
        destination.parent.mkdir(parents=True, exist_ok=True)
        temporary = destination.with_suffix(f".{os.getpid()}")
        shutil.copyfile(origin, temporary)
        os.replace(temporary, destination)


def _copy_packages(origin: Path, worktree: Path) -> None:
    """Installed packages are not in git; both sides get the user's.

    dbt installs a `local:` package as a link to its folder: each side gets the one that is checked out there.
    """
    installed, place = origin / "dbt_packages", worktree / "dbt_packages"
    if not installed.is_dir() or place.exists():
        return
    place.mkdir()
    for package in installed.iterdir():
        folder = package.resolve()
        own = worktree / folder.relative_to(origin.resolve()) if folder.is_relative_to(origin.resolve()) else None
        if package.is_symlink() and own is not None and own.is_dir():
            (place / package.name).symlink_to(own)
        elif folder.is_dir():
            shutil.copytree(folder, place / package.name, symlinks=True, ignore=shutil.ignore_patterns(".git"))
