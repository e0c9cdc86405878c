"""dbt in process. Ten times faster than its command line, but one invocation at a time (dbt keeps globals)."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugins.core.errors import SmeltError
from plugins.core.project.plain import PlainRest, PlainTarget, plain_target

if TYPE_CHECKING:
    import duckdb
    from dbt.contracts.graph.manifest import Manifest

_one_at_a_time = threading.RLock()
_BROKEN = {"error", "fail", "runtime error"}


@dataclass(frozen=True)
class Node:
    """What became of one node. `failures` counts a test's failing rows; `sql` is what was compiled."""

    unique_id: str
    resource_type: str
    name: str
    status: str
    seconds: float
    rows_affected: int | None
    message: str
    failures: int | None
    sql: str | None
    path: str

    @property
    def is_broken(self) -> bool:
        """Whether it failed by itself (a skipped node did not)."""
        return self.status in _BROKEN


@dataclass(frozen=True)
class Built:
    """The outcome of one dbt invocation."""

    nodes: tuple[Node, ...]
    seconds: float

    @property
    def broken(self) -> tuple[Node, ...]:
        """Nodes that failed by themselves."""
        return tuple(node for node in self.nodes if node.is_broken)

    @property
    def warned(self) -> tuple[Node, ...]:
        """Tests of severity `warn` that found rows."""
        return tuple(node for node in self.nodes if node.status == "warn")

    def count(self, *resource_types: str) -> int:
        """How many nodes of these types ran."""
        return sum(node.resource_type in resource_types for node in self.nodes)


@dataclass(frozen=True)
class Project:
    """A dbt project and the target to build it in.

    profiles_dir: where profiles.yml is; default: where dbt would look (DBT_PROFILES_DIR, the project, ~/.dbt).
    target_path: where dbt writes artifacts, below the project's folder unless absolute.
    environment: variables that are set while dbt runs.
    writes_artifacts: whether builds leave manifest.json and run_results.json; large ones take seconds.
    """

    folder: Path
    target: str | None = None
    profiles_dir: Path | None = None
    target_path: Path = Path("target")
    environment: Mapping[str, str] = field(default_factory=dict)
    writes_artifacts: bool = True

    @property
    def artifacts(self) -> Path:
        """The folder of manifest.json and run_results.json, absolute."""
        return self.folder / self.target_path

    @cached_property
    def manifest(self) -> Manifest:
        """The parsed project; raises SmeltError that carries dbt's own explanation."""
        parse = ["parse", "--no-write-json"]
        try:
            return self._invoke(parse).result
        except SmeltError:
            if not (self.artifacts / "partial_parse.msgpack").is_file():
                raise
            # What dbt keeps of the last parse may speak of metrics that are gone since.
            return self._invoke([*parse, "--no-partial-parse"]).result

    @property
    def _uncompiled(self) -> Manifest:
        """The parsed project, as no command has used it: dbt compiles in it, and ephemeral models only once."""
        for node in self.manifest.nodes.values():
            if getattr(node, "extra_ctes_injected", False):
                node.extra_ctes_injected, node.extra_ctes = False, []  # pyright: ignore[reportAttributeAccessIssue]
        return self.manifest

    @property
    def profiles(self) -> Path:
        """The folder of profiles.yml."""
        if self.profiles_dir is not None:
            return self.profiles_dir
        named = os.environ.get("DBT_PROFILES_DIR")
        if named:
            return Path(named)
        return self.folder if (self.folder / "profiles.yml").is_file() else Path.home() / ".dbt"

    @property
    def profile_name(self) -> str:
        """The profile in profiles.yml that the project names."""
        return self._plain.profile if self._plain else self._profile.profile_name

    @property
    def threads(self) -> int:
        """How many nodes dbt builds at a time."""
        return self._plain.threads if self._plain else self._profile.threads

    @property
    def adapter(self) -> str:
        """The type of the target's adapter, such as `duckdb`."""
        if self._plain_target is not None:
            return "duckdb"
        return self._profile.credentials.type

    @property
    def credentials(self) -> dict[str, Any]:
        """The target's settings as dbt sees them, each under one name; may hold secrets."""
        if self._plain_target and self._plain:
            plain = self._plain
            return {"path": self._plain_target.path, "database": plain.database, "schema": plain.schema}
        credentials = self._profile.credentials
        return {key: value for key, value in credentials.to_dict().items() if key not in credentials._ALIASES}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values of the target's settings that dbt itself does not show, such as passwords."""
        credentials = self._profile.credentials
        shown = {*credentials._connection_keys(), "type"}
        return tuple(text for k, v in self.credentials.items() if k not in shown for text in _texts(v))

    @property
    def warehouse(self) -> Path:
        """The DuckDB file of the target, absolute; raises SmeltError if the profile cannot be read."""
        plain = self._plain_target
        path = plain.path if plain else getattr(self._profile.credentials, "path", "warehouse.duckdb")
        return (self.folder / path).resolve()

    @property
    def target_name(self) -> str:
        """The target: the one asked for, or the profile's default."""
        return self._plain.target if self._plain else self._profile.target_name

    @property
    def _environment(self) -> dict[str, str]:
        """What is set while dbt runs."""
        own = {"SMELT_PROJECT_DIR": str(self.folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"}
        return {**self.environment, **own}

    @cached_property
    def _plain_target(self) -> PlainTarget | None:
        environment = {**os.environ, **self._environment}
        return plain_target(self.folder, self.folder / self.profiles, self.target, environment)

    @property
    def _plain(self) -> PlainRest | None:
        """All that there is of the target, if that can be read without dbt."""
        return self._plain_target.rest if self._plain_target is not None else None

    @cached_property
    def _profile(self) -> Any:
        from dbt.config.runtime import load_profile
        from dbt.flags import set_from_args
        from dbt_common.context import set_invocation_context
        from dbt_common.exceptions import DbtBaseException

        with self._inside():
            try:
                # dbt reads flags and the environment from globals, which every invocation sets anew.
                set_from_args(Namespace(PROFILES_DIR=str(self.profiles), PROFILE=None), {})
                set_invocation_context(dict(os.environ))
                return load_profile(str(self.folder), {}, None, self.target)
            except DbtBaseException as error:
                raise SmeltError(
                    f"profiles.yml in {self.profiles} cannot be used: {error}",
                    "correct it, or give --profiles-dir or DBT_PROFILES_DIR",
                ) from error

    def build(
        self,
        *,
        select: Sequence[str] = (),
        exclude: Sequence[str] = (),
        full_refresh: bool = False,
        without: Sequence[str] = (),
        defer_to: Path | None = None,
        on_node: Callable[[str, str], None] | None = None,
    ) -> Built:
        """`dbt build` of what is selected. A failing node is in the result; raises SmeltError if dbt cannot run.

        Tests run whose parents are all selected, or built before what is selected. A selection that matches
        nothing succeeds with no nodes: callers look at the counts. without: resource types to leave out.
        defer_to: the folder of a manifest; what is not built here is read where that manifest says.
        on_node(name, status) is called as nodes finish.
        """
        arguments = ["build", "--indirect-selection", "buildable"]
        if select:
            arguments += ["--select", *select]
        if exclude:
            arguments += ["--exclude", *exclude]
        if full_refresh:
            arguments.append("--full-refresh")
        for resource_type in without:
            arguments += ["--exclude-resource-type", resource_type]
        arguments += _deferring(defer_to)
        outcome = self._invoke(arguments, manifest=self._uncompiled, on_node=on_node)
        nodes = tuple(_node(result) for result in outcome.result.results)
        return Built(nodes, outcome.result.elapsed_time)

    def test(self, *, select: Sequence[str], without: Sequence[str] = (), defer_to: Path | None = None) -> Built:
        """`dbt test` of all data and unit tests of what is selected, whatever else they read.

        without: resource types to leave out.
        """
        arguments = ["test", "--indirect-selection", "eager", "--select", *select, *_deferring(defer_to)]
        for resource_type in without:
            arguments += ["--exclude-resource-type", resource_type]
        outcome = self._invoke(arguments, manifest=self._uncompiled)
        return Built(tuple(_node(result) for result in outcome.result.results), outcome.result.elapsed_time)

    def compile(self, select: Sequence[str] = (), without: Sequence[str] = ()) -> tuple[Node, ...]:
        """`dbt compile` of all, or of what is selected; writes manifest.json with compiled SQL.

        A model that fails is in the result. without: resource types to leave out.

        Raises SmeltError if dbt cannot run at all.
        """
        arguments = ["compile"] + (["--select", *select] if select else [])
        if without:
            arguments += ["--exclude", *(f"resource_type:{resource_type}" for resource_type in without)]
        outcome = self._invoke(arguments, manifest=self._uncompiled)
        return tuple(_node(result) for result in outcome.result.results)

    def write_manifest(self) -> Path:
        """Write manifest.json as it is now, and return its path; dbt's own writer takes several times as long."""
        from dbt.utils import JSONEncoder

        document = self.manifest.writable_manifest().to_dict(omit_none=False, context={"artifact": True})
        path = self.artifacts / "manifest.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, cls=JSONEncoder))
        return path

    def generate_docs(self) -> Path:
        """Write dbt's docs as one static page and return its path; needs the warehouse for itself."""
        self._invoke(["docs", "generate", "--static"])
        return self.artifacts / "static_index.html"

    @contextlib.contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor on the warehouse that dbt holds open in this process; only after a `build`."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        connection = DuckDBConnectionManager.env().conn  # pyright: ignore[reportAttributeAccessIssue]
        cursor = connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def on_profile(self, profiles_dir: Path) -> Project:
        """The same parsed project, on another profile of the same adapter."""
        other = replace(self, profiles_dir=profiles_dir)
        # What cached_property would find.
        vars(other)["manifest"] = self.manifest
        return other

    def release(self) -> None:
        """Close the warehouse, so that another process may open it."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        with _one_at_a_time:
            if DuckDBConnectionManager._ENV is not None:
                DuckDBConnectionManager._ENV.close()
            DuckDBConnectionManager.close_all_connections()

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        """Hold dbt, in the project's folder (profiles name relative paths), with the project's variables set."""
        if not (self.folder / "dbt_project.yml").is_file():
            raise SmeltError(
                f"there is no dbt_project.yml in {self.folder}", "run smelt in a dbt project's folder"
            )
        environment = self._environment
        with _one_at_a_time:
            before, kept = Path.cwd(), {name: os.environ.get(name) for name in environment}
            os.chdir(self.folder)
            os.environ.update(environment)
            try:
                yield
            finally:
                os.chdir(before)
                for name, value in kept.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value

    def _invoke(self, arguments: list[str], manifest: Manifest | None = None, on_node: Any = None) -> Any:
        from dbt.cli.main import dbtRunner

        common = ["--project-dir", str(self.folder), "--profiles-dir", str(self.profiles)]
        common += ["--target-path", str(self.target_path), "--log-path", "logs", "--log-level", "none"]
        common += ["--log-level-file", "info", "--no-use-colors", "--no-use-colors-file", "--no-version-check"]
        if self.target:
            common += ["--target", self.target]
        if not self.writes_artifacts:
            common.append("--no-write-json")
        callbacks = [_listener(on_node)] if on_node else []
        # dbt writes how it was called into its artifacts: what our own command was given may be a secret.
        with self._inside(), _called_as(["dbt", *arguments]):
            outcome = dbtRunner(manifest=manifest, callbacks=callbacks).invoke([*arguments, *common])
        if outcome.result is None or outcome.exception:
            raise SmeltError(*_explain(outcome.exception, self.folder))
        return outcome


@contextlib.contextmanager
def _called_as(command: list[str]) -> Iterator[None]:
    given, sys.argv = sys.argv, command
    try:
        yield
    finally:
        sys.argv = given


def _undecodable(folder: Path) -> Path | None:
    """The first file of the project whose name or text is not UTF-8, which dbt does not tell."""
    read_by_dbt = (".sql", ".yml", ".yaml", ".md", ".csv", ".py")
    for path in sorted(path for path in folder.rglob("*") if path.suffix in read_by_dbt):
        try:
            str(path).encode()
            path.read_text(encoding="utf-8")
        except UnicodeError:
            return path
        except OSError:
            continue
    return None


def _texts(value: Any) -> list[str]:
    """The texts in a setting, which may be a mapping, as a key file of Google's is."""
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in _texts(inner)]
    return [value] if isinstance(value, str) and value else []


def _deferring(state: Path | None) -> list[str]:
    return [] if state is None else ["--defer", "--state", str(state)]


def _listener(on_node: Callable[[str, str], None]) -> Callable[[Any], None]:
    def listen(event: Any) -> None:
        if event.info.name == "NodeFinished":
            info = event.data.node_info
            on_node(info.node_name, info.node_status)

    return listen


def _node(result: Any) -> Node:
    response = result.adapter_response or {}
    rows = response.get("rows_affected")
    return Node(
        unique_id=result.node.unique_id,
        resource_type=str(result.node.resource_type),
        name=result.node.name,
        status=str(result.status),
        seconds=result.execution_time,
        rows_affected=int(rows) if rows is not None and int(rows) >= 0 else None,
        message=result.message or "",
        failures=result.failures,
        sql=getattr(result.node, "compiled_code", None),
        path=result.node.original_file_path,
    )


def _explain(error: BaseException | None, folder: Path) -> tuple[str, str]:
    text = str(error).strip() if error else "dbt stopped without saying why"
    if isinstance(error, UnicodeError) and (path := _undecodable(folder)) is not None:
        name = str(path.relative_to(folder)).encode(errors="backslashreplace").decode()
        return f"{name} is not UTF-8: {text}", "write its name and its text in UTF-8"
    if "lock on file" in text or "Conflicting lock" in text:
        return f"the warehouse is in use by another process: {text}", "wait until that build ends, or stop it"
    if "Could not find profile" in text or "profiles.yml" in text:
        return f"dbt finds no connection: {text}", "give --profiles-dir, or set DBT_PROFILES_DIR"
    if "deps" in text and "package" in text:
        return f"dbt cannot run: {text}", "run `dbt deps` in the project"
    return f"dbt cannot run: {text}", f"dbt's log with the details is {folder / 'logs' / 'dbt.log'}"
