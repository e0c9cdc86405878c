"""Tables as the server's catalog describes them: columns, keys, and what keeps a table from being captured."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingest.mysql.columns import Column
from ingest.mysql.server import Server, ask
from ingest.spec import SourceSpec, StreamSpec
from plugins.core.errors import SmeltError

if TYPE_CHECKING:
    import pymysql

_COLUMNS = """
    select column_name, data_type, column_type, coalesce(numeric_precision, 0), coalesce(numeric_scale, 0),
        coalesce(datetime_precision, 0)
    from information_schema.columns where table_schema = %s and table_name = %s order by ordinal_position
"""
_TABLE = """
    select table_schema, table_name, table_type, coalesce(engine, ''), coalesce(table_rows, 0)
    from information_schema.tables where table_schema = %s and table_name = %s
"""
_UNIQUE = """
    select index_name, column_name from information_schema.statistics
    where table_schema = %s and table_name = %s and non_unique = 0 order by index_name, seq_in_index
"""
# Rows that a foreign key changes are changed below the binlog: it says nothing of them.
_CASCADES = """
    select constraint_name, delete_rule, update_rule from information_schema.referential_constraints
    where constraint_schema = %s and table_name = %s
        and (delete_rule in ('CASCADE', 'SET NULL', 'SET DEFAULT') or update_rule in ('CASCADE', 'SET NULL'))
"""
_TRANSACTIONAL = {"innodb", "rocksdb"}
_INTEGERS = {"tinyint", "smallint", "mediumint", "int"}
_KINDS = {
    "float": "float", "double": "double", "year": "year", "date": "date", "datetime": "datetime",
    "timestamp": "timestamp", "time": "time", "bit": "bit", "decimal": "decimal", "enum": "enum", "set": "set",
    "json": "json", "uuid": "uuid", "inet4": "inet4", "inet6": "inet6",
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), "text"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "blob"),
    **dict.fromkeys(
        (
            "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
            "geometrycollection", "geomcollection",
        ),
        "geometry",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Described:
    """A table. kind: `BASE TABLE`, `VIEW`, …; estimate: rows by the server's statistics."""

    database: str
    name: str
    kind: str
    engine: str
    estimate: int
    columns: list[Column]

    @property
    def quoted(self) -> str:
        """For statements."""
        return ".".join(f"`{part.replace('`', '``')}`" for part in (self.database, self.name))


def table_of(stream: StreamSpec, server: Server) -> tuple[str, str]:
    """Database and name of the stream's table. Raises SmeltError if neither it nor the URL names the database."""
    database, point, name = (stream.table or stream.name).partition(".")
    if point:
        return database, name
    if not server.database:
        raise SmeltError(
            f"stream {stream.name}: the table's database isn't named",
            f"write `table: DATABASE.{database}`, or name the database in the connection's url",
        )
    return server.database, database


def describe(session: pymysql.Connection, table: tuple[str, str], name: str) -> Described:
    """The table of the stream called `name`. Raises SmeltError if it isn't there, or has a type that can't be
    read.
    """
    found = ask(session, _TABLE, *table)
    if not found:
        raise SmeltError(
            f"{name}: there is no table {'.'.join(table)} that the user may read",
            "create it, grant select on it, or correct `table` in source.yml",
        )
    # As the server writes them, and so the binlog, whatever their case is in source.yml.
    database, table_name, kind, engine, estimate = found[0]
    columns = [_column(name, *row) for row in ask(session, _COLUMNS, database, table_name)]
    return Described(database, table_name, kind, engine, int(estimate), columns)


def _column(stream: str, name: str, kind: str, declared: str, precision: Any, scale: Any, digits: Any) -> Column:
    is_unsigned = "unsigned" in declared.lower()
    kind = kind.lower()
    if kind in _INTEGERS:
        return Column(name, "uint" if kind == "int" and is_unsigned else "int")
    if kind == "bigint":
        return Column(name, "ubigint" if is_unsigned else "bigint")
    if kind not in _KINDS:
        raise SmeltError(
            f"{stream}: column {name!r} is of the type {kind}, which can't be read",
            "read the table through a view without it, with sync_mode: full",
        )
    family = _KINDS[kind]
    if family == "decimal":
        return Column(name, family, int(precision), int(scale))
    if family == "bit":
        return Column(name, family, int(precision))
    return Column(name, family, scale=int(digits) if family in ("datetime", "timestamp", "time") else 0)


def require_capturable(
    session: pymysql.Connection, source: SourceSpec, stream: StreamSpec, table: tuple[str, str]
) -> Described:
    """The stream's table. Raises SmeltError if the log doesn't tell all that happens to its rows."""
    name = f"{source.name}.{stream.name}"
    found = describe(session, table, name)
    where = f"{name}: {'.'.join(table)}"
    if found.kind != "BASE TABLE":
        raise SmeltError(f"{where} is no plain table ({found.kind.lower()})", "pull it instead: sync_mode: full")
    if found.engine.lower() not in _TRANSACTIONAL:
        raise SmeltError(
            f"{where} is of the engine {found.engine}, which has no snapshots to begin with",
            f"alter table {found.quoted} engine = InnoDB, or pull it: sync_mode: full",
        )
    if cascades := ask(session, _CASCADES, *table):
        constraint, on_delete, on_update = cascades[0]
        raise SmeltError(
            f"{where}: its rows are changed by the foreign key {constraint} (on delete {on_delete.lower()}, on "
            f"update {on_update.lower()}), and the server writes nothing of that into its log",
            "make the key `restrict` and let the application do it, or pull the table: sync_mode: full",
        )
    if stream.primary_key:
        _require_key(session, source, stream, table)
    return found


def _require_key(
    session: pymysql.Connection, source: SourceSpec, stream: StreamSpec, table: tuple[str, str]
) -> None:
    unique: dict[str, list[str]] = defaultdict(list)
    for index, column in ask(session, _UNIQUE, *table):
        unique[index].append(column)
    if set(stream.primary_key) not in [set(names) for names in unique.values()]:
        known = "; ".join(", ".join(names) for names in unique.values()) or "none"
        raise SmeltError(
            f"{source.name}.{stream.name}: {', '.join(stream.primary_key)} is no key of {'.'.join(table)} "
            f"(unique: {known})",
            f"correct primary_key in {source.folder / 'source.yml'}, as the server writes it; [] tells rows apart "
            "by content",
        )
