"""The project that is patched: its files at one commit, what dbt knows of it, and its lineage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plugins.core.lineage import ColumnGraph
from plugins.core.project import Manifest
from plugins.schema_drift.table import Table


@dataclass(frozen=True)
class PatchedProject:
    """paths: all files of the commit, relative to the project's folder. read: the text of one of them.

    manifest: of the same commit, compiled before the drift or at least parsed. graph: column lineage of it.
    before, after: the tables that drifted, as they were and are; those that did not change are left out.
    """

    manifest: Manifest
    graph: ColumnGraph
    paths: Sequence[str]
    read: Callable[[str], str]
    before: Sequence[Table]
    after: Sequence[Table]
