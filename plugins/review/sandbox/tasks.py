"""What runs inside the sandbox's process: compiling one side, and building what was selected of it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from plugins.core import duck
from plugins.core.project import Built, Node, Project
from plugins.review.sandbox import incremental
from plugins.review.sandbox.candidates import find_candidates
from plugins.review.sandbox.inputs import lay_inputs, take_in
from plugins.review.sandbox.soda import has_contracts, hold_to_contracts

# Views that were built are kept as tables under this schema: a view can't be read from another database.
KEPT_SCHEMA = "smelt_review"
_TAG = "smelt_review"
MARKED = f"tag:{_TAG}"
_TAGS = frozenset({_TAG, incremental.TAG})
TESTS = ("test", "unit_test")


def parse_side(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Parse the project; dbt leaves beside its other artifacts what the next parse can go on from."""
    make_project(arguments)
    return {}


def compile_side(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Compile what the `changed` files and the sources with inputs of their own concern, and everything below.

    inputs: [schema, name, SQL] of files that stand for sources on this side.

    Returns the manifest's path, models that did not compile with the reason, and no tables: a file's are known.
    """
    project = make_project(arguments)
    given = _lay_inputs(project, arguments)
    candidates = find_candidates(project.manifest, project.folder, arguments["changed"])
    if candidates is not None:
        candidates += _readers(project.manifest, {*given, *arguments.get("sources", ())})
    if candidates is not None:
        mark(project, candidates)
    # Tests are compiled when they run: nobody compares what they compile to.
    nodes = project.compile([] if candidates is None else [f"{MARKED}+"], without=TESTS)
    project.release()
    return {
        "manifest": str(project.write_manifest()),
        "failed": {node.unique_id: node.message for node in nodes if node.is_broken},
        "tables": [],
    }


def build_side(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Lay views on production for `deferred`, build `select`, test it, keep built views as tables, ask Soda,
    and run what is incremental a second time.

    Tests come last, so that what fails a test can still be compared. Returns node results; a test of
    something that was not built is `skipped`.

    deferred: [schema, name] pairs. select, tests: ids of nodes and tests. views: [schema, name] of models
    that are built as views.
    """
    project = make_project(arguments)
    lay_all(project, arguments)
    mark(project, [*arguments["select"], *arguments["tests"]])
    built = project.build(select=[MARKED], without=TESTS)
    tested = project.test(select=[MARKED])
    project.release()
    good = [project.manifest.nodes[node.unique_id] for node in built.nodes if node.status == "success"]
    places = {(node.schema, node.alias): node.unique_id for node in good}
    unreadable: dict[tuple[str, str], str] = {}
    contracts: list[dict[str, Any]] = []
    if arguments.get("views") or has_contracts(project.folder):
        with opened(arguments) as con:
            unreadable = _keep_views(con, arguments.get("views", ()))
            contracts = hold_to_contracts(con, project.folder, places)
    again = _build_again(project, arguments, [node for node in good if incremental.is_tried(node)])
    answer = results(project, built, tested, unreadable)
    return {**answer, "rows": {}, "contracts": contracts, "again": again}


def _build_again(project: Project, arguments: Mapping[str, Any], nodes: Sequence[Any]) -> list[dict[str, Any]]:
    if not nodes:
        return []
    with opened_alone(arguments) as con:
        incremental.keep_first(con, nodes)
    told = incremental.build_again(project, nodes)
    project.release()
    with opened_alone(arguments) as con:
        return incremental.compare_and_restore(con, nodes, told)


def mark(project: Project, nodes: Iterable[str]) -> None:
    """Tag nodes in the parsed project: dbt looks through all nodes once for each other kind of selector."""
    for node in nodes:
        project.manifest.nodes[node].tags.append(_TAG)


def make_project(arguments: Mapping[str, Any]) -> Project:
    """The side's project, as it was parsed: once in a process. Raises SmeltError if it can't be."""
    environment = {name: str(value) for name, value in arguments.get("environment", {}).items()}
    places = (arguments[name] for name in ("project_dir", "target", "profiles_dir", "target_path"))
    project, sources = _parsed(*places, tuple(environment.items()))
    manifest = project.manifest
    # Tasks before this one have tagged nodes, and may have put files in the place of sources.
    for node in manifest.nodes.values():
        node.tags[:] = [tag for tag in node.tags if tag not in _TAGS]
    manifest.sources.update(copy.deepcopy(sources))
    return project


@cache
def _parsed(
    folder: str, target: str, profiles: str, target_path: str, environment: tuple[tuple[str, str], ...]
) -> tuple[Project, dict[str, Any]]:
    """A project, and its sources as they were parsed."""
    project = Project(
        Path(folder), target, Path(profiles), Path(target_path), dict(environment), writes_artifacts=False
    )
    return project, copy.deepcopy(dict(project.manifest.sources))


def lay_all(project: Project, arguments: Mapping[str, Any]) -> None:
    """Lay everything that is read and not built: this side's own inputs, and production's tables."""
    _lay_inputs(project, arguments)
    _defer(Path(arguments["warehouse"]), arguments)


def _lay_inputs(project: Project, arguments: Mapping[str, Any]) -> list[str]:
    """Lay this side's own inputs, and return the sources that they are of."""
    tables = arguments.get("inputs") or []
    if not tables:
        return []
    given = list(take_in(project.manifest, tables))
    with duck.connect(Path(arguments["warehouse"]), ()) as con:
        lay_inputs(con, tables, as_tables=arguments["lays_tables"])
    return given


def _readers(manifest: Any, sources: set[str]) -> list[str]:
    return [node.unique_id for node in manifest.nodes.values() if not sources.isdisjoint(node.depends_on_nodes)]


def _defer(warehouse: Path, arguments: Mapping[str, Any]) -> None:
    deferred: Sequence[Sequence[str]] = arguments.get("deferred", ())
    limit = arguments.get("input_rows")
    if not deferred:
        return
    with duck.connect(warehouse, arguments["extensions"]) as con:
        production = _attach(con, arguments)
        for schema, name in deferred:
            relation = f"{duck.quote(schema)}.{duck.quote(name)}"
            con.execute(f"create schema if not exists {duck.quote(schema)}")
            cut = f" limit {int(limit)}" if limit else ""
            con.execute(f"create or replace view {relation} as select * from {production}.{relation}{cut}")


def _attach(con: duckdb.DuckDBPyConnection, arguments: Mapping[str, Any]) -> str:
    """Attach production, and return its name in SQL."""
    name = duck.quote(arguments["alias"])
    con.execute(f"attach {duck.literal(arguments['production'])} as {name} (read_only)")
    return name


@contextmanager
def opened(arguments: Mapping[str, Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    """What was built, with what its views read."""
    with opened_alone(arguments) as con:
        if arguments.get("production"):
            _attach(con, arguments)
        yield con


def opened_alone(arguments: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    """What was built, for who reads tables only: of a large production the catalog takes a while to read."""
    return duck.connect(Path(arguments["warehouse"]), arguments["extensions"])


def _keep_views(con: duckdb.DuckDBPyConnection, views: Sequence[Sequence[str]]) -> dict[tuple[str, str], str]:
    """Keep built views as tables; returns those that can't be read, with the reason."""
    unreadable: dict[tuple[str, str], str] = {}
    con.execute(f"create schema if not exists {KEPT_SCHEMA}")
    # Production, which is attached, has views of the same names.
    ours = "select schema_name, view_name from duckdb_views() where database_name = current_database()"
    present = set(con.execute(ours).fetchall())
    for schema, name in views:
        if (schema, name) not in present:
            continue
        kept = f"{KEPT_SCHEMA}.{duck.quote(f'{schema}.{name}')}"
        try:
            con.execute(f"create or replace table {kept} as from {duck.quote(schema)}.{duck.quote(name)}")
        except duckdb.Error as error:
            unreadable[(schema, name)] = str(error)
    return unreadable


def results(
    project: Project, built: Built, tested: Built, unreadable: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    """The answer of a build; `unreadable`: built views that can't be read, with the reason."""
    nodes = [_node(node) for node in built.nodes]
    for entry in nodes:
        # A view is made without being read; one that can't be is as broken as a table.
        node: Any = project.manifest.nodes[entry["id"]]
        if reason := unreadable.get((node.schema, node.alias)):
            entry.update(status="error", message=reason)
    missing = {entry["id"] for entry in nodes if entry["status"] != "success"}
    for test in tested.nodes:
        entry = _node(test)
        if not missing.isdisjoint(_parents(project, test.unique_id)):
            entry["status"] = "skipped"
        nodes.append(entry)
    return {"seconds": built.seconds + tested.seconds, "nodes": nodes}


def _parents(project: Project, test: str) -> list[str]:
    node: Any = project.manifest.nodes.get(test) or project.manifest.unit_tests[test]
    return list(node.depends_on.nodes)


def _node(node: Node) -> dict[str, Any]:
    return {
        "id": node.unique_id,
        "type": node.resource_type,
        "name": node.name,
        "status": node.status,
        "seconds": node.seconds,
        "message": node.message,
        "failures": node.failures,
        "path": node.path,
    }
