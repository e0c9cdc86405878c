"""What a source can be mapped to: the project's entities, with what they promise and a sample of what they
hold.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.project import Manifest, Project, Resource
from plugins.source_mapping.matching import SAMPLE_ROWS, Column, Table

if TYPE_CHECKING:
    import duckdb

    from plugins.core.settings import Settings

# Layers that are made of sources or of entities: nobody maps a source to them.
_STAGING = ("stg_", "base_", "src_", "raw_")
_BETWEEN = ("int_", "quarantine_", "_")
_OURS = "_smelt_"
_GOLD = ("dim_", "fct_", "fact_", "agg_", "rpt_", "mart_")


@dataclass(frozen=True)
class Entity:
    """A model that sources feed.

    table: its columns as they are matched, audit columns left out. types: by column, as declared or as they are.
    keys: columns that tell its rows apart. required: columns that hold no null. accepted: the values that a column
    may have. fed_by: sources whose rows reach it, as `source.table`. path: of its SQL. group: as declared.
    """

    name: str
    table: Table
    path: PurePosixPath
    types: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fed_by: tuple[str, ...] = ()
    group: str | None = None

    @property
    def domain(self) -> str:
        """The folder it is in."""
        return self.path.parent.name


def load_entities(project: Project, settings: Settings, manifest: Manifest, to: str | None) -> dict[str, Entity]:
    """The entities of a project by name. to: only those of a folder, of a group, or of a name.

    Raises SmeltError if there are none of that.
    """
    found = list(_candidates(manifest))
    if to is not None:
        chosen = [r for r in found if to in _named(manifest, r)]
        if not chosen:
            known = sorted({name for r in found for name in _named(manifest, r)})
            near = difflib.get_close_matches(to, known, 3) or known[:8]
            raise SmeltError(
                f"no entity, and no folder or group of entities, is called {to!r}",
                f"there are: {', '.join(near)}" if near else "the project has no entities yet: leave --to out",
            )
        found = chosen
    with _reader(project, settings) as con:
        return {resource.name: _entity(manifest, resource, con) for resource in found}


def _candidates(manifest: Manifest) -> Iterator[Resource]:
    """Models that sources are mapped to: silver entities where there are layers, else what is no staging."""
    own = [r for r in manifest.resources.values() if r.kind == "model" and r.package == manifest.project_name]
    models = [r for r in own if not r.name.startswith((*_STAGING, *_BETWEEN)) and r.language == "sql"]
    silver = [r for r in models if "silver" in PurePosixPath(r.path).parts]
    inner = silver or [r for r in models if not r.name.startswith(_GOLD)] or models
    yield from (r for r in inner if _columns(manifest, r) and not _is_internal(manifest, r))


def _is_internal(manifest: Manifest, resource: Resource) -> bool:
    """Bookkeeping of the layer itself, such as the accounting of rows: no column of it is a business's."""
    parts = PurePosixPath(resource.path).parts
    return len(parts) >= 2 and parts[-2] == "silver"


def _named(manifest: Manifest, resource: Resource) -> set[str]:
    group = _node(manifest, resource).get("config", {}).get("group")
    return {resource.name, PurePosixPath(resource.path).parent.name, *([group] if group else [])}


def _node(manifest: Manifest, resource: Resource) -> Mapping[str, Any]:
    return manifest.document["nodes"][resource.id]


def _columns(manifest: Manifest, resource: Resource) -> Mapping[str, Any]:
    return _node(manifest, resource).get("columns", {})


def _entity(manifest: Manifest, resource: Resource, con: duckdb.DuckDBPyConnection | None) -> Entity:
    declared = [c for c in _columns(manifest, resource).values() if not c["name"].startswith(_OURS)]
    tests = list(_tests(manifest, resource.id))
    keys = _keys(tests)
    accepted = {
        column: tuple(map(str, arguments.get("values", ())))
        for name, column, arguments in tests
        if name == "accepted_values" and column
    }
    samples, actual = _sample(con, resource) if con is not None else ({}, {})
    columns = tuple(
        Column(
            column["name"],
            samples.get(column["name"].lower()) or accepted.get(column["name"], ()),
            column.get("description") or "",
            column.get("data_type") or actual.get(column["name"].lower(), ""),
            column["name"] in keys,
        )
        for column in declared
    )
    return Entity(
        name=resource.name,
        table=Table(columns, resource.name, resource.description),
        path=PurePosixPath(resource.path),
        types={column.name: column.data_type for column in columns if column.data_type},
        keys=keys,
        required=frozenset(column for name, column, _ in tests if name == "not_null" and column),
        accepted=accepted,
        fed_by=tuple(sorted(_sources_of(manifest, resource.id))),
        group=_node(manifest, resource).get("config", {}).get("group"),
    )


def _tests(manifest: Manifest, model: str) -> Iterator[tuple[str, str | None, Mapping[str, Any]]]:
    """Generic tests of a model: name, column, arguments."""
    for node in manifest.of_type("test"):
        if node.get("attached_node") == model and (test := node.get("test_metadata")):
            yield test["name"], node.get("column_name"), test.get("kwargs", {})


def _keys(tests: Iterable[tuple[str, str | None, Mapping[str, Any]]]) -> tuple[str, ...]:
    """Columns that a test says are unique, alone or together."""
    listed = list(tests)
    together = [
        tuple(arguments.get("columns") or arguments.get("combination_of_columns") or ())
        for _, _, arguments in listed
    ]
    alone = [(column,) for name, column, _ in listed if name == "unique" and column]
    return next((key for key in [*alone, *together] if key), ())


def _sources_of(manifest: Manifest, node: str) -> set[str]:
    """`source.table` of all sources upstream."""
    seen, waiting, found = set(), [node], set()
    while waiting:
        resource = manifest.resources.get(waiting.pop())
        if resource is None or resource.id in seen:
            continue
        seen.add(resource.id)
        if resource.kind == "source":
            found.add(resource.name)
        waiting.extend(resource.parents)
    return found


@contextmanager
def _reader(project: Project, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """What is published, or what the last build left; None where neither can be read from here."""
    from plugins.core.warehouse.published import catalog_path
    from plugins.core.warehouse.reader import open_built, open_published

    try:
        if catalog_path(settings).exists():
            con = open_published(settings)
        elif project.adapter == "duckdb":
            con = open_built(Path(project.folder / str(project.credentials.get("path") or "")))
        else:
            con = None
    except SmeltError:
        # Samples are evidence, not a need: names, types and descriptions are there without them.
        con = None
    try:
        yield con
    finally:
        if con is not None:
            con.close()


def _sample(
    con: duckdb.DuckDBPyConnection, resource: Resource
) -> tuple[dict[str, list[str | None]], dict[str, str]]:
    """Values and types by column, in lower case; none if the table isn't there yet."""
    import duckdb

    if resource.relation is None:
        return {}, {}
    _, schema, name = resource.relation
    table = f"{quote(schema)}.{quote(name)}"
    try:
        types = {row[0].lower(): str(row[1]).lower() for row in con.execute(f"describe {table}").fetchall()}
        found = con.execute(f"select * from {table} limit {SAMPLE_ROWS}")
        names = [column[0].lower() for column in found.description or ()]
        rows = found.fetchall()
    except duckdb.Error:
        return {}, {}
    values = {
        name: [None if value is None else str(value) for value in column]
        for name, column in zip(names, zip(*rows, strict=True), strict=False)
    }
    return values, types
