"""Column-level lineage of any dbt project: a manifest and schemas go in, a column graph comes out.

`ProjectLineage.read` gives a `ColumnGraph`, which answers what a column is made from (`upstream`) and what it
reaches (`downstream`); `holders` are those that hold its values as they came. Models that can't be read are
listed with the reason, and may use everything.
"""

from plugins.core.lineage.cache import LineageCache
from plugins.core.lineage.graph import ColumnGraph, Edge, Node, Place, Reach
from plugins.core.lineage.holding import holders
from plugins.core.lineage.kinds import DIRECT, INDIRECT, Kind
from plugins.core.lineage.known import columns_of_database, known_columns
from plugins.core.lineage.project import Columns, ProjectLineage

__all__ = [
    "DIRECT",
    "INDIRECT",
    "ColumnGraph",
    "Columns",
    "Edge",
    "Kind",
    "LineageCache",
    "Node",
    "Place",
    "ProjectLineage",
    "Reach",
    "columns_of_database",
    "holders",
    "known_columns",
]
