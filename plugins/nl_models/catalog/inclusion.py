"""Which share of a column's values is found in another column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import duckdb

from plugins.core.duck import quote
from plugins.nl_models.catalog.profile import SMALL
from plugins.nl_models.catalog.schema import Column, Table

if TYPE_CHECKING:
    import numpy as np

# Of a big table's different values, that are looked for.
_LOOKED_FOR = 10_000


class Inclusion:
    """Compares columns of tables, of which it reads each column of a small table once."""

    def __init__(self, con: duckdb.DuckDBPyConnection, tables: Mapping[str, Table]) -> None:
        self._con = con
        self._tables = tables
        self._read: dict[tuple[str, str, str], np.ndarray] = {}

    def share(self, column: Column, key: Column) -> float:
        """The share of a column's different values that a unique column has."""
        # Numbers kept as text are compared as text: DuckDB compares a number with a text in no other way.
        cast = "" if column.data_type == key.data_type else "::varchar"
        if max(self._tables[column.table].rows, self._tables[key.table].rows) > SMALL:
            return self._asked(column, key, cast)
        ours, theirs = self._hashes(column, cast), self._hashes(key, cast)
        # Imported here: a catalog that is kept needs no comparing.
        import numpy as np

        return float(np.isin(ours, theirs, assume_unique=True).mean()) if len(ours) else 0.0

    def _hashes(self, column: Column, cast: str) -> np.ndarray:
        """The different values, each as a number of eight bytes."""
        place = (*column.place, cast)
        if place not in self._read:
            import numpy as np

            value = f"{quote(column.name)}{cast}"
            with self._con.cursor() as cursor:
                cursor.execute(f"select hash({value}) as h from {_source(column)} where {value} is not null")
                self._read[place] = np.unique(cursor.fetchnumpy()["h"])
        return self._read[place]

    def _asked(self, column: Column, key: Column, cast: str) -> float:
        with self._con.cursor() as cursor:
            (share,), *_ = cursor.execute(
                f"select avg((v{cast} in (select {quote(key.name)}{cast} from {_source(key)}))::int) from "
                f"(select distinct {quote(column.name)} as v from {_source(column)} "
                f"where v is not null limit {_LOOKED_FOR})"
            ).fetchall()
        return share or 0.0


def _source(column: Column) -> str:
    return ".".join(quote(part) for part in column.table.split("."))
