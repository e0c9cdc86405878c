"""Which columns a project marks as personal, wherever its models hand them on to."""

from __future__ import annotations

from contextlib import closing

from plugins.core.lineage import LineageCache, Place, ProjectLineage, known_columns
from plugins.core.project.compiled import OWN_TARGET
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.language.personal import Marked
from plugins.review import find_pii


def marked_columns(project: AskedProject) -> Marked:
    """(table, column) of what may be asked and is marked by meta or tag `pii`, or made of a column that is.

    What a model hands on is as personal as what it reads; one that can't be read may hand on anything.
    """
    document = project.manifest.document
    nodes = (*document["nodes"], *document.get("sources", {}))
    marked = {(node, column) for node in nodes for column in find_pii(project.manifest, node)}
    reached, unread = _below(project, marked) if marked else (frozenset[Place](), frozenset[str]())
    return frozenset(
        (table, column)
        for table, node in project.nodes.items()
        for column in project.catalog.tables[table].columns
        if node in unread or (node, column.lower()) in marked | reached
    )


def _below(project: AskedProject, marked: set[Place]) -> tuple[frozenset[Place], frozenset[str]]:
    folder = project.folder
    with closing(LineageCache(folder / OWN_TARGET / "lineage.db")) as cache:
        known = known_columns(project.manifest, folder, folder / "target" / "catalog.json")
        reach = ProjectLineage(project.manifest, known, cache).read().downstream(marked)
    return reach.direct, reach.possible
