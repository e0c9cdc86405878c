"""Two states of a table by SQL, and what is told of them."""

import duckdb
import pytest

from plugins.schema_drift import Severity
from plugins.schema_drift.table import Column, SeenTable, Table
from plugins.schema_drift.understanding import compare


class Tables:
    """A connection, and tables of it as they are seen."""

    def __init__(self, con):
        self.con = con

    def seen(self, sql, name, key=("id",), id_="plant.readings", types=None):
        """A table made by `sql` as a source of the name `id_`; types: those declared, where they are others."""
        self.con.execute(f"create or replace table {name} as {sql}")
        described = self.con.execute(f"describe {name}").fetchall()
        columns = tuple(Column(row[0], (types or {}).get(row[0], row[1].lower())) for row in described)
        held = {column.name for column in columns}
        rows = self.con.execute(f"select count(*) from {name}").fetchone()[0]
        given = tuple(key) if set(key) <= held else ()
        return SeenTable(Table(id_, id_, ("main", name), columns, given, rows), name)

    def told(self, before, after, key=("id",)):
        """Changes beyond silent ones of one table."""
        one = self.seen(before, "before", key)
        drift = compare(self.con, [one], [self.seen(after, "after", key)])
        return [change for change in drift.changes if change.severity is not Severity.SILENT]

    def restored(self, change, tolerance=0.0):
        """The share of common rows that get all values of before from those of now."""
        tests = [
            f'(a.r{n}::varchar is not distinct from b."{one.column}"::varchar or abs(try_cast(a.r{n}::varchar as '
            f'double) - try_cast(b."{one.column}"::varchar as double)) <= {tolerance})'
            for n, one in enumerate(change.restores)
        ]
        made = ", ".join(f"{one.sql} as r{n}" for n, one in enumerate(change.restores))
        row = self.con.execute(
            f"select avg(({' and '.join(tests)})::integer) from before b "
            f"join (select id, {made} from after) a using (id)"
        ).fetchone()
        return row[0]


@pytest.fixture
def tables():
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        yield Tables(con)
