"""dlt's `sql_table` on SQLite: each value in the type of its column, or as one that doesn't fit it.

SQLAlchemy takes SQLite's declared types at their word, and ends the read at the first value that isn't of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.types import UserDefinedType

from ingest.extract.sqlite_values import (
    BLOB,
    BOOLEAN,
    DATE,
    MOMENT,
    REAL,
    TEXT,
    TIME,
    WHOLE,
    Kind,
    decimal,
    kind_of,
)  # fmt: skip

if TYPE_CHECKING:
    from dlt.sources import incremental

_FIRST_ROWS = 1000
_MOST_DIGITS = 38
_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"
_DECLARED: tuple[tuple[type[sa.types.TypeEngine], Kind], ...] = (
    (sa.Boolean, BOOLEAN), (sa.DateTime, MOMENT), (sa.Date, DATE), (sa.Time, TIME), (sa.Integer, WHOLE),
    (sa.Float, REAL), (sa.LargeBinary, BLOB), (sa.JSON, TEXT), (sa.String, TEXT),
)  # fmt: skip


class SqliteTables:
    """What dlt is told to do with the tables that it reads; afterwards, the Arrow types of their columns.

    types: by table and column.
    """

    def __init__(self) -> None:
        self.types: dict[str, dict[str, pa.DataType]] = {}
        self._engine: sa.Engine | None = None

    def arguments(self) -> Mapping[str, Any]:
        """Arguments of `sql_table` and `sql_database`."""
        return {
            "engine_adapter_callback": self._opened,
            "table_adapter_callback": self._typed,
            "query_adapter_callback": _with_unfit,
        }

    def _opened(self, engine: sa.Engine) -> sa.Engine:
        self._engine = engine

        @event.listens_for(engine, "connect")
        def read_any_bytes(connection: Any, _record: Any) -> None:
            connection.text_factory = _decoded

        return engine

    def _typed(self, table: sa.Table) -> sa.Table:
        if self._engine is None or table.name in self.types:
            return table
        names = [column.name for column in table.columns]
        raw = sa.table(table.name, *(sa.column(name) for name in names), schema=table.schema)
        with self._engine.connect() as connection:
            first = connection.execute(sa.select(raw).limit(_FIRST_ROWS)).fetchall()
        self.types[table.name] = {}
        for place, column in enumerate(table.columns):
            kind = kind_of(_declared(column.type), [row[place] for row in first if row[place] is not None])
            self.types[table.name][column.name] = kind.arrow
            column.type = _AsStored(kind)
        return table


def _declared(kind: sa.types.TypeEngine) -> Kind | None:
    if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        precision, scale = kind.precision, kind.scale
        if precision is not None and scale is not None and 0 <= scale <= precision <= _MOST_DIGITS:
            return decimal(precision, scale)
        # NUMERIC stands for any type that SQLAlchemy doesn't know, too, such as `any` or `money`.
        return REAL if isinstance(kind, sa.DECIMAL) else None
    return next((ours for theirs, ours in _DECLARED if isinstance(kind, theirs)), None)


def _decoded(raw: bytes) -> str | bytes:
    """Text; as bytes if it was written in no UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


class _AsStored(UserDefinedType):
    cache_ok = False

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def get_col_spec(self, **_: Any) -> str:
        return ""

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        return self.kind.fitted

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        return _stored


def _stored(value: Any) -> Any:
    """A value as SQLite has it, to compare with."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _with_unfit(query: Any, table: sa.Table, cursor: incremental | None, _engine: sa.Engine) -> Any:
    """An increment that also reads rows whose cursor is no value of its type: they have no place in its order."""
    if cursor is None or query.whereclause is None:
        return query
    column = table.c[str(cursor.cursor_path)]
    kind = column.type.kind if isinstance(column.type, _AsStored) else TEXT
    if kind in (MOMENT, DATE):
        raw = sa.literal_column(str(column.compile(dialect=_engine.dialect)))
        unfit = sa.or_(sa.func.typeof(raw) != "text", raw.op("not glob")(_DAY))
    elif kind in (WHOLE, REAL):
        unfit = sa.func.typeof(column).not_in(["integer", "real"])
    else:
        return query
    return table.select().where(sa.or_(query.whereclause, unfit))
