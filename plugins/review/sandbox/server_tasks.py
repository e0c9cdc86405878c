"""What runs inside the sandbox's process for a project that builds in a database server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plugins.core.project import Project
from plugins.review.sandbox import tasks


def compile_side(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """As `tasks.compile_side`, and `tables`: [schema, table, {column: type}] of what production has."""
    compiled = tasks.compile_side(arguments)
    project = tasks.make_project(arguments)
    with connected(project) as adapter:
        tables = _catalog(project, adapter)
    return {**compiled, "tables": tables}


def build_side(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Build `select` in the scratch schemas, deferring to production for all else, and test it.

    scratch_profiles: the folder of a profile whose schema is a scratch schema. state: the folder of production's
    manifest. schemas: [database, schema, scratch schema]. reads: ids of what is taken from production.
    Returns node results, and how many rows each relation has that was built.
    """
    project = tasks.make_project(arguments)
    manifest = project.manifest
    scratch = project.on_profile(Path(arguments["scratch_profiles"]))
    _into_scratch(manifest, arguments)
    if arguments.get("input_rows"):
        with connected(project) as adapter:
            _cut_inputs(manifest, adapter, arguments)
    tasks.mark(project, [*arguments["select"], *arguments["tests"]])
    state = Path(arguments["state"])
    built = scratch.build(select=[tasks.MARKED], without=("test", "unit_test"), defer_to=state)
    tested = scratch.test(select=[tasks.MARKED], defer_to=state)
    rows: dict[str, int] = {}
    unreadable: dict[tuple[str, str], str] = {}
    with connected(project) as adapter:
        for node in built.nodes:
            if node.status == "success":
                _count(adapter, manifest.nodes[node.unique_id], rows, unreadable)
    return {**tasks.results(project, built, tested, unreadable), "rows": rows, "contracts": [], "again": []}


def drop_schemas(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Drop [database, schema] pairs with all that is in them; those that aren't there are no error."""
    project = tasks.make_project(arguments)
    with connected(project) as adapter:
        for database, schema in arguments["drop"]:
            adapter.drop_schema(adapter.Relation.create(database=database, schema=schema))
    return {}


@contextmanager
def connected(project: Project) -> Iterator[Any]:
    """The target's adapter, connected."""
    from dbt.adapters.factory import get_adapter_by_type

    # Parsing is what makes dbt's adapter, and gives it the macros that it asks the server with.
    assert project.manifest is not None
    adapter: Any = get_adapter_by_type(project.adapter)
    try:
        with adapter.connection_named("smelt"):
            yield adapter
    finally:
        adapter.cleanup_connections()


def _catalog(project: Project, adapter: Any) -> list[list[Any]]:
    manifest: Any = project.manifest
    built = [n for n in manifest.nodes.values() if n.is_relational and not n.is_ephemeral_model]
    nodes = [*built, *manifest.sources.values()]
    catalog, errors = adapter.get_catalog(nodes, manifest.get_used_schemas())
    if errors:
        raise errors[0]
    tables: dict[tuple[str, str], dict[str, str]] = {}
    names = ("table_schema", "table_name", "column_name", "column_type", "column_index")
    for row in sorted(({n: record[n] for n in names} for record in catalog.rows), key=lambda r: r["column_index"]):
        place = (row["table_schema"].lower(), row["table_name"].lower())
        tables.setdefault(place, {})[row["column_name"]] = row["column_type"]
    return [[*place, columns] for place, columns in tables.items()]


def _into_scratch(manifest: Any, arguments: Mapping[str, Any]) -> None:
    """Give every node a scratch schema, whatever the project's own rules for schemas say.

    Hooks at the start and the end of a run are left out: they write elsewhere, such as logs.
    """
    scratch = {(database, schema): name for database, schema, name in arguments["schemas"]}
    for node in manifest.nodes.values():
        node.schema = scratch[node.database, node.schema]
    for unique_id in [i for i, node in manifest.nodes.items() if node.resource_type == "operation"]:
        del manifest.nodes[unique_id]


def _cut_inputs(manifest: Any, adapter: Any, arguments: Mapping[str, Any]) -> None:
    """Lay views of so many rows over what is read of production: dbt defers only what is not in the scratch."""
    scratch = {(database, schema): name for database, schema, name in arguments["schemas"]}
    originals = {name: schema for _, schema, name in arguments["schemas"]}
    for unique_id in arguments["reads"]:
        node = manifest.nodes.get(unique_id) or manifest.sources[unique_id]
        if unique_id in manifest.sources:
            node.schema = scratch[node.database, node.schema]
        view = adapter.Relation.create(database=node.database, schema=node.schema, identifier=node.identifier)
        origin = view.incorporate(path={"schema": originals[node.schema]})
        adapter.create_schema(view)
        limit = int(arguments["input_rows"])
        adapter.execute(f"create view {view} as select * from {origin} limit {limit}", auto_begin=True)
        adapter.connections.commit_if_has_connection()


def _count(adapter: Any, node: Any, rows: dict[str, int], unreadable: dict[tuple[str, str], str]) -> None:
    relation = adapter.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)
    try:
        _, table = adapter.execute(f"select count(*) from {relation}", fetch=True)
        rows[node.unique_id] = int(table.rows[0][0])
    # A view is made without being read; adapters raise whatever their driver does when it can't be.
    except Exception as error:  # noqa: BLE001
        unreadable[(node.schema, node.alias)] = str(error).strip()
        adapter.connections.rollback_if_open()
