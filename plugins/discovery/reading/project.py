"""What a project has: its sources in bronze, and its published tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from plugins.core.duck import LAKE_EXTENSIONS, load_extensions, quote
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings
from plugins.discovery.reading.place import Place, Progress, Stream, count, sampled

if TYPE_CHECKING:
    from plugins.core.lake import Pin

_OURS = "_smelt_"
_POSITION, _OPERATION = "_smelt_source_position", "_smelt_op"


def sources_of(settings: Settings) -> tuple[str, ...]:
    """The names of the project's sources."""
    return tuple(sorted(path.parent.name for path in (settings.project_dir / "sources").glob("*/source.yml")))


def bronze_tables(settings: Settings) -> tuple[str, ...]:
    """The names of all bronze tables, such as `shop__orders`; none where there is no lake yet."""
    from plugins.core.lake import Lake, has_lake

    return tuple(Lake(settings).tables("bronze")) if has_lake(settings) else ()


def read_source(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    source: str,
    rows: int,
    on_progress: Progress,
    only: str | None,
) -> Place:
    """The streams of a source, as they are in bronze. Raises SmeltError if nothing was loaded yet."""
    tables = [
        name
        for name in bronze_tables(settings)
        if name.startswith(f"{source}__") and not name.endswith("__dead_letters")
    ]
    if not tables:
        raise SmeltError(f"nothing of the source {source} is in bronze yet", f"smelt ingest {source}")
    streams = [
        _bronze(con, settings, table, stream, rows, on_progress)
        for table in tables
        if only in (None, stream := table.removeprefix(f"{source}__"))
    ]
    return Place(source, "source", tuple(streams))


def read_bronze_table(
    con: duckdb.DuckDBPyConnection, settings: Settings, table: str, rows: int, on_progress: Progress
) -> Place:
    """One bronze table."""
    return Place(f"bronze.{table}", "table", (_bronze(con, settings, table, table, rows, on_progress),))


def _bronze(
    con: duckdb.DuckDBPyConnection, settings: Settings, table: str, name: str, rows: int, on_progress: Progress
) -> Stream:
    from plugins.core.lake import Lake, pin_namespace, scan_sql

    on_progress(f"reading {name}")
    load_extensions(con, LAKE_EXTENSIONS)
    lake = Lake(settings)
    found = lake.table(f"bronze.{table}")
    (pin,) = pin_namespace(lake, "bronze", names=[table])
    columns = [field.name for field in found.schema().fields if not field.name.startswith(_OURS)]
    key = _declared_key(settings, table)
    rows_of = _in_place(con, settings, pin) if pin.in_place else scan_sql(pin)
    sql = f"select {', '.join(map(quote, columns)) or '*'} from {rows_of}"
    notes: tuple[str, ...] = ("read in place",) if pin.in_place else ()
    names = {field.name for field in found.schema().fields}
    if key and not pin.in_place and {_POSITION, _OPERATION, *key} <= names:
        # Bronze has every version of a row; the latest is what the source has.
        order = f"partition by {', '.join(map(quote, key))} order by {_POSITION} desc"
        sql += f" qualify row_number() over ({order}) = 1 and {_OPERATION} is distinct from 'd'"
        notes = ("of rows that changed, the latest version",)
    try:
        total = count(con, sql)
        whole = con.sql(sql)
        return Stream(name, sampled(con, sql, total, rows), total, whole, key if key else (), notes)
    except duckdb.Error as error:
        raise SmeltError(
            f"bronze.{table} cannot be read: {str(error).splitlines()[0]}", "smelt sources"
        ) from error


def _in_place(con: duckdb.DuckDBPyConnection, settings: Settings, pin: Pin) -> str:
    """The view over a stream's source; whoever reads it is told if that can't be reached."""
    from plugins.core.warehouse.in_place import lay_in_place

    con.execute(f"create schema if not exists {quote(pin.namespace)}")
    lay_in_place(con, settings, [pin])
    return f"{quote(pin.namespace)}.{quote(pin.table)}"


def _declared_key(settings: Settings, table: str) -> tuple[str, ...]:
    """The primary key that source.yml gives a stream; the file is checked in full when it is loaded from."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    source, _, stream = table.partition("__")
    try:
        tree = YAML(typ="safe", pure=True).load(settings.project_dir / "sources" / source / "source.yml")
        found = next(one for one in tree["streams"] if one["name"] == stream)
        return tuple(map(str, found.get("primary_key") or ()))
    except (OSError, YAMLError, KeyError, TypeError, AttributeError, StopIteration):
        return ()


def published_tables(settings: Settings) -> tuple[str, ...]:
    """The published tables, as `schema.table`; none where nothing is published yet."""
    from plugins.core.warehouse.published import catalog_path

    if not catalog_path(settings).exists():
        return ()
    from plugins.core.warehouse.reader import open_published

    with open_published(settings) as con:
        rows = con.execute(
            "select schema_name || '.' || view_name from duckdb_views() where not internal"
        ).fetchall()
    return tuple(sorted(name for (name,) in rows))


def read_published_table(settings: Settings, con: duckdb.DuckDBPyConnection, name: str, rows: int) -> Place:
    """One published table. con: a guarded connection (`open_published`) that stays open."""
    schema, _, table = name.partition(".")
    sql = f"select * from {quote(schema)}.{quote(table)}"
    total = count(con, sql)
    return Place(name, "table", (Stream(table, sampled(con, sql, total, rows), total, con.sql(sql)),))
