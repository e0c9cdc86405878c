"""Bronze tables whose rows stay at their source: what a table says of them, and the SELECT that reads them there.

Kept as a table property without any secret: who reads looks up the connection by its name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from pyiceberg.table import Table
from ulid import ULID

from plugins.core.duck import literal
from plugins.core.lake.catalog import Lake

IN_PLACE = "smelt.in-place"


@dataclass(frozen=True)
class InPlace:
    """connection: name of the connection that is needed; None: none. alias: of a database that is attached, or "".

    relation: SELECT of the source's rows. columns: SQL over it for each bronze column; place: for what tells its
    rows apart. seen: digest of what was looked at, where that tells whether another look would find the same.
    """

    connection: str | None
    alias: str
    relation: str
    place: str
    columns: Sequence[str] = ()
    seen: str = ""


def set_in_place(lake: Lake, identifier: str, found: InPlace) -> None:
    """Let the table, which must be there, be read in place; nothing is written if it says so already."""
    table = lake.table(identifier)
    text = json.dumps(asdict(found), sort_keys=True)
    if table.properties.get(IN_PLACE) != text:
        with table.transaction() as transaction:
            transaction.set_properties({IN_PLACE: text})


def read_in_place(table: Table) -> InPlace | None:
    """How the table's rows are read at their source; None: they are in the lake."""
    text = table.properties.get(IN_PLACE)
    return InPlace(**json.loads(text)) if text else None


def in_place_sql(found: InPlace) -> str:
    """SELECT of the rows for one build, whose id and time are those of all its rows."""
    audit = [
        f"{literal(str(ULID()))} as _smelt_batch_id",
        f"{literal(datetime.now(UTC).isoformat())}::timestamptz as _smelt_loaded_at",
        f"{found.place} as _smelt_source_position",
        "'r' as _smelt_op",
        "null::varchar as _smelt_extra",
    ]
    return f"select {', '.join([*found.columns, *audit])} from ({found.relation})"
