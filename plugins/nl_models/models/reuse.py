"""Whether the project has a model already that holds the same: from the same columns, and the same rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.lineage import ColumnGraph, LineageCache, ProjectLineage, columns_of_database
from plugins.core.lineage.model import read_relation
from plugins.core.sql.guard import Limits, check, run
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models.draft import Draft

# Of columns that are made from the same ones, this many ways to pair them are tried.
_MOST_PAIRINGS = 24
_LIMITS = Limits(seconds=60.0)

Origins = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Reuse:
    """model: what to use instead, a model or a metric. why: how it is known to hold the same."""

    model: str
    why: str


def find_reuse(draft: Draft, project: AskedProject) -> Reuse | None:
    """The model to use instead of a draft; None: there is none.

    Its columns must come from the same columns at the very beginning, and hold the same rows now: lineage alone
    does not see what a filter says, and data alone may agree by chance.
    """
    alike = [name for name, table in project.catalog.tables.items() if table.rows == draft.measured.rows]
    if not alike:
        return None
    graph, origins = _origins(draft, project)
    for relation in alike:
        node, table = project.nodes[relation], project.catalog.tables[relation]
        own = {name: _beginnings(graph, {(node, name.lower())}) for name in table.columns}
        for pairing in itertools.islice(_pairings(origins, own), _MOST_PAIRINGS):
            if _has_same_rows(draft, project, relation, pairing):
                return Reuse(project.manifest.resources[node].name, _why(pairing, table.rows))
    return None


def _origins(draft: Draft, project: AskedProject) -> tuple[ColumnGraph, dict[str, Origins]]:
    """The project's columns, and by column of the draft where its values begin."""
    ((database,),) = project.con.execute("select current_database()").fetchall()
    known = columns_of_database(project.manifest, project.con, database)
    lineage = ProjectLineage(project.manifest, known, LineageCache(None))
    graph = lineage.read()
    relation, _ = read_relation(draft.sql, "duckdb", lineage.schemas)
    return graph, {column.name: _beginnings(graph, set(column.inputs)) for column in relation.columns.values()}


def _beginnings(graph: ColumnGraph, places: set[tuple[str, str]]) -> Origins:
    """The columns that nothing else makes."""
    reached = graph.upstream(places).direct | places
    return frozenset(place for place in reached if not graph.into.get(place))


def _pairings(origins: Mapping[str, Origins], own: Mapping[str, Origins]) -> Iterator[dict[str, str]]:
    """Ways to find each column of the draft among those of a model."""
    candidates = []
    for name, wanted in origins.items():
        alike = [other for other, found in own.items() if found == wanted]
        candidates.append(sorted(alike, key=lambda other: other != name))
    for chosen in itertools.product(*candidates):
        if len(set(chosen)) == len(chosen):
            yield dict(zip(origins, chosen, strict=True))


def _has_same_rows(draft: Draft, project: AskedProject, relation: str, pairing: Mapping[str, str]) -> bool:
    types = draft.document.types
    table = ".".join(map(quote, relation.split(".")))
    theirs = ", ".join(f"cast({quote(other)} as {types[name]})" for name, other in pairing.items())
    ours = ", ".join(map(quote, pairing))
    given, other = f"select {ours} from ({draft.sql}) as g", f"select {theirs} from {table}"
    query = f"select count(*) from (({given}) except all ({other})) as difference"
    try:
        ((differing,),) = run(project.con, check(query, project.nodes), _LIMITS).rows
    except SmeltError:
        # Types that don't compare: then it isn't the same.
        return False
    return differing == 0


def _why(pairing: Mapping[str, str], rows: int) -> str:
    listed = ", ".join(name if name == other else f"{other} as {name}" for name, other in pairing.items())
    return f"it has {listed}, from the same columns, and the same {rows:,} rows"
