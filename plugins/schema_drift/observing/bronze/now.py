"""Bronze as it is now, as a warehouse of source tables: to be kept in a snapshot, or set beside one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import duckdb

from plugins.core import duck
from plugins.core.lake import Lake, pin_namespace
from plugins.core.ledger import Ledger
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.schema_drift.observing.bronze.records import Records
from plugins.schema_drift.observing.bronze.streams import StreamSpec, declared_streams, stream_of
from plugins.schema_drift.observing.bronze.tables import bronze_table
from plugins.schema_drift.observing.duckdb_file import wanted_rows
from plugins.schema_drift.observing.found import HASH, Found, Rows, Wanted, broken

NAMESPACE = "bronze"
LETTERS = "__dead_letters"


def open_now(con: duckdb.DuckDBPyConnection, project: Project, settings: Settings) -> BronzeNow:
    """Bronze of a Smelt project, whose rows are read in `con`."""
    return BronzeNow(con, settings, Records(Ledger(settings)), declared_streams(project.folder))


@dataclass(frozen=True)
class BronzeNow:
    """Every stream under its source's names, one row for each key."""

    con: duckdb.DuckDBPyConnection
    settings: Settings
    records: Records
    streams: dict[str, StreamSpec]

    @property
    def folds_case(self) -> bool:
        """Tables of the lake differ by case."""
        return False

    def relations(self, schemas: Collection[str]) -> list[Found]:
        """All streams that were ever loaded."""
        lake = Lake(self.settings)
        if not lake.exists() or (schemas and NAMESPACE not in schemas):
            return []
        duck.load_extensions(self.con, duck.LAKE_EXTENSIONS)
        versions = self.records.versions()
        found = []
        for pin in pin_namespace(lake, NAMESPACE):
            if pin.table.endswith(LETTERS):
                continue
            spec = stream_of(pin.table, self.streams)
            known = versions.get((spec.source, spec.name))
            columns = known[-1].columns if known else None
            try:
                table = bronze_table(self.con, lake, pin, columns, spec.key)
            except duckdb.Error as error:
                found.append(broken(Found(NAMESPACE, pin.table, columns or ()), error))
                continue
            sql = f"(select * exclude {HASH} from ({table.state}))"
            found.append(Found(NAMESPACE, pin.table, table.columns, True, table.key, sql=sql))
        return found

    def count(self, relations: Sequence[Found]) -> list[Found]:
        """Keys that each stream has now."""
        return [self._counted(one) for one in relations]

    def rows(self, relation: Found, wanted: Wanted) -> Rows:
        """A table of what is wanted. Raises duckdb.Error."""
        return wanted_rows(self.con, relation, wanted)

    def _counted(self, relation: Found) -> Found:
        if relation.error is not None or relation.has_twins:
            return relation
        try:
            rows = self.con.execute(f"select count(*) from {relation.sql}").fetchall()[0][0]
        except duckdb.Error as error:
            return broken(relation, error)
        return replace(relation, rows=rows)
